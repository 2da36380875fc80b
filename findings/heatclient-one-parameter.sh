#!/bin/bash
# heatclient cuts a parameter's value at semicolons if it is the only parameter.
#
# Version:      python-heatclient 5.3.0, python-openstackclient 10.5.0.
# Expectation:  --parameter key=value sets key to value, whatever other parameters are given.
# Behaviour:    two --parameter options are taken as they are. One option alone is cut at each
#               semicolon: a part with "=" becomes a parameter of its own, and the value ends there.
# Output seen:  two options: {"run": "cd /srv;MODE=fast ./start", "size": "1"}
#               one option:  {"run": "cd /srv", "MODE": "fast ./start"}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    python-heatclient==5.3.0 python-openstackclient==10.5.0 requests-mock

printf 'heat_template_version: 2021-04-16\nresources: {}\n' >"$dir/template.yaml"
"$dir/venv/bin/python" - "$dir" >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import contextlib
import io
import json
import sys

import requests_mock
from openstackclient import shell

VALUE = "run=cd /srv;MODE=fast ./start"
HEAT = "http://heat.test/v1/p"
stack = {"id": "1", "stack_name": "s", "links": []}


def sent(*options):
    command = ["--os-auth-type", "none", "--os-endpoint", HEAT, "stack", "create", "s",
               "-t", f"{sys.argv[1]}/template.yaml", *options]
    with requests_mock.Mocker() as heat, contextlib.redirect_stdout(io.StringIO()):
        heat.get(requests_mock.ANY, json={"stack": stack})
        created = heat.post(f"{HEAT}/stacks", json={"stack": stack})
        shell.main(command)
    return json.dumps(created.last_request.json()["parameters"])


print("two options:", sent("--parameter", VALUE, "--parameter", "size=1"))
print("one option: ", sent("--parameter", VALUE))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
two options: {"run": "cd /srv;MODE=fast ./start", "size": "1"}
one option:  {"run": "cd /srv", "MODE": "fast ./start"}
END
