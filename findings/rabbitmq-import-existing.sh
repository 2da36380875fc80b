#!/bin/bash
# RabbitMQ imports a queue's definition that differs from the queue, and changes nothing.
#
# Version:      RabbitMQ 3.10.8 (Debian 12, checked), curl.
# Expectation:  an import of definitions makes the broker as the file says, or fails where it cannot,
#               as the declaration of a queue with other arguments does (400 here, 406 in AMQP).
# Behaviour:    a queue that exists is left as it is: 204, and the argument is the old one. A policy
#               of the same file is replaced.
# Output seen:  begin:       x-message-ttl:1000, policy max-length:10
#               PUT, 400:    x-message-ttl:1000, policy max-length:10
#               import, 204: x-message-ttl:1000, policy max-length:20
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

queue() {
    echo "{\"durable\": true, \"arguments\": {\"x-message-ttl\": $1}}"
}
policy() {
    echo "{\"pattern\": \".*\", \"definition\": {\"max-length\": $1}, \"priority\": 0, \"apply-to\": \"all\"}"
}
status() {
    curl --silent --output "$dir/answer" --write-out '%{http_code}' --user guest:guest \
        --header 'content-type: application/json' "$@"
}
is() {
    ttl=$(ask "$api/queues/%2F/node1" | grep -o '"x-message-ttl":[0-9]*')
    length=$(ask "$api/policies/%2F/limit" | grep -o '"max-length":[0-9]*')
    echo "$ttl, policy $length" | tr -d '"'
}

ask --request PUT "$api/queues/%2F/node1" --data "$(queue 1000)"
ask --request PUT "$api/policies/%2F/limit" --data "$(policy 10)"
ask "$api/definitions" | sed 's/"x-message-ttl":1000/"x-message-ttl":2000/; s/"max-length":10/"max-length":20/' \
    >"$dir/definitions"
{
    echo "begin:       $(is)"
    code=$(status --request PUT "$api/queues/%2F/node1" --data "$(queue 2000)")
    echo "PUT, $code:    $(is)"
    code=$(status --request POST "$api/definitions" --data "@$dir/definitions")
    echo "import, $code: $(is)"
} | tee "$dir/seen"
diff "$dir/seen" - <<'END'
begin:       x-message-ttl:1000, policy max-length:10
PUT, 400:    x-message-ttl:1000, policy max-length:10
import, 204: x-message-ttl:1000, policy max-length:20
END
