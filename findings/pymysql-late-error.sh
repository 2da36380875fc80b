#!/bin/bash
# PyMySQL raises the error of a second statement later, from another call, which it then leaves out.
#
# Version:      PyMySQL 1.2.4, MariaDB 10.11.19 (Debian 12, checked).
# Expectation:  with MULTI_STATEMENTS, execute("UPDATE ...; INSERT ...") raises when the INSERT fails.
#               commit() afterwards commits, and a SELECT on another cursor selects.
# Behaviour:    execute() reads the first result only and returns. The error waits on the connection
#               for the next call of any kind: commit() raises "Duplicate entry" and never sends its
#               COMMIT, so the update is lost at close; the SELECT of another cursor raises it too.
#               Called again, both work. Also, a DictCursor has two entries for three equal names.
# Output seen:  execute: returns 1
#               commit: IntegrityError 1062
#               value after close: 0
#               SELECT on another cursor: IntegrityError 1062
#               SELECT again: ((5,),)
#               SELECT 1 AS x, 2 AS x, 3 AS x: {'x': 1, '.x': 3}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    PyMySQL==1.2.4

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
from pymysql.constants import CLIENT

BOTH = "UPDATE test.t SET value = value + 1 WHERE id = 1; INSERT INTO test.t VALUES (1, 0)"


def connect(**options):
    return pymysql.connect(unix_socket=sys.argv[1], user="root", **options)


def outcome(call):
    try:
        return call()
    except pymysql.MySQLError as error:
        return f"{type(error).__name__} {error.args[0]}"


def select(cursor):
    cursor.execute("SELECT 5")
    return cursor.fetchall()


plain = connect(autocommit=True).cursor(pymysql.cursors.DictCursor)
plain.execute("CREATE DATABASE test")
plain.execute("CREATE TABLE test.t (id INT PRIMARY KEY, value INT)")
plain.execute("INSERT INTO test.t VALUES (1, 0)")

connection = connect(client_flag=CLIENT.MULTI_STATEMENTS)
print("execute: returns", outcome(lambda: connection.cursor().execute(BOTH)))
print("commit:", outcome(connection.commit))
connection.close()
plain.execute("SELECT value FROM test.t")
print("value after close:", plain.fetchone()["value"])

connection = connect(client_flag=CLIENT.MULTI_STATEMENTS)
first, second = connection.cursor(), connection.cursor()
first.execute(BOTH)
print("SELECT on another cursor:", outcome(lambda: select(second)))
print("SELECT again:", outcome(lambda: select(second)))
connection.close()

plain.execute("SELECT 1 AS x, 2 AS x, 3 AS x")
print("SELECT 1 AS x, 2 AS x, 3 AS x:", plain.fetchone())
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
execute: returns 1
commit: IntegrityError 1062
value after close: 0
SELECT on another cursor: IntegrityError 1062
SELECT again: ((5,),)
SELECT 1 AS x, 2 AS x, 3 AS x: {'x': 1, '.x': 3}
END
