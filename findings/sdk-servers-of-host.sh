#!/bin/bash
# openstacksdk's servers(host=...) asks nova for the host, gets its servers, and throws them away.
#
# Version:      openstacksdk 4.22.0; nova is played by requests-mock with nova's own JSON keys.
# Expectation:  conn.compute.servers(host="node1") gives the servers on node1: host is the filter
#               of nova's API, and the SDK sends it. A filter that is not known is an error.
# Behaviour:    the SDK sends host=node1, then filters once more by the attribute of that name. Nova
#               has the host in OS-EXT-SRV-ATTR:host, the attribute host is None, and every server
#               is dropped: an empty list, no warning. compute_host= sends the same request and
#               gives the server. A misspelt filter is neither sent nor refused: all come back.
# Output seen:  host          sent host=node1   got none
#               compute_host  sent host=node1   got vm
#               compute_hots  sent nothing      got vm
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
token.add_service("compute").add_standard_endpoints(public="http://nova.test/v2.1")
version = {"id": "v2.1", "status": "CURRENT", "version": "2.96", "min_version": "2.1",
           "links": [{"rel": "self", "href": "http://nova.test/v2.1/"}]}
server = {"id": "1", "name": "vm", "status": "ACTIVE", "OS-EXT-SRV-ATTR:host": "node1"}

with requests_mock.Mocker() as cloud:
    cloud.get("http://keystone.test/v3", json={"version": fixture.V3Discovery("http://keystone.test/v3")})
    cloud.post("http://keystone.test/v3/auth/tokens", json=token, headers={"X-Subject-Token": "t"})
    cloud.get("http://nova.test/v2.1", json={"version": version})
    listing = cloud.get("http://nova.test/v2.1/servers/detail", json={"servers": [server]})
    conn = openstack.connect(
        load_yaml_config=False, load_envvars=False, auth_url="http://keystone.test/v3",
        username="u", password="p", project_id="p", user_domain_id="default")
    for filter in ("host", "compute_host", "compute_hots"):
        found = ", ".join(s.name for s in conn.compute.servers(**{filter: "node1"})) or "none"
        print(f"{filter:13} sent {listing.last_request.query or 'nothing':12} got {found}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
host          sent host=node1   got none
compute_host  sent host=node1   got vm
compute_hots  sent nothing      got vm
END
