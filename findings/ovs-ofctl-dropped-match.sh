#!/bin/bash
# ovs-ofctl makes a flow that drops port 80 into a flow that drops everything.
#
# Version:      Open vSwitch 3.1.0 (Debian 12, unpacked in a temporary directory).
# Expectation:  tp_dst=80 without a protocol is an error, or means the port 80 of each protocol.
# Behaviour:    a field whose protocol is not in the match is taken out, exit code 0, with an INFO
#               line in the log. tp_dst=80 alone matches every packet. So does nw_src without ip.
# Output seen:  tcp,tp_dst=80   exit 0: ADD tcp,tp_dst=80 actions=drop
#               tp_dst=80       exit 0: ADD actions=drop
#               nw_src=10.0.0.1 exit 0: ADD actions=drop
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cd "$dir"
apt-get download -qq openvswitch-common=3.1.0-2+deb12u1 libxdp1=1.3.1-1 2>"$dir/log"
for package in *.deb; do dpkg -x "$package" root; done
libraries=("$dir"/root/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH=${libraries[0]} PATH="$dir/root/usr/bin:$PATH"

for match in tcp,tp_dst=80 tp_dst=80 nw_src=10.0.0.1; do
    code=0
    ovs-ofctl parse-flow "$match,actions=drop" >answer 2>>log || code=$?
    printf '%-15s exit %s: %s\n' "$match" "$code" "$(sed -n 's/.*FLOW_MOD.*: //p' answer)"
done | tee seen
diff seen - <<'END'
tcp,tp_dst=80   exit 0: ADD tcp,tp_dst=80 actions=drop
tp_dst=80       exit 0: ADD actions=drop
nw_src=10.0.0.1 exit 0: ADD actions=drop
END
