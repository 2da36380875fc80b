#!/bin/bash
# openstack network agent add and remove say that all is well, and have done nothing.
#
# Version:      python-openstackclient 10.5.0; keystone and neutron are played by requests-mock.
# Expectation:  `openstack network agent add router AGENT ROUTER` gives the router to the agent: both
#               are named, and the usage has --l3 in brackets. A refusal by neutron ends the command
#               with an error.
# Behaviour:    without --l3 (for a network: --dhcp) the command reads agent and router, sends no
#               request that changes anything, prints nothing and exits with 0. With the option, a
#               refusal (409) is not looked at, or made an error that is not raised: nothing is
#               printed, and the exit code is 0 too.
# Output seen:  add router               sent nothing                exit 0  printed nothing
#               add router --l3          sent POST l3-routers        exit 0  printed nothing
#               remove router            sent nothing                exit 0  printed nothing
#               remove router --l3       sent DELETE l3-routers      exit 0  printed nothing
#               add network              sent nothing                exit 0  printed nothing
#               add network --dhcp       sent POST dhcp-networks     exit 0  printed nothing
#               remove network --dhcp    sent DELETE dhcp-networks   exit 0  printed nothing
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    python-openstackclient==10.5.0 openstacksdk==4.22.0 keystoneauth1==5.18.1 requests-mock fixtures

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import contextlib
import io
import re

import requests_mock
from keystoneauth1 import fixture
from openstackclient import shell

KEYSTONE, NEUTRON = "http://keystone.test/v3", "http://neutron.test"
LOGIN = ["--os-auth-url", KEYSTONE, "--os-username", "u", "--os-password", "p",
         "--os-project-id", "p", "--os-user-domain-id", "default"]
token = fixture.V3Token(project_id="p")
token.add_service("network").add_standard_endpoints(public=NEUTRON)
version = {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": f"{NEUTRON}/v2.0/"}]}

with requests_mock.Mocker() as cloud:
    cloud.get(KEYSTONE, json={"version": fixture.V3Discovery(KEYSTONE)})
    cloud.post(f"{KEYSTONE}/auth/tokens", json=token, headers={"X-Subject-Token": "t"})
    cloud.get(NEUTRON, json={"versions": [version]})
    for kind in ("agent", "router", "network"):
        one = {"id": "1", "name": "one", "agent_type": "an agent"}
        cloud.get(re.compile(f"{NEUTRON}/v2.0/{kind}s/1"), json={kind: one})
    writes = re.compile(f"{NEUTRON}/v2.0/agents/1/.*")
    for method in ("POST", "DELETE"):
        cloud.register_uri(method, writes, status_code=409, json={"NeutronError": {"message": "busy"}})
    for command in ("add router", "add router --l3", "remove router", "remove router --l3",
                    "add network", "add network --dhcp", "remove network --dhcp"):
        begin, out = len(cloud.request_history), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = shell.main([*LOGIN, "network", "agent", *command.split(), "1", "1"])
        sent = [f"{r.method} {r.path.split('/')[4]}" for r in cloud.request_history[begin:]
                if "/agents/1/" in r.path and r.method != "GET"]
        print(f"{command:24} sent {', '.join(sent) or 'nothing':22} exit {code} ",
              f"printed {out.getvalue().strip() or 'nothing'}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
add router               sent nothing                exit 0  printed nothing
add router --l3          sent POST l3-routers        exit 0  printed nothing
remove router            sent nothing                exit 0  printed nothing
remove router --l3       sent DELETE l3-routers      exit 0  printed nothing
add network              sent nothing                exit 0  printed nothing
add network --dhcp       sent POST dhcp-networks     exit 0  printed nothing
remove network --dhcp    sent DELETE dhcp-networks   exit 0  printed nothing
END
