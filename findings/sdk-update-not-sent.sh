#!/bin/bash
# An update through openstacksdk sends no request if an old copy of the object has the value.
#
# Version:      openstacksdk 4.22.0, keystoneauth1 5.18.1; the API answers from requests-mock.
# Expectation:  update_agent(agent, is_admin_state_up=True) asks neutron to set the value, as
#               update_agent(agent.id, ...) does: PUT is idempotent, and another client may have
#               changed the agent since it was read.
# Behaviour:    the value is compared with the object at hand. If that has it, no request is made,
#               the object is returned, and it says True, while neutron's agent is disabled.
# Output seen:  update_agent(agent): 0 requests, returned True, neutron has False
#               update_agent(agent.id): 1 requests, returned True, neutron has True
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    openstacksdk==4.22.0 keystoneauth1==5.18.1 requests-mock fixtures

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import openstack
import requests_mock
from keystoneauth1 import fixture

token = fixture.V3Token(project_id="p")
token.add_service("network").add_standard_endpoints(public="http://neutron.test")
version = {"id": "v2.0", "status": "CURRENT",
           "links": [{"rel": "self", "href": "http://neutron.test/v2.0/"}]}
agent_of_neutron = {"id": "1", "host": "node1", "admin_state_up": True}


def put(request, context):
    agent_of_neutron.update(request.json()["agent"])
    return {"agent": agent_of_neutron}


with requests_mock.Mocker() as cloud:
    cloud.get("http://keystone.test/v3", json={"version": fixture.V3Discovery("http://keystone.test/v3")})
    cloud.post("http://keystone.test/v3/auth/tokens", json=token, headers={"X-Subject-Token": "t"})
    cloud.get("http://neutron.test/", json={"versions": [version]})
    cloud.get("http://neutron.test/v2.0/agents/1", json={"agent": agent_of_neutron})
    puts = cloud.put("http://neutron.test/v2.0/agents/1", json=put)
    network = openstack.connect(
        load_yaml_config=False, load_envvars=False, auth_url="http://keystone.test/v3",
        username="u", password="p", project_id="p", user_domain_id="default").network
    agent = network.get_agent("1")
    agent_of_neutron["admin_state_up"] = False
    for name, argument in (("agent", agent), ("agent.id", agent.id)):
        answer = network.update_agent(argument, is_admin_state_up=True)
        print(f"update_agent({name}): {puts.call_count} requests, returned "
              f"{answer.is_admin_state_up}, neutron has {agent_of_neutron['admin_state_up']}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
update_agent(agent): 0 requests, returned True, neutron has False
update_agent(agent.id): 1 requests, returned True, neutron has True
END
