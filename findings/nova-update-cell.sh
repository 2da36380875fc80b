#!/bin/bash
# nova-manage cell_v2 update_cell --name gives a cell a new name and another cell's database.
#
# Version:      nova 34.0.0, on SQLite.
# Expectation:  update_cell changes what its options name: --name changes the name, --disable that
#               no servers are placed in the cell. The rest stays.
# Behaviour:    the transport URL and the database connection are written each time. Without
#               --transport-url and --database_connection they come from nova.conf, which is that of
#               another cell or of the API. Two lines say so, exit code 0.
# Output seen:  created:       cell1 UUID rabbit://cell1-broker/ sqlite:///cell1.db False
#               --name, exit 0: cell01 UUID rabbit://api-broker/ sqlite:///api-cell.db False
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    nova==34.0.0 SQLAlchemy==2.1.9 oslo.db==18.1.1

cat >"$dir/nova.conf" <<END
[DEFAULT]
state_path = $dir
transport_url = rabbit://api-broker/
[database]
connection = sqlite:///api-cell.db
[api_database]
connection = sqlite:///$dir/api.db
END

manage() {
    "$dir/venv/bin/nova-manage" --config-file "$dir/nova.conf" "$@" 2>>"$dir/log"
}

cells() {
    manage cell_v2 list_cells --verbose | sed -n 's/  *| */ /g; s/^| *//p' | sed -n '/rabbit/s/ $//p'
}

manage api_db sync >>"$dir/log"
manage cell_v2 create_cell --name cell1 --transport-url rabbit://cell1-broker/ \
    --database_connection sqlite:///cell1.db
uuid=$(cells | grep -o '[0-9a-f]\{8\}-[0-9a-f-]\{27\}')
{
    echo "created:       $(cells)"
    code=0
    manage cell_v2 update_cell --cell_uuid "$uuid" --name cell01 >>"$dir/log" || code=$?
    echo "--name, exit $code: $(cells)"
} | sed "s/$uuid/UUID/" | tee "$dir/seen"
diff "$dir/seen" - <<'END'
created:       cell1 UUID rabbit://cell1-broker/ sqlite:///cell1.db False
--name, exit 0: cell01 UUID rabbit://api-broker/ sqlite:///api-cell.db False
END
