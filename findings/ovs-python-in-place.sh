#!/bin/bash
# A key that is put into a row's map inside a transaction of python ovs is lost, with no error.
#
# Version:      ovs 4.0.0, OVN 23.03.1-1~deb12u2 and Open vSwitch 3.1.0-2+deb12u1 (Debian 12,
#               unpacked in a temporary directory).
# Expectation:  row.external_ids["key"] = "value" in a transaction is written at the commit as
#               row.name = "..." is, or it raises.
# Behaviour:    each row.external_ids is a new dict. The key is put into that, and at once it is not
#               in row.external_ids any more; the commit says "unchanged". The same for append to a
#               set. Only an assignment of the whole column, or setkey, is written.
# Output seen:  put    unchanged {} []
#               append unchanged {} []
#               assign success   {'key': 'value'} []
#               setkey success   {'key': 'value', 'other': 'value'} []
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install ovs==4.0.0 2>/dev/null

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
ovn-nbctl create Address_Set name=row >>log
"$dir/venv/bin/python" - "$dir" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import sys
import time

from ovs.db import idl

schema = idl.SchemaHelper(f"{sys.argv[1]}/root/usr/share/ovn/ovn-nb.ovsschema")
schema.register_table("Address_Set")
server = idl.Idl(f"unix:{sys.argv[1]}/socket", schema)
while not server.has_ever_connected():
    server.run()
    time.sleep(0.1)


def put(row):
    row.external_ids["key"] = "value"


def append(row):
    row.addresses.append("10.0.0.1")


def assign(row):
    row.external_ids = row.external_ids | {"key": "value"}


def setkey(row):
    row.setkey("external_ids", "other", "value")


for change in (put, append, assign, setkey):
    transaction = idl.Transaction(server)
    row, = server.tables["Address_Set"].rows.values()
    change(row)
    status = transaction.status_to_string(transaction.commit_block())
    row, = server.tables["Address_Set"].rows.values()
    print(f"{change.__name__:6} {status:9} {row.external_ids} {row.addresses}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
put    unchanged {} []
append unchanged {} []
assign success   {'key': 'value'} []
setkey success   {'key': 'value', 'other': 'value'} []
END
