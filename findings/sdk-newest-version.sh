#!/bin/bash
# openstacksdk asks a service of which it knows no version at another URL than the catalogue has.
#
# Version:      openstacksdk 4.22.0; keystone and the service are played by requests-mock, the
#               versions are those that blazar 18.0.0 lists.
# Expectation:  the catalogue has http://blazar.test/v1, so conn.reservation.get("/os-hosts") asks
#               http://blazar.test/v1/os-hosts, as blazar's own client does. The SDK has no code for
#               blazar: its client of it only passes requests on.
# Behaviour:    the SDK looks for the versions of the service and takes the newest one, though the
#               catalogue names v1, blazar calls v1 CURRENT, and v2 DEPRECATED. Blazar has other
#               paths there: /v2/os-hosts/allocations, which /v1 has, is 400. Nothing is logged.
#               With an endpoint_override, or reservation_api_version, the version is that one.
# Output seen:  as it is                 GET http://blazar.test/v2/os-hosts
#               endpoint_override        GET http://blazar.test/v1/os-hosts
#               api_version 1            GET http://blazar.test/v1/os-hosts
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    openstacksdk==4.22.0 keystoneauth1==5.18.1 requests-mock fixtures

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import re

import openstack
import requests_mock
from keystoneauth1 import fixture

KEYSTONE, BLAZAR = "http://keystone.test/v3", "http://blazar.test"
token = fixture.V3Token(project_id="p")
token.add_service("reservation").add_standard_endpoints(public=f"{BLAZAR}/v1")
versions = [
    {"id": id_, "status": status, "links": [{"rel": "self", "href": f"{BLAZAR}/{path}"}]}
    for id_, status, path in (("v1.0", "CURRENT", "v1"), ("v2.0", "DEPRECATED", "v2"))
]
ways = {
    "as it is": {},
    "endpoint_override": {"reservation_endpoint_override": f"{BLAZAR}/v1"},
    "api_version 1": {"reservation_api_version": "1"},
}
with requests_mock.Mocker() as cloud:
    cloud.get(KEYSTONE, json={"version": fixture.V3Discovery(KEYSTONE)})
    cloud.post(f"{KEYSTONE}/auth/tokens", json=token, headers={"X-Subject-Token": "t"})
    cloud.get(re.compile(f"{BLAZAR}/?$"), status_code=300, json={"versions": versions})
    cloud.get(re.compile(f"{BLAZAR}/v1/?$"), status_code=404)
    cloud.get(re.compile(f"{BLAZAR}/v[12]/os-hosts"), json={"hosts": []})
    for way, options in ways.items():
        conn = openstack.connect(
            load_yaml_config=False, load_envvars=False, auth_url=KEYSTONE, username="u",
            password="p", project_id="p", user_domain_id="default", **options)
        conn.reservation.get("/os-hosts")
        print(f"{way:24} GET {cloud.last_request.url}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
as it is                 GET http://blazar.test/v2/os-hosts
endpoint_override        GET http://blazar.test/v1/os-hosts
api_version 1            GET http://blazar.test/v1/os-hosts
END
