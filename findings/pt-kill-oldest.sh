#!/bin/bash
# pt-kill prints one of three queries that match, and would kill only that one.
#
# Version:      percona-toolkit 3.2.1 (Debian 12, unpacked in a temporary directory), MariaDB
#               10.11.19 (Debian 12, checked).
# Expectation:  --match-info selects queries, --print prints those, --kill kills those.
# Behaviour:    of the queries that match, --victims takes the oldest one, which is its default:
#               --print shows one line for each round, of the same query, and the others are not
#               mentioned. --victims all takes what matches.
# Output seen:  three queries match, printed: 1
#               with --victims all, printed:  3
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
printed() {
    LD_LIBRARY_PATH=${libraries[0]} PERL5LIB="${perl[0]}:$dir/root/usr/share/perl5" \
        timeout 30 root/usr/bin/pt-kill --socket "$dir/socket" --user root --match-info SLEEP \
        --print --interval 1 --run-time 3 "$@" 2>>log | grep -o "KILL [0-9]*" | sort -u | wc -l
}

mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/data" \
    --auth-root-authentication-method=normal --skip-test-db >>"$dir/log" 2>&1
mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/data" --socket="$dir/socket" \
    --skip-networking --pid-file="$dir/pid" --log-error="$dir/server.log" >>"$dir/log" 2>&1 &
processes=("$!")
trap 'kill "${processes[@]}"; wait "${processes[@]}" || :; rm -rf "$dir"' EXIT
for _ in $(seq 120); do [ -S "$dir/socket" ] && break; sleep 0.5; done

sql() { mariadb --no-defaults --user=root --socket="$dir/socket" -N -e "$1" >>log 2>&1; }
for _ in 1 2 3; do
    sql "SELECT SLEEP(60)" &
    processes+=("$!")
    sleep 1.1
done
{
    echo "three queries match, printed: $(printed)"
    echo "with --victims all, printed:  $(printed --victims all)"
} | tee seen
diff seen - <<'END'
three queries match, printed: 1
with --victims all, printed:  3
END
