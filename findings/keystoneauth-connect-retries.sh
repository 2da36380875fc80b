#!/bin/bash
# keystoneauth's connect_retries sends a POST again that the server has read.
#
# Version:      keystoneauth1 5.18.1.
# Expectation:  connect_retries repeats attempts to connect, as urllib3's option of this name does:
#               a request that reached the server, and may have been carried out, is not repeated.
# Behaviour:    an answer that does not come in time is a ConnectTimeout, and a connection that
#               closes without an answer is a ConnectFailure; both are repeated, for POST too. A
#               server that carried out each of them did it three times. (nova sets connect_retries
#               to 3 for its requests to neutron and cinder, by the option http_retries.)
# Output seen:  closed without an answer: ConnectFailure, 3 POSTs read
#               no answer in time: ConnectTimeout, 3 POSTs read
#               without connect_retries: ConnectFailure, 1 POST read
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    keystoneauth1==5.18.1

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import socket
import threading
import time

from keystoneauth1 import adapter, exceptions, session, token_endpoint


class Server(threading.Thread):
    """Reads one whole request from each connection, and never answers."""

    def __init__(self, seconds):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.seconds, self.read = seconds, []
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as stream:
            self.read.append(stream.readline())
            length = 0
            while (line := stream.readline()).strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            stream.read(length)
            time.sleep(self.seconds)


def post(what, seconds, **options):
    server = Server(seconds)
    url = f"http://127.0.0.1:{server.listener.getsockname()[1]}"
    client = adapter.Adapter(
        session.Session(token_endpoint.Token(url, "token"), timeout=1),
        endpoint_override=url, connect_retry_delay=0.1, **options)
    try:
        client.post("/ports", json={"port": {}})
    except exceptions.ClientException as error:
        posts = [line for line in server.read if line.startswith(b"POST")]
        many = "POST" if len(posts) == 1 else "POSTs"
        print(f"{what}: {type(error).__name__}, {len(posts)} {many} read")


post("closed without an answer", 0, connect_retries=2)
post("no answer in time", 5, connect_retries=2)
post("without connect_retries", 0)
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
closed without an answer: ConnectFailure, 3 POSTs read
no answer in time: ConnectTimeout, 3 POSTs read
without connect_retries: ConnectFailure, 1 POST read
END
