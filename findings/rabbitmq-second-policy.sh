#!/bin/bash
# A second RabbitMQ policy for a few queues takes the first policy off them.
#
# Version:      RabbitMQ 3.10.8 (Debian 12, checked), curl.
# Expectation:  a policy of a higher priority adds its keys to those of the policies below, or
#               replaces the keys that both have.
# Behaviour:    one policy applies to a queue as a whole. The queues that the new one matches lose
#               every key of the old one: the TTL and the length limit are gone, with no warning.
# Output seen:  policies: limits; of the queue: max-length=1000 message-ttl=60000
#               policies: limits, expire; of the queue: expires=600000
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

case $(dpkg-query -W -f '${Version}' rabbitmq-server) in
3.10.8-*) ;;
*) echo "needs rabbitmq-server 3.10.8 (Debian 12)" >&2; exit 2 ;;
esac
read -r amqp http dist epmd < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(s.getsockname()[1] for s in sockets))')
cat >"$dir/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$amqp
management.tcp.ip = 127.0.0.1
management.tcp.port = $http
END
echo '[rabbitmq_management].' >"$dir/plugins"
export HOME=$dir RABBITMQ_NODENAME=finding$http@localhost RABBITMQ_DIST_PORT=$dist \
    RABBITMQ_MNESIA_BASE=$dir/data RABBITMQ_LOG_BASE=$dir/log RABBITMQ_PID_FILE=$dir/pid \
    RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=$dir/plugins \
    ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$epmd \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
# End the broker by its process id, then the port mapper on the port that only this broker uses.
stop() {
    broker=$(cat "$dir/pid" 2>/dev/null || echo "$starter")
    kill "$broker" || :
    wait "$starter" || :
    for _ in $(seq 60); do kill -0 "$broker" 2>/dev/null || break; sleep 0.5; done
    mappers=("$(dirname "$(readlink -f "$(command -v erl)")")"/../erts-*/bin/epmd)
    "${mappers[0]}" -port "$epmd" -kill || :
    rm -rf "$dir"
}
/usr/lib/rabbitmq/bin/rabbitmq-server >"$dir/out" 2>&1 &
starter=$!
trap 'stop >/dev/null 2>&1' EXIT
api=http://127.0.0.1:$http/api
ask() {
    curl --silent --show-error --fail --user guest:guest --header 'content-type: application/json' "$@"
}
for _ in $(seq 120); do ask "$api/overview" >/dev/null 2>&1 && break; sleep 0.5; done

policy() {
    ask --request PUT "$api/policies/%2F/$1" --data "{\"pattern\": \"$2\", \"definition\": $3, \"priority\": $4}"
}
effective() {
    for _ in $(seq 60); do
        answer=$(ask "$api/queues/%2F/compute.node1")
        grep -q "\"policy\":\"$1\"" <<<"$answer" && break
        sleep 0.5
    done
    python3 -c '
import json, sys
queue = json.load(sys.stdin)
keys = sorted(queue["effective_policy_definition"].items())
print("policies:", ", ".join(sys.argv[1:]) + "; of the queue:", *(f"{key}={value}" for key, value in keys))
' "${@:2}" <<<"$answer"
}

ask --request PUT "$api/queues/%2F/compute.node1" --data '{"durable": true}'
{
    policy limits '.*' '{"message-ttl": 60000, "max-length": 1000}' 0
    effective limits limits
    policy expire '^compute' '{"expires": 600000}' 1
    effective expire limits expire
} | tee "$dir/seen"
diff "$dir/seen" - <<'END'
policies: limits; of the queue: max-length=1000 message-ttl=60000
policies: limits, expire; of the queue: expires=600000
END
