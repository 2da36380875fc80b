#!/bin/bash
# RabbitMQ's GET /api/queues?name= filters only when a page is asked for, and then by parts of names.
#
# Version:      RabbitMQ 3.10.8 with its management plugin (Debian 12, checked).
# Expectation:  ?name=compute.node1 gives the queue of that name, in a list as without a filter; a
#               regular expression is matched against the name as it is written.
# Behaviour:    without page= the filter is ignored: all queues. With it the answer is an object
#               that has the list in "items", and the name is sought as a part of names, in either
#               case: compute.node10 and COMPUTE.NODE1 come too. use_regex=true seeks as well, and
#               only ^...$ narrows it to the name; in either case even then.
# Output seen:  name=compute.node1: list of COMPUTE.NODE1 compute.node1 compute.node10 other
#               name=compute.node1&page=1: dict of COMPUTE.NODE1 compute.node1 compute.node10
#               name=compute.node1&page=1&use_regex=true: dict of COMPUTE.NODE1 compute.node1 compute.node10
#               name=^compute.node1$&page=1&use_regex=true: dict of COMPUTE.NODE1 compute.node1
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

for queue in compute.node1 compute.node10 COMPUTE.NODE1 other; do
    ask --request PUT "$api/queues/%2F/$queue" --data '{"durable": true}'
done
for query in 'name=compute.node1' 'name=compute.node1&page=1' \
    'name=compute.node1&page=1&use_regex=true' 'name=^compute.node1$&page=1&use_regex=true'; do
    ask "$api/queues?$query" | python3 -c '
import json, sys
answer = json.load(sys.stdin)
queues = answer if isinstance(answer, list) else answer["items"]
print(f"{sys.argv[1]}: {type(answer).__name__} of", *sorted(q["name"] for q in queues))' "$query"
done | tee "$dir/seen"
diff "$dir/seen" - <<'END'
name=compute.node1: list of COMPUTE.NODE1 compute.node1 compute.node10 other
name=compute.node1&page=1: dict of COMPUTE.NODE1 compute.node1 compute.node10
name=compute.node1&page=1&use_regex=true: dict of COMPUTE.NODE1 compute.node1 compute.node10
name=^compute.node1$&page=1&use_regex=true: dict of COMPUTE.NODE1 compute.node1
END
