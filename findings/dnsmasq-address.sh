#!/bin/bash
# dnsmasq answers that a name does not exist, though it has just answered with its address.
#
# Version:      dnsmasq 2.90 (Debian 12, unpacked in a temporary directory), dnspython 2.9.2.
# Expectation:  address=/db.cloud/10.0.0.5 gives db.cloud an IPv4 address. Asked for an IPv6 address
#               it answers that there is none of that type, and a cname to db.cloud leads there; both
#               as with host-record.
# Behaviour:    the name of address= exists for no other question. For AAAA (or MX, TXT) it is
#               NXDOMAIN, if the domain is local, which resolvers may take for the name as a whole.
#               A cname to it is answered without an address.
# Output seen:  address      A: NOERROR 10.0.0.5, AAAA: NXDOMAIN, A of a cname to it: no address
#               host-record  A: NOERROR 10.0.0.6, AAAA: NOERROR, A of a cname to it: 10.0.0.6
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install dnspython==2.9.2 2>/dev/null
cd "$dir"
apt-get download -qq dnsmasq-base=2.90-4~deb12u2 libnetfilter-conntrack3=1.0.9-3 libnfnetlink0=1.0.2-2 \
    libnftables1=1.0.6-2+deb12u2 libnftnl11=1.2.4-2 libmnl0=1.0.4-3 libjansson4=2.14-2 \
    libidn2-0=2.3.3-1+b1 2>"$dir/log"
for package in *.deb; do dpkg -x "$package" root; done
libraries=("$dir"/root/usr/lib/*-linux-gnu "$dir"/root/lib/*-linux-gnu)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
LD_LIBRARY_PATH=$(IFS=:; echo "${libraries[*]}") root/usr/sbin/dnsmasq --keep-in-foreground \
    --conf-file=/dev/null --no-resolv --no-hosts --listen-address=127.0.0.1 --bind-interfaces \
    --port="$port" --user="$(id -un)" --pid-file= --log-facility="$dir/dnsmasq.log" --local=/cloud/ \
    --address=/db.cloud/10.0.0.5 --cname=alias-db.cloud,db.cloud \
    --host-record=web.cloud,10.0.0.6 --cname=alias-web.cloud,web.cloud &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 50); do grep -q started dnsmasq.log 2>>log && break; sleep 0.2; done

"$dir/venv/bin/python" - "$port" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sys

import dns.message
import dns.query
import dns.rcode


def ask(name, kind):
    question = dns.message.make_query(name, kind)
    answer = dns.query.udp(question, "127.0.0.1", port=int(sys.argv[1]), timeout=10)
    found = [str(record) for records in answer.answer if records.rdtype == 1 for record in records]
    return dns.rcode.to_text(answer.rcode()), " ".join(found)


for option, name in (("address", "db"), ("host-record", "web")):
    (code, found), (other, _) = ask(f"{name}.cloud", "A"), ask(f"{name}.cloud", "AAAA")
    alias = ask(f"alias-{name}.cloud", "A")[1] or "no address"
    print(f"{option:12} A: {code} {found}, AAAA: {other}, A of a cname to it: {alias}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
address      A: NOERROR 10.0.0.5, AAAA: NXDOMAIN, A of a cname to it: no address
host-record  A: NOERROR 10.0.0.6, AAAA: NOERROR, A of a cname to it: 10.0.0.6
END
