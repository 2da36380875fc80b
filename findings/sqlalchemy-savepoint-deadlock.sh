#!/bin/bash
# A deadlock inside a savepoint reaches the caller as "SAVEPOINT does not exist", and the commit of
# the outer transaction then passes without its first half.
#
# Version:      SQLAlchemy 2.1.9, PyMySQL 1.2.4, MariaDB 10.11.19 (Debian 12, checked).
# Expectation:  inside session.begin_nested() a deadlock raises error 1213, which callers repeat on;
#               who catches it has either the savepoint's state, or a transaction that cannot commit.
# Behaviour:    the server rolls the whole transaction back, savepoints too. SQLAlchemy then rolls
#               back to the savepoint, and that error (1305) takes the place of 1213. The session
#               thinks its transaction goes on: further statements and commit() succeed, and only
#               what came after the deadlock is stored.
# Output seen:  caught: 1305
#               commit: passes
#               stored: after the deadlock
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    SQLAlchemy==2.1.9 PyMySQL==1.2.4

# The system's MariaDB, on a socket in $dir and with no port.
case $(mariadbd --version) in
*10.11.19-MariaDB*) ;;
*) echo "needs MariaDB 10.11.19 (Debian 12), found: $(mariadbd --version)" >&2; exit 2 ;;
esac
mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" \
    --auth-root-authentication-method=normal --skip-test-db >"$dir/log" 2>&1
mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/data" --socket="$dir/socket" \
    --skip-networking --pid-file="$dir/pid" --log-error="$dir/server.log" >>"$dir/log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 120); do [ -S "$dir/socket" ] && break; sleep 0.5; done

"$dir/venv/bin/python" - "$dir/socket" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sys
import threading
import time

import pymysql
import sqlalchemy as sa
from sqlalchemy import orm

other = pymysql.connect(unix_socket=sys.argv[1], user="root", autocommit=True)
with other.cursor() as cursor:
    cursor.execute("CREATE DATABASE test")
    cursor.execute("USE test")
    cursor.execute("CREATE TABLE story (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(30))")
    for table in ("first", "second"):
        cursor.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, value INT)")
        cursor.execute(f"INSERT INTO {table} VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
    cursor.execute("BEGIN")
    cursor.execute("UPDATE second SET value = 1")

engine = sa.create_engine(
    "mysql+pymysql://root@/test", connect_args={"unix_socket": sys.argv[1]})
WAITS = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"


def locks_waited_for():
    with engine.connect() as connection:
        return connection.scalar(sa.text(WAITS))


def update_first():
    with other.cursor() as cursor:
        cursor.execute("UPDATE first SET value = 1 WHERE id = 1")


thread = threading.Thread(target=update_first)
with orm.Session(engine) as session:
    session.execute(sa.text("INSERT INTO story (what) VALUES ('before the deadlock')"))
    session.execute(sa.text("UPDATE first SET value = 2 WHERE id = 1"))
    try:
        with session.begin_nested():
            thread.start()
            deadline = time.monotonic() + 30
            while not locks_waited_for() and time.monotonic() < deadline:
                time.sleep(0.1)
            session.execute(sa.text("UPDATE second SET value = 2 WHERE id = 1"))
    except sa.exc.OperationalError as error:
        print("caught:", error.orig.args[0])
    session.execute(sa.text("INSERT INTO story (what) VALUES ('after the deadlock')"))
    session.commit()
    print("commit: passes")
thread.join()
with engine.connect() as connection:
    print("stored:", ", ".join(connection.scalars(sa.text("SELECT what FROM story"))))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
caught: 1305
commit: passes
stored: after the deadlock
END
