#!/bin/bash
# etcdctl del with two keys deletes the first, all keys between, and not the second.
#
# Version:      etcd 3.4.23-4+b4 (Debian 12, unpacked in a temporary directory).
# Expectation:  etcdctl del node1 node3 deletes two keys, as rm and every other delete does.
# Behaviour:    the second argument is the end of a range, which is not part of it: node1 and node2
#               are deleted, node3 stays. The number that is printed is that of two keys. get
#               reads its second argument the same way. An end before the key is no error: 0 keys.
# Output seen:  get node1 node3 reads: node1 node2
#               del node3 node1 prints 0, left: node1 node2 node3 node4
#               del node1 node3 prints 2, left: node3 node4
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cd "$dir"
apt-get download -qq etcd-server=3.4.23-4+b4 etcd-client=3.4.23-4+b4 2>"$dir/log"
for package in *.deb; do dpkg -x "$package" root; done
export PATH="$dir/root/usr/bin:$PATH" ETCDCTL_API=3 ETCDCTL_ENDPOINTS=unix://localhost:0
etcd --data-dir data --listen-client-urls unix://localhost:0 --advertise-client-urls unix://localhost:0 \
    --listen-peer-urls unix://localhost:1 --initial-advertise-peer-urls unix://localhost:1 \
    --initial-cluster default=unix://localhost:1 >log 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 50); do etcdctl endpoint health >>log 2>&1 && break; sleep 0.2; done

keys() {
    etcdctl get "$@" --keys-only | xargs
}

for node in node1 node2 node3 node4; do etcdctl put "$node" up >>log; done
{
    echo "get node1 node3 reads: $(keys node1 node3)"
    echo "del node3 node1 prints $(etcdctl del node3 node1), left: $(keys --prefix node)"
    echo "del node1 node3 prints $(etcdctl del node1 node3), left: $(keys --prefix node)"
} | tee seen
diff seen - <<'END'
get node1 node3 reads: node1 node2
del node3 node1 prints 0, left: node1 node2 node3 node4
del node1 node3 prints 2, left: node3 node4
END
