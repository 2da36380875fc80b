#!/bin/bash
# mariadb-check prints "Error" for a table that does not exist, and exits with 0.
#
# Version:      MariaDB 10.11.19 (Debian 12, checked).
# Expectation:  a check that finds an error exits with another code than 0, as mariadb-dump of the
#               same table.
# Behaviour:    errors of a table are lines of the report. The exit code says that the server was
#               asked. Of a database that does not exist it is not 0.
# Output seen:  mariadb-check mysql servces: exit 0, Error: Table 'mysql.servces' doesn't exist
#               mariadb-dump mysql servces: fails
#               mariadb-check mysq servers: fails
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

try() {
    code=0
    "$1" --no-defaults --user=root --socket="$dir/socket" "${@:2}" >"$dir/answer" 2>&1 || code=$?
    error=$(grep -o "Error *: Table.*exist" "$dir/answer" | tr -s ' ' || :)
    echo "$*: $([ "$code" = 0 ] && echo "exit 0" || echo "fails")${error:+, $error}"
}

{
    try mariadb-check mysql servces
    try mariadb-dump mysql servces
    try mariadb-check mysq servers
} | tee "$dir/seen"
diff "$dir/seen" - <<'END'
mariadb-check mysql servces: exit 0, Error: Table 'mysql.servces' doesn't exist
mariadb-dump mysql servces: fails
mariadb-check mysq servers: fails
END
