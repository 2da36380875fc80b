#!/bin/bash
# A Redis that refuses connections is reported by tooz after most of a minute.
#
# Version:      tooz 9.1.0, redis-py 8.1.0.
# Expectation:  a port on which no program listens refuses a connection at once, and so
#               coordinator.start() fails at once; socket_timeout=1 in the URL is a bound at
#               least for one attempt and its error.
# Behaviour:    redis-py itself connects again, with growing pauses, for about four seconds before
#               it raises. tooz, written when redis-py raised at once, repeats each call 15 times.
#               The timeouts of the URL bound none of that. Each later call of a lock (acquire,
#               is_still_owner, release) waits as long.
# Output seen:  a plain socket: ConnectionRefusedError within a second
#               redis-py: ConnectionError after seconds, more than one
#               tooz: ToozConnectionError after more than ten seconds
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    tooz==9.1.0 redis==8.1.0

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import socket
import sys
import time

import redis
from tooz import coordination


def failing(call):
    begin = time.monotonic()
    try:
        call()
    except Exception as error:
        seconds = time.monotonic() - begin
        print(f"{type(error).__name__} after {seconds:.1f} s", file=sys.stderr)
        return type(error).__name__, seconds
    raise SystemExit("it did not fail")


with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]
name, seconds = failing(lambda: socket.create_connection(("127.0.0.1", port)))
print("a plain socket:", name, "within a second" if seconds < 1 else "late")

name, seconds = failing(redis.Redis("127.0.0.1", port, socket_timeout=1).ping)
print("redis-py:", name, "after seconds, more than one" if seconds > 1 else "at once")

url = f"redis://127.0.0.1:{port}?socket_timeout=1"
name, seconds = failing(coordination.get_coordinator(url, b"member").start)
print("tooz:", name, "after more than ten seconds" if seconds > 10 else "soon")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
a plain socket: ConnectionRefusedError within a second
redis-py: ConnectionError after seconds, more than one
tooz: ToozConnectionError after more than ten seconds
END
