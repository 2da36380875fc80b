#!/bin/bash
# Two addresses of one subnet, as netaddr's IPNetwork, are equal, and a set drops one of them.
#
# Version:      netaddr 1.3.0 (used by neutron, os-vif and oslo.config).
# Expectation:  IPNetwork("10.0.0.1/24") keeps its host bits (it prints them, and .ip returns them),
#               so it differs from IPNetwork("10.0.0.2/24"), as the interfaces of the module
#               ipaddress do.
# Behaviour:    comparison and hash use the first and the last address of the subnet. The two are
#               equal, a set or a dict keeps the one that came first, and list.index finds the other.
# Output seen:  printed:   10.0.0.1/24 10.0.0.2/24
#               equal:     netaddr True, ipaddress False
#               set:       netaddr 10.0.0.1/24, ipaddress 10.0.0.1/24 10.0.0.2/24
#               index of the second in a list of both: netaddr 0, ipaddress 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install netaddr==1.3.0 2>/dev/null

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import ipaddress

import netaddr

both = {}
for module, make in (("netaddr", netaddr.IPNetwork), ("ipaddress", ipaddress.ip_interface)):
    both[module] = [make("10.0.0.1/24"), make("10.0.0.2/24")]


def compare(what):
    return ", ".join(f"{module} {what(*pair)}" for module, pair in both.items())


print("printed:  ", *both["netaddr"])
print("equal:    ", compare(lambda one, two: one == two))
print("set:      ", compare(lambda one, two: " ".join(sorted(map(str, {one, two})))))
print("index of the second in a list of both:", compare(lambda one, two: [one, two].index(two)))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
printed:   10.0.0.1/24 10.0.0.2/24
equal:     netaddr True, ipaddress False
set:       netaddr 10.0.0.1/24, ipaddress 10.0.0.1/24 10.0.0.2/24
index of the second in a list of both: netaddr 0, ipaddress 1
END
