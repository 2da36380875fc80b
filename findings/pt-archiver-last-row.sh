#!/bin/bash
# pt-archiver --purge --where "1=1" leaves one row, and tells nothing about it.
#
# Version:      percona-toolkit 3.2.1 (Debian 12, unpacked in a temporary directory), MariaDB
#               10.11.19 (Debian 12, checked).
# Expectation:  --purge deletes the rows that --where matches, as DELETE does.
# Behaviour:    the row with the highest AUTO_INCREMENT number is left out of every run, exit code
#               0. A second run deletes nothing. With
#               --no-safe-auto-increment it goes.
# Output seen:  --purge --where 1=1:         exit 0, rows left: 5
#               once more:                   exit 0, rows left: 5
#               --no-safe-auto-increment:    exit 0, rows left: none
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

case $(mariadbd --version) in
*10.11.19-MariaDB*) ;;
*) echo "needs MariaDB 10.11.19 (Debian 12), found: $(mariadbd --version)" >&2; exit 2 ;;
esac
cd "$dir"
apt-get download -qq percona-toolkit=3.2.1-1 libdbd-mysql-perl=4.050-5+b1 \
    libdbi-perl=1.643-4+deb12u3 libmariadb3=1:10.11.19-0+deb12u1 2>"$dir/log"
for package in *.deb; do dpkg -x "$package" root; done
libraries=("$dir"/root/usr/lib/*-linux-gnu)
perl=("${libraries[0]}"/perl5/*)
archive() {
    LD_LIBRARY_PATH=${libraries[0]} PERL5LIB="${perl[0]}:$dir/root/usr/share/perl5" \
        root/usr/bin/pt-archiver --no-check-charset --purge --where "1=1" \
        --source "D=t,t=shadow_services,u=root,S=$dir/socket" "$@" >>log 2>&1
}

mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" \
    --auth-root-authentication-method=normal --skip-test-db >>"$dir/log" 2>&1
mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/data" --socket="$dir/socket" \
    --skip-networking --pid-file="$dir/pid" --log-error="$dir/server.log" >>"$dir/log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 120); do [ -S "$dir/socket" ] && break; sleep 0.5; done

sql() { mariadb --no-defaults --user=root --socket="$dir/socket" -N -e "$1"; }
purge() {
    code=0
    archive "$@" || code=$?
    rows=$(sql "SELECT id FROM t.shadow_services" | xargs)
    echo "exit $code, rows left: ${rows:-none}"
}

sql "CREATE DATABASE t; CREATE TABLE t.shadow_services (id INT AUTO_INCREMENT PRIMARY KEY);
     INSERT INTO t.shadow_services VALUES (1), (2), (3), (4), (5)"
{
    echo "--purge --where 1=1:         $(purge)"
    echo "once more:                   $(purge)"
    echo "--no-safe-auto-increment:    $(purge --no-safe-auto-increment)"
} | tee seen
diff seen - <<'END'
--purge --where 1=1:         exit 0, rows left: 5
once more:                   exit 0, rows left: 5
--no-safe-auto-increment:    exit 0, rows left: none
END
