#!/bin/bash
# A rejected OVSDB transaction answers with success for each operation, and ovsdb-client exits 0.
#
# Version:      Open vSwitch 3.1.0-2+deb12u1 and OVN 23.03.1-1~deb12u2 (Debian 12, unpacked in a
#               temporary directory).
# Expectation:  two operations give two results, the one that failed has the error in its place, and
#               ovsdb-client transact exits with an error.
# Behaviour:    an index is checked at the commit, after the operations: a second port of the same
#               name gets a uuid as if inserted, the switch counts as changed, and the error is a
#               third result behind those of the two operations. Nothing is stored. Exit code 0,
#               as also for an operation that names an unknown column.
# Output seen:  results: uuid, count, constraint violation; exit 0
#               results: unknown column; exit 0
#               ports: p1
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

# The first key of each result, or its error.
transact() {
    code=0
    ovsdb-client transact "$OVN_NB_DB" "$1" >answer || code=$?
    python3 -c '
import json
results = json.load(open("answer"))
print("results:", ", ".join(r.get("error") or min(r) for r in results), end="; ")'
    echo "exit $code"
}

ovn-nbctl ls-add switch -- lsp-add switch p1
{
    transact '["OVN_Northbound",
        {"op": "insert", "table": "Logical_Switch_Port", "row": {"name": "p1"}, "uuid-name": "new"},
        {"op": "mutate", "table": "Logical_Switch", "where": [["name", "==", "switch"]],
         "mutations": [["ports", "insert", ["named-uuid", "new"]]]}]'
    transact '["OVN_Northbound",
        {"op": "insert", "table": "Logical_Switch", "row": {"nam": "other"}}]'
    echo "ports: $(ovn-nbctl --bare --columns name list Logical_Switch_Port | xargs)"
} | tee seen
diff seen - <<'END'
results: uuid, count, constraint violation; exit 0
results: unknown column; exit 0
ports: p1
END
