#!/bin/bash
# The same UPDATE through the same driver has a rowcount of 0 in PyMySQL and of 1 in SQLAlchemy.
#
# Version:      PyMySQL 1.2.4, SQLAlchemy 2.1.9, MariaDB 10.11.19 (Debian 12, checked).
# Expectation:  SQLAlchemy's mysql+pymysql hands the rowcount of PyMySQL on. A row that the WHERE
#               finds counts, as in every other database.
# Behaviour:    PyMySQL alone counts the rows whose values changed: 0 for a value that was there
#               already, the same as for a row that does not exist. SQLAlchemy connects PyMySQL
#               with a flag that makes it count the rows found. INSERT ... ON DUPLICATE KEY UPDATE
#               is 0 and 1 then, and both count 2 for one row that is changed.
# Output seen:  UPDATE to the value that is there: PyMySQL 0, SQLAlchemy 1
#               UPDATE of a row that is not there: PyMySQL 0, SQLAlchemy 0
#               INSERT of the row that is there:   PyMySQL 0, SQLAlchemy 1
#               INSERT that changes the row:       PyMySQL 2, SQLAlchemy 2
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    PyMySQL==1.2.4 SQLAlchemy==2.1.9

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

import pymysql
import sqlalchemy

INSERT = "INSERT INTO t.service VALUES (1, {0}) ON DUPLICATE KEY UPDATE down = {0}"
STATEMENTS = {
    "UPDATE to the value that is there:": "UPDATE t.service SET down = 0 WHERE id = 1",
    "UPDATE of a row that is not there:": "UPDATE t.service SET down = 0 WHERE id = 2",
    "INSERT of the row that is there:": INSERT.format(0),
    "INSERT that changes the row:": INSERT.format(1),
}
plain = pymysql.connect(unix_socket=sys.argv[1], user="root")
engine = sqlalchemy.create_engine(f"mysql+pymysql://root@/?unix_socket={sys.argv[1]}")


def with_pymysql(statement):
    cursor = plain.cursor()
    cursor.execute(statement)
    count = cursor.rowcount
    plain.rollback()
    return count


def with_sqlalchemy(statement):
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text(statement)).rowcount


for statement in ("CREATE DATABASE t", "CREATE TABLE t.service (id INT PRIMARY KEY, down INT)",
                  "INSERT INTO t.service VALUES (1, 0)"):
    plain.cursor().execute(statement)
plain.commit()
for name, statement in STATEMENTS.items():
    print(f"{name:34} PyMySQL {with_pymysql(statement)}, SQLAlchemy {with_sqlalchemy(statement)}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
UPDATE to the value that is there: PyMySQL 0, SQLAlchemy 1
UPDATE of a row that is not there: PyMySQL 0, SQLAlchemy 0
INSERT of the row that is there:   PyMySQL 0, SQLAlchemy 1
INSERT that changes the row:       PyMySQL 2, SQLAlchemy 2
END
