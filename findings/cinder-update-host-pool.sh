#!/bin/bash
# cinder-manage volume update_host with a backend's name takes the pool off its volumes.
#
# Version:      cinder 29.0.0, on SQLite.
# Expectation:  --currenthost node1@lvm --newhost node2@lvm either takes only volumes whose host is
#               just that, or moves node1@lvm#pool to node2@lvm#pool. No match: an exit code of 1.
# Behaviour:    it takes the volumes of every pool of the backend, and writes the new name over the
#               whole of their host: two pools become none, and which volume was in which is lost.
#               No match: exit code 0. There is no output either way.
# Output seen:  node1@lvm: exit 0, a=node2@lvm b=node2@lvm c=node10@lvm#pool1 d=node1@ceph#pool1
#               nosuch@lvm: exit 0, a=node2@lvm b=node2@lvm c=node10@lvm#pool1 d=node1@ceph#pool1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    cinder==29.0.0 SQLAlchemy==2.1.9 oslo.db==18.1.1

cat >"$dir/cinder.conf" <<END
[DEFAULT]
state_path = $dir
[database]
connection = sqlite:///$dir/cinder.db
END

manage() {
    "$dir/venv/bin/cinder-manage" --config-file "$dir/cinder.conf" "$@" >>"$dir/log" 2>&1
}

volumes() {
    "$dir/venv/bin/python" -c '
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT id, host FROM volumes ORDER BY id")
print(*(f"{volume}={host}" for volume, host in rows))' "$dir/cinder.db"
}

update() {
    code=0
    manage volume update_host --currenthost "$1" --newhost node2@lvm || code=$?
    echo "$1: exit $code, $(volumes)"
}

manage db sync
"$dir/venv/bin/python" - "$dir/cinder.db" <<'END'
import sqlite3
import sys

hosts = {"a": "node1@lvm#pool1", "b": "node1@lvm#pool2", "c": "node10@lvm#pool1",
         "d": "node1@ceph#pool1"}
with sqlite3.connect(sys.argv[1]) as db:
    kind, = db.execute("SELECT id FROM volume_types").fetchone()
    db.executemany(
        "INSERT INTO volumes (id, host, status, deleted, created_at, size, volume_type_id, use_quota)"
        " VALUES (?, ?, 'available', 0, '2026-01-01', 1, ?, 1)",
        [(volume, host, kind) for volume, host in hosts.items()])
END
{ update node1@lvm; update nosuch@lvm; } | tee "$dir/seen"
diff "$dir/seen" - <<'END'
node1@lvm: exit 0, a=node2@lvm b=node2@lvm c=node10@lvm#pool1 d=node1@ceph#pool1
nosuch@lvm: exit 0, a=node2@lvm b=node2@lvm c=node10@lvm#pool1 d=node1@ceph#pool1
END
