#!/bin/bash
# pymemcache's add, set, replace and delete return True, whatever memcached does with them.
#
# Version:      pymemcache 4.0.0 (the client of oslo.cache and tooz), memcached 1.6.18 (Debian 12,
#               checked).
# Expectation:  add returns False if the key is there, so that it can be a lock; replace and delete
#               if it is not.
# Behaviour:    by default a client does not ask for an answer (default_noreply=True) and returns
#               True. Two clients that add a key both hear that they did.
# Output seen:  default
#                 add by two clients: True True
#                 replace and delete of no key: True True
#               {'default_noreply': False}
#                 add by two clients: True False
#                 replace and delete of no key: False False
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

for options in ({}, {"default_noreply": False}):
    first, second = (Client(sys.argv[1], **options) for _ in range(2))
    first.delete("lock", noreply=False)
    print(options or "default")
    print("  add by two clients:", first.add("lock", "1"), second.add("lock", "2"))
    print("  replace and delete of no key:", first.replace("none", "1"), first.delete("none"))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
default
  add by two clients: True True
  replace and delete of no key: True True
{'default_noreply': False}
  add by two clients: True False
  replace and delete of no key: False False
END
