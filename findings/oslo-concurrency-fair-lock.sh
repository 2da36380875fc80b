#!/bin/bash
# A fair lock of oslo.concurrency and a plain one of the same name do not exclude each other.
#
# Version:      oslo.concurrency 7.6.1, the lock of nova, neutron and cinder.
# Expectation:  lock("a") and lock("a", fair=True) are one lock, since the name says which; fair only
#               orders those that wait.
# Behaviour:    they are two locks, and both are granted at once, to two threads as well. A fair
#               lock is granted again to the thread that has it; a plain one is not.
# Output seen:  plain while another thread has the plain one: refused
#               plain while another thread has the fair one: granted
#               plain again in the same thread: refused
#               fair again in the same thread: granted
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    oslo.concurrency==7.6.1

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
from concurrent.futures import ThreadPoolExecutor

from oslo_concurrency import lockutils


def ask(**options):
    try:
        with lockutils.lock("node1", **options):
            return "granted"
    except lockutils.AcquireLockFailedException:
        return "refused"


with ThreadPoolExecutor(1) as thread:
    for kind, fair in (("plain", False), ("fair", True)):
        with lockutils.lock("node1", fair=fair):
            answer = thread.submit(ask, blocking=False).result()
        print(f"plain while another thread has the {kind} one: {answer}")
with lockutils.lock("node1"):
    print("plain again in the same thread:", ask(blocking=False))
with lockutils.lock("node1", fair=True):
    print("fair again in the same thread:", ask(fair=True))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
plain while another thread has the plain one: refused
plain while another thread has the fair one: granted
plain again in the same thread: refused
fair again in the same thread: granted
END
