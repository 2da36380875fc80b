#!/bin/bash
# ovsdb-client restore of a backup gives every row a new uuid.
#
# Version:      OVN 23.03.1-1~deb12u2, Open vSwitch 3.1.0-2+deb12u1 (Debian 12, unpacked in a
#               temporary directory).
# Expectation:  restore brings back the rows as they were at the backup, first of all their uuids,
#               by which other databases (neutron's, the southbound one) know them.
# Behaviour:    the rows are written as new ones. Names and references are as before, the uuids are
#               not, also if nothing has changed since the backup. Exit code 0.
# Output seen:  exit 0, ports: p1 p2, of the switch: 2
#               uuids that are as before: 0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

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
rows() {
    ovn-nbctl --bare --columns "$1" list Logical_Switch_Port | sort | xargs
}

ovn-nbctl ls-add switch -- lsp-add switch p1 -- lsp-add switch p2
uuids=$(rows _uuid)
ovsdb-client backup "$OVN_NB_DB" OVN_Northbound >saved
code=0
ovsdb-client restore "$OVN_NB_DB" OVN_Northbound <saved || code=$?
{
    echo "exit $code, ports: $(rows name), of the switch: $(ovn-nbctl lsp-list switch | wc -l)"
    echo "uuids that are as before: $(comm -12 <(xargs -n1 <<<"$uuids") <(rows _uuid | xargs -n1) | wc -l)"
} | tee seen
diff seen - <<'END'
exit 0, ports: p1 p2, of the switch: 2
uuids that are as before: 0
END
