#!/bin/bash
# ANALYZE TABLE of one table commits what the transaction has written to another.
#
# Version:      MariaDB 10.11.19 (Debian 12, checked).
# Expectation:  ANALYZE TABLE reads a table and renews its statistics; it is no part of what the
#               transaction writes, and ROLLBACK undoes the INSERT before it.
# Behaviour:    it commits first, without a word, as ALTER TABLE does. So do FLUSH TABLES and a
#               second BEGIN. CHECK TABLE does too; CREATE TEMPORARY TABLE does not.
# Output seen:  BEGIN, INSERT, SELECT COUNT(*) FROM t.other, ROLLBACK: rows 0
#               BEGIN, INSERT, CREATE TEMPORARY TABLE t.temporary (id INT), ROLLBACK: rows 0
#               BEGIN, INSERT, ANALYZE TABLE t.other, ROLLBACK: rows 1
#               BEGIN, INSERT, CHECK TABLE t.other, ROLLBACK: rows 1
#               BEGIN, INSERT, FLUSH TABLES, ROLLBACK: rows 1
#               BEGIN, INSERT, BEGIN, ROLLBACK: rows 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

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

sql() { mariadb --no-defaults --user=root --socket="$dir/socket" -N -e "$1" 2>>"$dir/log"; }
sql "CREATE DATABASE t; CREATE TABLE t.written (id INT) ENGINE=InnoDB; CREATE TABLE t.other (id INT)"
for statement in "SELECT COUNT(*) FROM t.other" "CREATE TEMPORARY TABLE t.temporary (id INT)" \
    "ANALYZE TABLE t.other" "CHECK TABLE t.other" "FLUSH TABLES" "BEGIN"; do
    sql "DELETE FROM t.written"
    sql "BEGIN; INSERT INTO t.written VALUES (1); $statement; ROLLBACK" >>"$dir/log"
    echo "BEGIN, INSERT, $statement, ROLLBACK: rows $(sql "SELECT COUNT(*) FROM t.written")"
done | tee "$dir/seen"
diff "$dir/seen" - <<'END'
BEGIN, INSERT, SELECT COUNT(*) FROM t.other, ROLLBACK: rows 0
BEGIN, INSERT, CREATE TEMPORARY TABLE t.temporary (id INT), ROLLBACK: rows 0
BEGIN, INSERT, ANALYZE TABLE t.other, ROLLBACK: rows 1
BEGIN, INSERT, CHECK TABLE t.other, ROLLBACK: rows 1
BEGIN, INSERT, FLUSH TABLES, ROLLBACK: rows 1
BEGIN, INSERT, BEGIN, ROLLBACK: rows 1
END
