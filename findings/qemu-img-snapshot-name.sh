#!/bin/bash
# qemu-img makes two snapshots of one name, and deletes one of them by the name.
#
# Version:      qemu-utils 7.2 (Debian 12, unpacked in a temporary directory).
# Expectation:  the name identifies a snapshot, since -a and -d take it: a second one is refused, or
#               replaces the first.
# Behaviour:    both are kept, under one name. -d deletes the first and says nothing of the other:
#               a snapshot of that name is there afterwards. There is also a snapshot named 1, whose
#               number is 3: -d 1 deletes that and not the number 1.
# Output seen:  -c before: exit 0, number=name: 1=before
#               -c before: exit 0, number=name: 1=before 2=before
#               -c 1: exit 0, number=name: 1=before 2=before 3=1
#               -d 1: exit 0, number=name: 1=before 2=before
#               -d before: exit 0, number=name: 2=before
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cd "$dir"
apt-get download -qq qemu-utils=1:7.2+dfsg-7+deb12u18+b3 2>"$dir/log"
dpkg -x qemu-utils_*.deb root
export PATH="$dir/root/usr/bin:$PATH"

snapshot() {
    code=0
    qemu-img snapshot "$@" disk 2>>log || code=$?
    found=$(qemu-img snapshot -l disk | awk '/^[0-9]/ {print $1 "=" $2}' | xargs)
    echo "$*: exit $code, number=name: $found"
}

qemu-img create -q -f qcow2 disk 1M
{
    snapshot -c before
    snapshot -c before
    snapshot -c 1
    snapshot -d 1
    snapshot -d before
} | tee seen
diff seen - <<'END'
-c before: exit 0, number=name: 1=before
-c before: exit 0, number=name: 1=before 2=before
-c 1: exit 0, number=name: 1=before 2=before 3=1
-d 1: exit 0, number=name: 1=before 2=before
-d before: exit 0, number=name: 2=before
END
