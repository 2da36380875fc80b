#!/bin/bash
# mariadb-admin ping with a password that the server refuses exits with 0.
#
# Version:      MariaDB 10.11.19 (Debian 12, checked).
# Expectation:  ping with a user's password is a check that this user gets in; an error on the
#               terminal comes with an exit code that is not 0, as with mariadb-admin status.
# Behaviour:    "Access denied" is printed, and the exit code is 0, since the server answers. A
#               health check that logs in this way is green for a user that does not exist.
#               Without a server it is 1.
# Output seen:  status:                exit 1, Access denied
#               ping:                  exit 0, Access denied
#               ping without a server: exit 1
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
    mariadb-admin --no-defaults --socket="$dir/$1" --user=monitor --password=wrong "$2" \
        >"$dir/answer" 2>&1 || code=$?
    echo "exit $code$(grep -o 'Access denied' "$dir/answer" | sed 's/^/, /')"
}

{
    echo "status:                $(try socket status)"
    echo "ping:                  $(try socket ping)"
    echo "ping without a server: $(try none ping)"
} | tee "$dir/seen"
diff "$dir/seen" - <<'END'
status:                exit 1, Access denied
ping:                  exit 0, Access denied
ping without a server: exit 1
END
