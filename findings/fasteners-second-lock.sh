#!/bin/bash
# A second InterProcessLock of the same process is granted, and its release frees the first one.
#
# Version:      fasteners 0.20 (the file locks of oslo.concurrency and tooz).
# Expectation:  while one object has the lock of a file, another object is refused, in whatever
#               process it is; and a lock stays until its owner releases it.
# Behaviour:    the lock belongs to the process, not to the object. A second object in the same
#               process (another thread, a library) gets it at once. When that one is released, the
#               file is closed, and with it goes the lock of the first: acquired is still True there,
#               while another process gets the lock.
# Output seen:  first: granted, another process: refused
#               second object: granted, another process: refused
#               second object released: first.acquired is True, another process: granted
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install fasteners==0.20 2>/dev/null

cat >"$dir/ask.py" <<'END'
import sys

import fasteners

lock = fasteners.InterProcessLock(sys.argv[1])
print("granted" if lock.acquire(blocking=False) else "refused")
END
"$dir/venv/bin/python" - "$dir" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import subprocess
import sys

import fasteners

directory = sys.argv[1]
path = f"{directory}/file"


def ask():
    command = [sys.executable, f"{directory}/ask.py", path]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return "another process: " + answer.stdout.strip()


def acquire(lock):
    return "granted" if lock.acquire(blocking=False) else "refused"


first, second = fasteners.InterProcessLock(path), fasteners.InterProcessLock(path)
print(f"first: {acquire(first)}, {ask()}")
print(f"second object: {acquire(second)}, {ask()}")
second.release()
print(f"second object released: first.acquired is {first.acquired}, {ask()}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
first: granted, another process: refused
second object: granted, another process: refused
second object released: first.acquired is True, another process: granted
END
