#!/bin/bash
# openstacksdk lists no networks, and raises no error, for a region that the cloud does not have.
#
# Version:      openstacksdk 4.22.0.
# Expectation:  with a region name that was typed wrong, each list of the connection raises the same
#               error: the catalogue has no endpoint of the service in that region.
# Behaviour:    networks, subnets, routers and ports are empty lists, as in a cloud that has none.
#               Floating IPs, security groups and QoS policies of the same service raise
#               ServiceDisabledException, as servers and volumes do; so does asking for one network.
# Output seen:  nroth: networks [], subnets [], routers [], ports [], floating_ips error
#               nroth: security_groups error, qos_policies error, servers error, volumes error
#               nroth: get_network error, get_server error
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    openstacksdk==4.22.0

cat >"$dir/ask.py" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openstack
from openstack.exceptions import ServiceDisabledException

TYPES = ("compute", "network", "block-storage", "image", "identity")


class Keystone(BaseHTTPRequestHandler):
    """Issues a token whose catalogue has each service in the region "north"."""

    def log_message(self, *_):
        pass

    def answer(self, code, body, **headers):
        data = json.dumps(body).encode()
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        links = [{"rel": "self", "href": f"http://{self.headers['Host']}/v3/"}]
        self.answer(200, {"version": {"id": "v3.14", "status": "stable", "links": links}})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        domain = {"id": "default", "name": "Default"}
        catalog = [
            {
                "id": kind,
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "id": f"{kind}-1",
                        "interface": "public",
                        "region": "north",
                        "region_id": "north",
                        "url": f"http://{self.headers['Host']}/{kind}",
                    }
                ],
            }
            for kind in TYPES
        ]
        token = {
            "methods": ["password"],
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2036-01-01T00:00:00.000000Z",
            "user": {"id": "1", "name": "admin", "domain": domain},
            "project": {"id": "2", "name": "admin", "domain": domain},
            "roles": [{"id": "3", "name": "admin"}],
            "catalog": catalog,
            "audit_ids": ["4"],
        }
        self.answer(201, {"token": token}, X_Subject_Token="token")


server = ThreadingHTTPServer(("127.0.0.1", 0), Keystone)
threading.Thread(target=server.serve_forever, daemon=True).start()
cloud = openstack.connect(
    auth_url=f"http://127.0.0.1:{server.server_port}/v3",
    username="admin",
    password="secret",
    project_name="admin",
    user_domain_id="default",
    project_domain_id="default",
    region_name="nroth",
)


def outcome(call):
    try:
        return call()
    except ServiceDisabledException:
        return "error"


def lists(*kinds):
    return ", ".join(f"{kind} {outcome(getattr(cloud, f'list_{kind}'))}" for kind in kinds)


print("nroth:", lists("networks", "subnets", "routers", "ports", "floating_ips"))
print("nroth:", lists("security_groups", "qos_policies", "servers", "volumes"))
one = [f"get_{kind} {outcome(lambda k=kind: getattr(cloud, f'get_{k}')('web'))}"
       for kind in ("network", "server")]
print("nroth:", ", ".join(one))
END
OS_CLIENT_CONFIG_FILE=$dir/none "$dir/venv/bin/python" "$dir/ask.py" | tee "$dir/seen"
diff "$dir/seen" - <<'END'
nroth: networks [], subnets [], routers [], ports [], floating_ips error
nroth: security_groups error, qos_policies error, servers error, volumes error
nroth: get_network error, get_server error
END
