#!/bin/bash
# A misspelt label under "equal" lets one host that is down suppress the alerts of all others.
#
# Version:      Alertmanager 0.25.0 (Debian 12, unpacked in a temporary directory), curl; unshare and
#               overlay mounts, since the package reads a file in /usr/share.
# Expectation:  inhibit_rules with equal: [hots] compares a label that no alert has: no two alerts
#               are equal, and none is inhibited.
# Behaviour:    a label that is missing on both sides is equal. HostDown of node1 inhibits
#               ServiceDown of node2. amtool check-config: SUCCESS.
# Output seen:  equal: [host]: check-config 0, ServiceDown of node2 is active
#               equal: [hots]: check-config 0, ServiceDown of node2 is suppressed
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cd "$dir"
apt-get download -qq prometheus-alertmanager=0.25.0-1+b4 2>log
dpkg -x prometheus-alertmanager_*.deb root
export PATH="$dir/root/usr/bin:$PATH"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
cat >start <<'END'
mount -t overlay -o lowerdir="$1/root/usr/share:/usr/share" overlay /usr/share
exec prometheus-alertmanager --config.file="$1/config" --storage.path="$1/data" \
    --web.listen-address="127.0.0.1:$2" --cluster.listen-address=
END

state() {
    cat >config <<END
route: {receiver: none}
receivers: [{name: none}]
inhibit_rules:
- source_matchers: [alertname = HostDown]
  target_matchers: [alertname = ServiceDown]
  equal: [$1]
END
    code=0
    amtool check-config config >>log || code=$?
    unshare --map-root-user --mount bash start "$dir" "$port" 2>>log &
    server=$!
    trap 'kill "$server"; wait "$server" || :; rm -rf "$dir"' EXIT
    for _ in $(seq 50); do curl --silent --fail "$url/-/ready" >>log && break; sleep 0.2; done
    amtool --alertmanager.url="$url" alert add HostDown host=node1
    amtool --alertmanager.url="$url" alert add ServiceDown host=node2
    sleep 1
    found=$(curl --silent "$url/api/v2/alerts?filter=alertname=ServiceDown" | grep -o '"state":"[a-z]*"')
    echo "equal: [$1]: check-config $code, ServiceDown of node2 is $(cut -d'"' -f4 <<<"$found")"
    kill "$server"
    wait "$server" || :
    trap 'rm -rf "$dir"' EXIT
    rm -rf data
}

{ state host; state hots; } >seen
cat seen
diff seen - <<'END'
equal: [host]: check-config 0, ServiceDown of node2 is active
equal: [hots]: check-config 0, ServiceDown of node2 is suppressed
END
