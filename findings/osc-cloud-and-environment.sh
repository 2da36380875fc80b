#!/bin/bash
# With OS_CLOUD and OS_AUTH_URL set, the openstack command and openstacksdk go to two clouds.
#
# Version:      python-openstackclient 10.5.0, openstacksdk 4.22.0, osc-lib 4.7.0; the APIs from
#               requests-mock.
# Expectation:  the command is made on openstacksdk and reads the same clouds.yaml and environment,
#               so both go to one cloud as one user; "openstack configuration show" says which.
# Behaviour:    the command puts the environment over the entry of clouds.yaml, so that a variable
#               left from another cloud's openrc mixes the two. openstack.connect() uses the entry
#               alone. "configuration show" prints the URL, the user and the password of the entry,
#               while the command uses the others; the project it prints is that of the environment.
# Output seen:  openstack token issue:        environment.test, environment-user, environment-project
#               openstack.connect():          file.test, file-user, file-project
#               openstack configuration show: file.test, file-user, environment-project
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    python-openstackclient==10.5.0 openstacksdk==4.22.0 osc-lib==4.7.0 keystoneauth1==5.18.1 \
    requests-mock fixtures

cat >"$dir/clouds.yaml" <<'END'
clouds:
  file:
    auth: {auth_url: http://file.test/v3, username: file-user, password: p, project_name: file-project,
           user_domain_id: default, project_domain_id: default}
END
export OS_CLIENT_CONFIG_FILE=$dir/clouds.yaml OS_CLOUD=file OS_AUTH_URL=http://environment.test/v3 \
    OS_USERNAME=environment-user OS_PROJECT_NAME=environment-project

"$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import contextlib
import io
import json

import openstack
import requests_mock
from keystoneauth1 import fixture
from openstackclient import shell


def used(call):
    with requests_mock.Mocker() as keystone, contextlib.redirect_stdout(io.StringIO()):
        for host in ("file.test", "environment.test"):
            url = f"http://{host}/v3"
            keystone.get(url, json={"version": fixture.V3Discovery(url)})
            keystone.post(f"{url}/auth/tokens", json=fixture.V3Token(project_id="p"),
                          headers={"X-Subject-Token": "t"})
        call()
        request = keystone.last_request
    body = request.json()["auth"]
    user = body["identity"]["password"]["user"]["name"]
    return f"{request.hostname}, {user}, {body['scope']['project']['name']}"


def shown():
    with contextlib.redirect_stdout(io.StringIO()) as output:
        shell.main(["configuration", "show", "--unmask", "-f", "json"])
    seen = json.loads(output.getvalue())
    host = seen["auth.auth_url"].split("/")[2]
    return f"{host}, {seen['auth.username']}, {seen['auth.project_name']}"


print("openstack token issue:       ", used(lambda: shell.main(["token", "issue"])))
print("openstack.connect():         ", used(lambda: openstack.connect().authorize()))
print("openstack configuration show:", shown())
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
openstack token issue:        environment.test, environment-user, environment-project
openstack.connect():          file.test, file-user, file-project
openstack configuration show: file.test, file-user, environment-project
END
