#!/bin/bash
# A with statement on a lock of etcd3gw is entered while another client has the lock.
#
# Version:      etcd3gw 2.7.0 (of tooz's etcd driver), etcd 3.4.23-4+b4 (Debian 12, unpacked in a
#               temporary directory).
# Expectation:  "with client.lock(name):" waits for the lock or raises, as every lock of threading,
#               redis-py, fasteners and tooz.
# Behaviour:    acquire() does not wait and returns False; the with statement does not look at that
#               and runs its body without the lock.
# Output seen:  first client in the with statement, is_acquired: True
#               second client in the with statement, is_acquired: False
#               second client's acquire(): False
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    etcd3gw==2.7.0
cd "$dir"
apt-get download -qq etcd-server=3.4.23-4+b4 2>"$dir/log"
dpkg -x etcd-server_*.deb root
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
root/usr/bin/etcd --data-dir data --listen-client-urls "http://127.0.0.1:$port" \
    --advertise-client-urls "http://127.0.0.1:$port" --listen-peer-urls unix://localhost:1 \
    --initial-advertise-peer-urls unix://localhost:1 --initial-cluster default=unix://localhost:1 \
    >"$dir/log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT

"$dir/venv/bin/python" - "$port" >"$dir/seen" 2>"$dir/errors" <<'END' || { tail "$dir/errors"; exit 1; }
import contextlib
import sys
import time

import etcd3gw

first, second = (etcd3gw.client(host="127.0.0.1", port=int(sys.argv[1])) for _ in range(2))
for _ in range(50):
    with contextlib.suppress(etcd3gw.exceptions.Etcd3Exception):
        first.status()
        break
    time.sleep(0.2)
with first.lock("node1") as lock:
    print("first client in the with statement, is_acquired:", lock.is_acquired())
    with second.lock("node1") as other:
        print("second client in the with statement, is_acquired:", other.is_acquired())
    print("second client's acquire():", second.lock("node1").acquire())
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
first client in the with statement, is_acquired: True
second client in the with statement, is_acquired: False
second client's acquire(): False
END
