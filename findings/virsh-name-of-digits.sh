#!/bin/bash
# virsh destroy 1 says "Domain '1' destroyed", and the domain that it ended has another name.
#
# Version:      libvirt 9.0.0 (Debian 12, unpacked in a temporary directory), its test driver.
# Expectation:  a domain that is named 1 is meant by 1, at least if the answer calls it by that
#               name; or virsh refuses what has two meanings.
# Behaviour:    a number is first the ID of a running domain, which is given in the order of starts.
#               The domain with ID 1 is ended, the one named 1 runs on. The message repeats
#               the argument. (Columns below: ID, name, state.)
# Output seen:  Domain '1' defined from domain.xml
#               Domain '1' started
#               1 test running
#               2 1 running
#               Domain '1' destroyed
#               2 1 running
#               - test shut off
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cd "$dir"
apt-get download -qq libvirt-clients=9.0.0-4+deb12u2 libvirt0=9.0.0-4+deb12u2 libnl-3-200=3.7.0-0.2+b1 \
    libyajl2=2.1.0-3+deb12u2 libssh2-1=1.10.0-3+deb12u1 libssh-4=0.10.6-0+deb12u3 \
    libidn2-0=2.3.3-1+b1 2>log
for package in *.deb; do dpkg -x "$package" root; done
libraries=("$dir"/root/usr/lib/*-linux-gnu "$dir"/root/lib/*-linux-gnu)
LD_LIBRARY_PATH=$(IFS=:; echo "${libraries[*]}")
export LD_LIBRARY_PATH HOME=$dir

# The test driver begins with one domain, which runs, named test.
cat >domain.xml <<'END'
<domain type="test"><name>1</name><memory>8192</memory><os><type>hvm</type></os></domain>
END
root/usr/bin/virsh --connect test:///default \
    "define domain.xml; start 1; list --all; destroy 1; list --all" 2>>log |
    sed 's/^ *//; s/  */ /g; /^Id Name State/d; /^-----/d; /^$/d' >seen
cat seen
diff seen - <<'END'
Domain '1' defined from domain.xml
Domain '1' started
1 test running
2 1 running
Domain '1' destroyed
2 1 running
- test shut off
END
