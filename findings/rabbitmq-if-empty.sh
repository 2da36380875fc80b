#!/bin/bash
# RabbitMQ deletes a queue as empty while a client works on a message of it.
#
# Version:      RabbitMQ 3.10.8 (Debian 12, checked), pika 1.4.4.
# Expectation:  queue.delete with if-empty and if-unused is safe: a message that was delivered and
#               not acknowledged belongs to the queue, and the management API counts it.
# Behaviour:    "empty" looks at the messages that wait to be delivered. A message in the hands of
#               a client is not among them; taken by basic.get, or by a consumer that was
#               cancelled since, it does not make the queue used either. The queue is deleted, and
#               what the client returns unfinished is lost.
# Output seen:  waiting: PRECONDITION_FAILED, not empty
#               delivered to a consumer: PRECONDITION_FAILED, in use
#               taken by basic.get: deleted, and returned afterwards: queue is gone
#               delivered, then the consumer cancelled: deleted, and returned afterwards: queue is gone
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

case $(dpkg-query -W -f '${Version}' rabbitmq-server) in
3.10.8-*) ;;
*) echo "needs rabbitmq-server 3.10.8 (Debian 12)" >&2; exit 2 ;;
esac
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    pika==1.4.4

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
for _ in $(seq 120); do
    curl --silent --fail --user guest:guest "$api/overview" >/dev/null 2>&1 && break
    sleep 0.5
done

"$dir/venv/bin/python" - "$amqp" >"$dir/seen" 2>"$dir/errors" <<'END' || { tail "$dir/errors"; exit 1; }
import sys

import pika

where = pika.ConnectionParameters("127.0.0.1", int(sys.argv[1]))


def delivered(connection, channel, queue):
    tags = []
    consumer = channel.basic_consume(queue, lambda _, how, *__: tags.append(how.delivery_tag))
    while not tags:
        connection.process_data_events(1)
    return consumer, tags[0]


def delete(channel, queue):
    """Whether the queue was deleted; if not, why."""
    try:
        channel.queue_delete(queue, if_unused=True, if_empty=True)
    except pika.exceptions.ChannelClosedByBroker as error:
        return False, "PRECONDITION_FAILED, " + ("in use" if "in use" in str(error) else "not empty")
    return True, "deleted"


def show(what, take):
    worker, other = pika.BlockingConnection(where), pika.BlockingConnection(where)
    channel = worker.channel()
    channel.confirm_delivery()
    channel.queue_declare("orders", durable=True)
    channel.basic_publish("", "orders", b"order")
    tag = take(worker, channel)
    gone, answer = delete(other.channel(), "orders")
    if gone:
        channel.basic_nack(tag, requeue=True)
        try:
            worker.channel().queue_declare("orders", passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            answer += ", and returned afterwards: queue is gone"
    print(f"{what}: {answer}")
    other.channel().queue_delete("orders")
    worker.close()
    other.close()


def cancelled(connection, channel):
    consumer, tag = delivered(connection, channel, "orders")
    channel.basic_cancel(consumer)
    return tag


show("waiting", lambda *_: None)
show("delivered to a consumer", lambda *of: delivered(*of, "orders")[1])
show("taken by basic.get", lambda _, channel: channel.basic_get("orders")[0].delivery_tag)
show("delivered, then the consumer cancelled", cancelled)
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
waiting: PRECONDITION_FAILED, not empty
delivered to a consumer: PRECONDITION_FAILED, in use
taken by basic.get: deleted, and returned afterwards: queue is gone
delivered, then the consumer cancelled: deleted, and returned afterwards: queue is gone
END
