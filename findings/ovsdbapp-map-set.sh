#!/bin/bash
# ovsdbapp's db_set replaces a set and adds to a map, and so cannot empty a map.
#
# Version:      ovsdbapp 3.0.0, ovs 4.0.0, OVN 23.03.1-1~deb12u2 and Open vSwitch 3.1.0-2+deb12u1
#               (Debian 12, unpacked in a temporary directory).
# Expectation:  db_set gives a column a value, as ovn-nbctl set column=value does: what was there
#               before is gone.
# Behaviour:    a set is replaced. The keys of a map are added to those that are there, and db_set of
#               {} changes nothing, without an error, check_error=True or not.
#               (db_get of a set of one element is the element.) ovn-nbctl replaces the map.
# Output seen:  db_set of a map:  {'a': '9', 'b': '2'}
#               db_set of {}:     {'a': '9', 'b': '2'}
#               db_set of a set:  10.0.0.9
#               db_set of []:     []
#               ovn-nbctl set:    {a="9"}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install ovsdbapp==3.0.0 ovs==4.0.0 2>/dev/null

cd "$dir"
apt-get download -qq ovn-central=23.03.1-1~deb12u2 ovn-common=23.03.1-1~deb12u2 \
    openvswitch-common=3.1.0-2+deb12u1 libxdp1=1.3.1-1 2>"$dir/log"
for package in *.deb; do dpkg -x "$package" root; done
libraries=("$dir"/root/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH=${libraries[0]} PATH="$dir/root/usr/bin:$dir/root/usr/sbin:$PATH"
export OVN_NB_DB=unix:$dir/socket OVN_RUNDIR=$dir OVS_RUNDIR=$dir

ovsdb-tool create nb.db root/usr/share/ovn/ovn-nb.ovsschema
ovsdb-server nb.db --remote="punix:$dir/socket" --unixctl="$dir/control" --no-chdir \
    -vconsole:off &
server=$!
trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
for _ in $(seq 50); do [ -S socket ] && break; sleep 0.2; done
replaced=$(ovn-nbctl create Address_Set name=nbctl external_ids="{a=1,b=2}" \
    -- set Address_Set nbctl external_ids=a=9 -- get Address_Set nbctl external_ids | tail -1)
"$dir/venv/bin/python" - "$dir" "$replaced" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sys

from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.ovn_northbound import impl_idl

server = connection.OvsdbIdl.from_server(f"unix:{sys.argv[1]}/socket", "OVN_Northbound")
api = impl_idl.OvnNbApiIdlImpl(connection.Connection(server, timeout=10))
api.address_set_add("app").execute(check_error=True)


def after(column, *values):
    for value in values:
        api.db_set("Address_Set", "app", (column, value)).execute(check_error=True)
    return api.db_get("Address_Set", "app", column).execute(check_error=True)


print("db_set of a map: ", after("external_ids", {"a": "1", "b": "2"}, {"a": "9"}))
print("db_set of {}:    ", after("external_ids", {}))
print("db_set of a set: ", after("addresses", ["10.0.0.1", "10.0.0.2"], ["10.0.0.9"]))
print("db_set of []:    ", after("addresses", []))
print("ovn-nbctl set:   ", sys.argv[2])
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
db_set of a map:  {'a': '9', 'b': '2'}
db_set of {}:     {'a': '9', 'b': '2'}
db_set of a set:  10.0.0.9
db_set of []:     []
ovn-nbctl set:    {a="9"}
END
