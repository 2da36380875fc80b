#!/bin/bash
# oslo.db raises DBDeadlock for two errors, and only one of them has ended the transaction.
#
# Version:      oslo.db 18.1.1, SQLAlchemy 2.1.9, PyMySQL 1.2.4, MariaDB 10.11.19 (Debian 12,
#               checked).
# Expectation:  DBDeadlock says that the server has rolled the transaction back: what was written
#               before in it is gone, and a caller that catches it begins anew.
# Behaviour:    a wait for a lock that is too long (1205) is raised as DBDeadlock too. There only
#               the statement is undone: the transaction goes on, and the end of the writer commits
#               its first half. After a deadlock (1213) the same code commits nothing of it.
# Output seen:  deadlock:      DBDeadlock of 1213, the first half is gone
#               lock timeout:  DBDeadlock of 1205, the first half is committed
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    oslo.db==18.1.1 SQLAlchemy==2.1.9 PyMySQL==1.2.4

# The system's MariaDB, on a socket in $dir and with no port.
case $(mariadbd --version) in
*10.11.19-MariaDB*) ;;
*) echo "needs MariaDB 10.11.19 (Debian 12), found: $(mariadbd --version)" >&2; exit 2 ;;
esac
mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" \
    --auth-root-authentication-method=normal --skip-test-db >"$dir/log" 2>&1
mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/data" --socket="$dir/socket" \
    --skip-networking --pid-file="$dir/pid" --log-error="$dir/server.log" \
    --innodb-lock-wait-timeout=10 >>"$dir/log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 120); do [ -S "$dir/socket" ] && break; sleep 0.5; done

"$dir/venv/bin/python" - "$dir/socket" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sys
import threading
import time

import pymysql
import sqlalchemy
from oslo_db import exception
from oslo_db.sqlalchemy import enginefacade

FIRST = "UPDATE t.service SET down = 1 WHERE id = 1"
SECOND = "UPDATE t.service SET down = 1 WHERE id = 2"
HEAVY = "UPDATE t.service SET down = down + 5 WHERE id > 1"
WAITS = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
context = enginefacade.transaction_context()
context.configure(connection=f"mysql+pymysql://root@/?unix_socket={sys.argv[1]}")


@enginefacade.transaction_context_provider
class Context:
    pass


def connect():
    return pymysql.connect(unix_socket=sys.argv[1], user="root").cursor()


def wait_for_waiter():
    cursor = connect()
    for _ in range(50):
        cursor.execute(WAITS)
        if cursor.fetchone()[0]:
            return
        time.sleep(0.1)


def run(deadlock):
    other = connect()
    other.execute("UPDATE t.service SET down = 0")
    other.connection.commit()
    other.execute(HEAVY)
    waiter = threading.Thread(target=other.execute, args=(FIRST,))
    with context.writer.using(Context()) as session:
        session.execute(sqlalchemy.text(FIRST))
        if deadlock:
            waiter.start()
            wait_for_waiter()
        try:
            session.execute(sqlalchemy.text(SECOND))
        except exception.DBDeadlock as error:
            number = error.inner_exception.orig.args[0]
    if deadlock:
        waiter.join()
    other.connection.rollback()
    other.execute("SELECT down FROM t.service WHERE id = 1")
    return f"DBDeadlock of {number}, the first half is {'committed' if other.fetchone()[0] else 'gone'}"


setup = connect()
setup.execute("CREATE DATABASE t")
setup.execute("CREATE TABLE t.service (id INT PRIMARY KEY, down INT)")
setup.execute("INSERT INTO t.service VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
setup.connection.commit()
print("deadlock:     ", run(deadlock=True))
print("lock timeout: ", run(deadlock=False))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
deadlock:      DBDeadlock of 1213, the first half is gone
lock timeout:  DBDeadlock of 1205, the first half is committed
END
