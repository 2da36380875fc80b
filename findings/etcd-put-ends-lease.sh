#!/bin/bash
# A second put takes a key off its lease: it then outlives the process that kept the lease.
#
# Version:      etcd 3.4.23-4+b4 (Debian 12, unpacked in a temporary directory).
# Expectation:  a put changes the value. The lease is a property of the key, as a file's owner is,
#               and stays until it is set again: the key goes when the lease ends.
# Behaviour:    a put without --lease detaches the key from its lease, with the same answer "OK".
#               The end of the lease deletes the other keys and leaves this one for ever.
#               (--ignore-lease keeps it.)
# Output seen:  put again:                the end of the lease leaves: value2
#               put again --ignore-lease: the end of the lease leaves: nothing
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

# A key of a lease, the key again with the given options, the end of the lease.
left() {
    lease=$(etcdctl lease grant 600 | cut -d' ' -f2)
    {
        etcdctl put --lease="$lease" alive/node1 value1
        etcdctl put "$@" alive/node1 value2
        etcdctl lease revoke "$lease"
    } >>log
    value=$(etcdctl get --print-value-only alive/node1)
    echo "the end of the lease leaves: ${value:-nothing}"
}

{
    echo "put again:                $(left)"
    echo "put again --ignore-lease: $(left --ignore-lease)"
} | tee seen
diff seen - <<'END'
put again:                the end of the lease leaves: value2
put again --ignore-lease: the end of the lease leaves: nothing
END
