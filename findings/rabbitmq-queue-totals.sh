#!/bin/bash
# RabbitMQ's GET /api/queues with enable_queue_totals=true tells messages of a queue, and no consumers.
#
# Version:      RabbitMQ 3.10.8 with its management plugin (Debian 12, checked).
# Expectation:  disable_stats=true&enable_queue_totals=true leaves the rates out and keeps the
#               totals of a queue: its messages and its consumers.
# Behaviour:    "messages" is there and "consumers" is not, be there consumers or none: whoever
#               takes a missing number for 0 deletes a queue that is in use. Without disable_stats
#               both are there, also where columns= leaves out all the rest.
# Output seen:  disable_stats=true&enable_queue_totals=true: messages
#               columns=name,messages,consumers: consumers messages
#               disable_stats=true&enable_queue_totals=true&columns=name,messages,consumers: messages
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

ask --request PUT "$api/queues/%2F/orders" --data '{"durable": true}'
count() {
    ask "$api/queues/%2F?$1" | python3 -c '
import json, sys
(queue,) = json.load(sys.stdin)
print(f"{sys.argv[1]}:", *sorted({"messages", "consumers"} & set(queue)))' "$1"
}
# The first statistics of a new queue come some seconds later.
for _ in $(seq 60); do
    case $(count 'columns=name,messages,consumers') in *consumers\ messages) break ;; esac
    sleep 0.5
done
totals='disable_stats=true&enable_queue_totals=true'
columns='columns=name,messages,consumers'
for query in "$totals" "$columns" "$totals&$columns"; do count "$query"; done | tee "$dir/seen"
diff "$dir/seen" - <<'END'
disable_stats=true&enable_queue_totals=true: messages
columns=name,messages,consumers: consumers messages
disable_stats=true&enable_queue_totals=true&columns=name,messages,consumers: messages
END
