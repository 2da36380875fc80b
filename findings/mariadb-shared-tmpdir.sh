#!/bin/bash
# A MariaDB server that starts deletes the temporary tables of another one that runs.
#
# Version:      MariaDB 10.11.19 (Debian 12, checked).
# Expectation:  two servers with data directories, sockets and ports of their own do not touch each
#               other; /tmp, the default tmpdir, is made to be shared.
# Behaviour:    at its start a server deletes every file in tmpdir that looks like a temporary
#               table, also those of a server that runs. The session that has the table goes on
#               with the open files, until it drops the table: "Unknown table".
# Output seen:  files of the temporary table: 2
#               after another server started: 0
#               rows read afterwards: 1
#               DROP TEMPORARY TABLE fails: error 1051
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

case $(mariadbd --version) in
*10.11.19-MariaDB*) ;;
*) echo "needs MariaDB 10.11.19 (Debian 12), found: $(mariadbd --version)" >&2; exit 2 ;;
esac
servers=()
trap 'kill "${servers[@]}" ${CLIENT_PID-} || :; wait "${servers[@]}" || :; rm -rf "$dir"' EXIT
mkdir "$dir/tmp"
start() {
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/$1" \
        --auth-root-authentication-method=normal --skip-test-db >"$dir/log" 2>&1
    mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/$1" --socket="$dir/$1.socket" \
        --tmpdir="$dir/tmp" --skip-networking --log-error="$dir/$1.log" >>"$dir/log" 2>&1 &
    servers+=("$!")
    for _ in $(seq 120); do
        mariadb --no-defaults --socket="$dir/$1.socket" --user=root -e "SELECT 1" >"$dir/log" 2>&1 && return
        sleep 0.5
    done
}
files() { find "$dir/tmp" -name '#sql*.MA?' | wc -l; }

start first
coproc CLIENT { mariadb --no-defaults --socket="$dir/first.socket" --user=root --force -N -n 2>"$dir/errors"; }
{
    echo "CREATE TEMPORARY TABLE mysql.kept (id INT) ENGINE=Aria; INSERT INTO mysql.kept VALUES (1);"
    echo "SELECT 'ready';"
} >&"${CLIENT[1]}"
read -r _ <&"${CLIENT[0]}"
{
    echo "files of the temporary table: $(files)"
    start second
    echo "after another server started: $(files)"
    echo "SELECT COUNT(*) FROM mysql.kept;" >&"${CLIENT[1]}"
    read -r rows <&"${CLIENT[0]}"
    echo "rows read afterwards: $rows"
    echo "DROP TEMPORARY TABLE mysql.kept; SELECT 'done';" >&"${CLIENT[1]}"
    read -r _ <&"${CLIENT[0]}"
    sed -n "s/^ERROR \([0-9]*\) .*/DROP TEMPORARY TABLE fails: error \1/p" "$dir/errors"
} >"$dir/seen"
cat "$dir/seen"
cat "$dir/errors" >&2
diff "$dir/seen" - <<'END'
files of the temporary table: 2
after another server started: 0
rows read afterwards: 1
DROP TEMPORARY TABLE fails: error 1051
END
