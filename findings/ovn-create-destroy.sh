#!/bin/bash
# ovn-nbctl and ovsdbapp report the creation of a row that is not there, and the deletion of one
# that stays.
#
# Version:      OVN 23.03.1-1~deb12u2, Open vSwitch 3.1.0-2+deb12u1 (Debian 12, unpacked in a
#               temporary directory), ovsdbapp 3.0.0, ovs 4.0.0.
# Expectation:  create prints the uuid of the new row, which then exists; destroy with exit code 0
#               has deleted the row. Inside a transaction a row that is not allowed is an error.
# Behaviour:    a row of a table that is no root (a switch port) lives as long as another row names
#               it. One that none names is gone at the commit, after its uuid was given out, and
#               destroy of one that is named leaves it as it is: exit code 0, no error both times.
#               ovsdbapp with check_error=True gives a uuid too. Within one transaction the
#               server even lists the row that it then drops.
# Output seen:  ovn-nbctl create: exit 0, prints a uuid, ports: p1
#               ovsdbapp db_create: UUID, ports: p1
#               insert and select in one transaction: finds lost, ports: p1
#               ovn-nbctl destroy p1: exit 0, ports: p1
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

ovn-nbctl ls-add switch -- lsp-add switch p1
"$dir/venv/bin/python" - "$dir" >"$dir/python" <<'END'
import sys

from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.ovn_northbound import impl_idl

server = connection.OvsdbIdl.from_server(f"unix:{sys.argv[1]}/socket", "OVN_Northbound")
api = impl_idl.OvnNbApiIdlImpl(connection.Connection(server, timeout=10))
row = api.db_create("Logical_Switch_Port", name="lost").execute(check_error=True)
print(f"ovsdbapp db_create: {type(row).__name__}")
END

ports() {
    ovn-nbctl --bare --columns name list Logical_Switch_Port | xargs
}

{
    code=0
    row=$(ovn-nbctl create Logical_Switch_Port name=lost 2>>"$dir/log") || code=$?
    [[ $row =~ ^[0-9a-f-]{36}$ ]] && row="prints a uuid"
    echo "ovn-nbctl create: exit $code, $row, ports: $(ports)"

    echo "$(cat "$dir/python"), ports: $(ports)"

    answer=$(ovsdb-client transact "$OVN_NB_DB" '["OVN_Northbound",
        {"op": "insert", "table": "Logical_Switch_Port", "row": {"name": "lost"}},
        {"op": "select", "table": "Logical_Switch_Port", "where": [["name", "==", "lost"]],
         "columns": ["name"]}]')
    found=$(grep -o '"rows":\[{"name":"lost"}\]' <<<"$answer" | cut -d'"' -f6)
    echo "insert and select in one transaction: finds $found, ports: $(ports)"

    code=0
    ovn-nbctl destroy Logical_Switch_Port p1 2>>"$dir/log" || code=$?
    echo "ovn-nbctl destroy p1: exit $code, ports: $(ports)"
} | tee "$dir/seen"
diff "$dir/seen" - <<'END'
ovn-nbctl create: exit 0, prints a uuid, ports: p1
ovsdbapp db_create: UUID, ports: p1
insert and select in one transaction: finds lost, ports: p1
ovn-nbctl destroy p1: exit 0, ports: p1
END
