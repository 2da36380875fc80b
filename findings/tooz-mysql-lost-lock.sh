#!/bin/bash
# A tooz lock in MySQL that was lost with its connection says that it is held, and so does another.
#
# Version:      tooz 9.1.0, PyMySQL 1.2.4, MariaDB 10.11.19 (Debian 12, checked).
# Expectation:  a coordinator that sends heartbeats keeps its locks or notices that they are gone:
#               heartbeat() raises, or lock.acquired becomes false.
# Behaviour:    the lock is the server's GET_LOCK, which ends with the connection (a restart,
#               wait_timeout, a proxy's limit). Each lock has a connection of its own; heartbeat()
#               neither uses nor watches it, acquired is a note of the past, and is_still_owner()
#               is not implemented. Two members hold one lock; only release() fails.
# Output seen:  before: first True, second False
#               after the connection ended: heartbeat passes, first True, second True
#               is_still_owner: NotImplemented
#               release of the first: ToozError
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    "tooz[mysql]==9.1.0" PyMySQL==1.2.4

# The system's MariaDB on a free port of loopback.
case $(mariadbd --version) in
*10.11.19-MariaDB*) ;;
*) echo "needs MariaDB 10.11.19 (Debian 12), found: $(mariadbd --version)" >&2; exit 2 ;;
esac
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" \
    --auth-root-authentication-method=normal --skip-test-db >"$dir/log" 2>&1
mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/data" --socket="$dir/socket" \
    --bind-address=127.0.0.1 --port="$port" --pid-file="$dir/pid" \
    --log-error="$dir/server.log" >>"$dir/log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 120); do [ -S "$dir/socket" ] && break; sleep 0.5; done

"$dir/venv/bin/python" - "$dir/socket" "$port" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sys
import time

import pymysql
from tooz import coordination

socket, port = sys.argv[1:]
root = pymysql.connect(unix_socket=socket, user="root", autocommit=True).cursor()
root.execute("CREATE DATABASE locks")
root.execute("CREATE USER locks@'%' IDENTIFIED BY 'pw'")
root.execute("GRANT ALL ON locks.* TO locks@'%'")

members = []
for name in (b"first", b"second"):
    member = coordination.get_coordinator(f"mysql://locks:pw@127.0.0.1:{port}/locks", name)
    member.start()
    members.append((member, member.get_lock(b"node1")))
(coordinator, first), (_, second) = members
print(f"before: first {first.acquire(blocking=False)}, second {second.acquire(blocking=False)}")

root.execute("SELECT IS_USED_LOCK('node1')")
holder, = root.fetchone()
root.execute(f"KILL {holder}")
while holder:
    time.sleep(0.1)
    root.execute("SELECT IS_USED_LOCK('node1')")
    holder, = root.fetchone()
coordinator.heartbeat()
taken = second.acquire(blocking=False)
print(f"after the connection ended: heartbeat passes, first {first.acquired}, second {taken}")
try:
    first.is_still_owner()
except Exception as error:
    print("is_still_owner:", type(error).__name__)
try:
    first.release()
except Exception as error:
    print("release of the first:", type(error).__name__)
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
before: first True, second False
after the connection ended: heartbeat passes, first True, second True
is_still_owner: NotImplemented
release of the first: ToozError
END
