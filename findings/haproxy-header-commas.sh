#!/bin/bash
# HAProxy's req.hdr() returns what follows the last comma of a header.
#
# Version:      HAProxy 2.6.12 (Debian 12, checked), curl.
# Expectation:  req.hdr(name) is the value of the header; if the header is sent twice, one of them.
# Behaviour:    a comma ends a value, as if the header had been sent twice, and the last one is
#               returned. Of a date the day of the week is cut off, of "compute 2.1, placement 1.39"
#               nova's part. req.fhdr(name) is the whole header.
# Output seen:  req.hdr(if-modified-since):       29 Nov 2026 10:00:00 GMT
#               req.fhdr(if-modified-since):      Sun, 29 Nov 2026 10:00:00 GMT
#               req.hdr(openstack-api-version):   placement 1.39
#               req.fhdr(openstack-api-version):  compute 2.1, placement 1.39
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

case $(haproxy -v) in
*"version 2.6.12-"*) ;;
*) echo "needs HAProxy 2.6.12 (Debian 12), found: $(haproxy -v | head -1)" >&2; exit 2 ;;
esac
{
    printf '%s\n' "defaults" "    mode http" "    timeout client 5s" "frontend web" \
        "    bind unix@$dir/socket"
    echo '    http-request return status 200 content-type text/plain lf-file answer'
} >"$dir/haproxy.cfg"
for header in if-modified-since openstack-api-version; do
    for fetch in hdr fhdr; do printf '%-33s %%[req.%s(%s)]\n' "req.$fetch($header):" "$fetch" "$header"; done
done >"$dir/answer"
cd "$dir"
haproxy -f haproxy.cfg -db 2>log &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 50); do [ -S socket ] && break; sleep 0.2; done

curl --silent --unix-socket socket -H "If-Modified-Since: Sun, 29 Nov 2026 10:00:00 GMT" \
    -H "OpenStack-API-Version: compute 2.1, placement 1.39" http://localhost/ | tee seen
diff seen - <<'END'
req.hdr(if-modified-since):       29 Nov 2026 10:00:00 GMT
req.fhdr(if-modified-since):      Sun, 29 Nov 2026 10:00:00 GMT
req.hdr(openstack-api-version):   placement 1.39
req.fhdr(openstack-api-version):  compute 2.1, placement 1.39
END
