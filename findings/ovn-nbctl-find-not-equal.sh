#!/bin/bash
# A search for rows whose key differs from a value leaves out the rows that lack the key.
#
# Version:      OVN 23.03.1-1~deb12u2, Open vSwitch 3.1.0-2+deb12u1 (Debian 12, unpacked in a
#               temporary directory), ovsdbapp 3.0.0, ovs 4.0.0.
# Expectation:  find external_ids:owner!=neutron lists the rows that are not neutron's, those without
#               an owner too. What "=" finds and what "!=" finds is together all rows.
# Behaviour:    a row without the key is found by neither, in ovn-nbctl and ovs-vsctl as in
#               ovsdbapp's db_find. (Of the whole map, without a colon, "!=" is as expected.)
# Output seen:  ovn-nbctl external_ids:owner=neutron:    neutrons
#               ovn-nbctl external_ids:owner!=neutron:   others
#               ovn-nbctl external_ids!={owner=neutron}: others ownerless
#               db_find != {'owner': 'neutron'}:         others
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
ovn-nbctl create Address_Set name=neutrons external_ids:owner=neutron \
    -- create Address_Set name=others external_ids:owner=octavia \
    -- create Address_Set name=ownerless >>log
find_names() {
    ovn-nbctl --bare --columns name find Address_Set "$1" | sort | xargs
}

cat >"$dir/find.py" <<'END'
import sys

from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.ovn_northbound import impl_idl

server = connection.OvsdbIdl.from_server(f"unix:{sys.argv[1]}/socket", "OVN_Northbound")
api = impl_idl.OvnNbApiIdlImpl(connection.Connection(server, timeout=10))
condition = ("external_ids", "!=", {"owner": "neutron"})
rows = api.db_find("Address_Set", condition, columns=["name"]).execute(check_error=True)
print(*sorted(row["name"] for row in rows))
END
{
    echo "ovn-nbctl external_ids:owner=neutron:    $(find_names external_ids:owner=neutron)"
    echo "ovn-nbctl external_ids:owner!=neutron:   $(find_names external_ids:owner!=neutron)"
    echo "ovn-nbctl external_ids!={owner=neutron}: $(find_names "external_ids!={owner=neutron}")"
    echo "db_find != {'owner': 'neutron'}:         $("$dir/venv/bin/python" find.py "$dir" 2>>log)"
} | tee seen
diff seen - <<'END'
ovn-nbctl external_ids:owner=neutron:    neutrons
ovn-nbctl external_ids:owner!=neutron:   others
ovn-nbctl external_ids!={owner=neutron}: others ownerless
db_find != {'owner': 'neutron'}:         others
END
