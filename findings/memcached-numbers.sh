#!/bin/bash
# memcached drops at once what shall stay for 31 days, and counts from 10 down to "9 ".
#
# Version:      memcached 1.6.18 (Debian 12, checked), pymemcache 4.0.0.
# Expectation:  a value that is stored for 31 days is there afterwards. 10 less 1 is stored as 9.
# Behaviour:    an expiry of more than 30 days is a date in seconds since 1970, thus long past: set
#               returns True, and the value is gone. A number never gets shorter: decr returns 9,
#               get returns 9 and a space.
# Output seen:  30 days: stored True, read b'v'
#               31 days: stored True, read None
#               10 less 1: decr 9, read b'9 '
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

case $(memcached --version) in
"memcached 1.6.18") ;;
*) echo "needs memcached 1.6.18 (Debian 12), found: $(memcached --version)" >&2; exit 2 ;;
esac
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install pymemcache==4.0.0 2>/dev/null
memcached -u "$(id -un)" -s "$dir/socket" &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 50); do [ -S "$dir/socket" ] && break; sleep 0.2; done

"$dir/venv/bin/python" - "$dir/socket" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sys

from pymemcache.client.base import Client

client = Client(sys.argv[1], default_noreply=False)
for days in (30, 31):
    stored = client.set("key", "v", expire=days * 24 * 60 * 60)
    print(f"{days} days: stored {stored}, read {client.get('key')}")
client.set("number", "10")
print(f"10 less 1: decr {client.decr('number', 1)}, read {client.get('number')}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
30 days: stored True, read b'v'
31 days: stored True, read None
10 less 1: decr 9, read b'9 '
END
