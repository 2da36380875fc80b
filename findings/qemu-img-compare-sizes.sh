#!/bin/bash
# qemu-img compare calls two disks of different sizes identical, exit code 0.
#
# Version:      qemu-utils 7.2 (Debian 12, unpacked in a temporary directory).
# Expectation:  a disk of 1 MiB and one of 2 MiB differ, whatever is in them: a copy that was cut
#               short, or a disk that was resized, is told by the exit code.
# Behaviour:    what one of them lacks counts as zeros. If the rest of the other is zeros they are
#               identical, exit code 0, with a warning in the text. Only -s makes it exit code 1.
# Output seen:  1 MiB and 2 MiB, the second MiB zeros:     exit 0, identical
#               1 MiB and 2 MiB, the second MiB zeros, -s: exit 1
#               1 MiB and 2 MiB, the second MiB written:   exit 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cd "$dir"
apt-get download -qq qemu-utils=1:7.2+dfsg-7+deb12u18+b3 2>"$dir/log"
dpkg -x qemu-utils_*.deb root
export PATH="$dir/root/usr/bin:$PATH"

compare() {
    code=0
    qemu-img compare -f raw -F raw "$@" >answer 2>>log || code=$?
    echo "exit $code$(sed -n 's/^Images are identical.$/, identical/p' answer)"
}

head -c 1M /dev/urandom | tee small zeros >written
truncate -s 2M zeros
head -c 1M /dev/urandom >>written
{
    echo "1 MiB and 2 MiB, the second MiB zeros:     $(compare small zeros)"
    echo "1 MiB and 2 MiB, the second MiB zeros, -s: $(compare -s small zeros)"
    echo "1 MiB and 2 MiB, the second MiB written:   $(compare small written)"
} | tee seen
diff seen - <<'END'
1 MiB and 2 MiB, the second MiB zeros:     exit 0, identical
1 MiB and 2 MiB, the second MiB zeros, -s: exit 1
1 MiB and 2 MiB, the second MiB written:   exit 1
END
