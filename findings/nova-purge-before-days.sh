#!/bin/bash
# nova-manage db purge --before "60 days ago" is neither refused nor 60 days: it is the year 2060.
#
# Version:      nova 34.0.0, on SQLite.
# Expectation:  --before takes a date; words that are no date are refused, or "60 days ago" and
#               "90 days ago" count days back from today.
# Behaviour:    nova takes the number for a part of a date and leaves out the words. 60 is the year
#               2060: every archived row goes, that of yesterday too. 90 is the year 1990: no row
#               goes. (7 and 30 would be days of the present month.) Exit code 0 means "deleted".
# Output seen:  60 days ago: exit 0, left: none
#               90 days ago: exit 3, left: 200 days, 75 days, 1 days
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
[database]
connection = sqlite:///$dir/nova.db
[api_database]
connection = sqlite:///$dir/api.db
END

manage() {
    "$dir/venv/bin/nova-manage" --config-file "$dir/nova.conf" "$@" >>"$dir/log" 2>&1
}

archive_three_services() {
    "$dir/venv/bin/python" - "$dir/nova.db" <<'END'
import datetime
import sqlite3
import sys

now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("DELETE FROM shadow_services")
    for number, days in enumerate((200, 75, 1), 1):
        then = str(now - datetime.timedelta(days=days))
        db.execute(
            "INSERT INTO shadow_services (id, host, report_count, deleted, deleted_at)"
            " VALUES (?, ?, 0, ?, ?)", (number, f"{days} days", number, then))
END
}

left() {
    "$dir/venv/bin/python" -c '
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT host FROM shadow_services ORDER BY id")
print(", ".join(host for host, in rows) or "none")' "$dir/nova.db"
}

purge() {
    archive_three_services
    code=0
    manage db purge --before "$1" || code=$?
    echo "$1: exit $code, left: $(left)"
}

manage db sync --local_cell
manage api_db sync
{ purge "60 days ago"; purge "90 days ago"; } | tee "$dir/seen"
diff "$dir/seen" - <<'END'
60 days ago: exit 0, left: none
90 days ago: exit 3, left: 200 days, 75 days, 1 days
END
