#!/bin/bash
# A list of masakari ends at its limit without a link, and only a number leads to the rest.
#
# Version:      masakari 22.0.0 on SQLite, osapi_max_limit = 2 (1,000 by default).
# Expectation:  a list that is not complete says so, by a link as in nova, neutron and cinder; the
#               marker is the uuid, by which everything else in this API is asked for.
# Behaviour:    neither. A list without limit is cut like one with it, and the answer looks like a
#               whole list; a uuid as marker is refused with 400, the number in the field "id" is
#               taken. Thus the hosts of a segment after the first 1,000 are seen by nobody who
#               does not ask on until a page is empty.
# Output seen:  no limit     200 4 3  keys: segments
#               uuid of 4    400
#               number of 4  200 3 2  keys: segments
#               number of 1  200      keys: segments
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    masakari==22.0.0 WebTest

cp "$dir/venv/etc/masakari/api-paste.ini" "$dir"
cat >"$dir/masakari.conf" <<END
[DEFAULT]
auth_strategy = noauth2
osapi_max_limit = 2
state_path = $dir
[database]
connection = sqlite:///$dir/masakari.db
[taskflow]
connection = sqlite:///$dir/masakari.db
[wsgi]
api_paste_config = $dir/api-paste.ini
END
"$dir/venv/bin/masakari-manage" --config-file "$dir/masakari.conf" db sync >"$dir/log" 2>&1 ||
    { tail "$dir/log"; exit 1; }

OS_MASAKARI_CONFIG_DIR="$dir" HERE="$dir" "$dir/venv/bin/python" - >"$dir/log" 2>&1 <<'END' ||
import os
import sys

import webtest

here = os.environ["HERE"]
sys.argv = ["masakari-api", "--config-file", f"{here}/masakari.conf"]
from masakari.wsgi.api import application  # noqa: E402 - it reads the arguments

api = webtest.TestApp(application)
headers = {"X-Auth-Token": "admin:admin"}
known = {}
for number in range(1, 5):
    asked = {"name": str(number), "recovery_method": "auto", "service_type": "compute"}
    made = api.post_json("/v1/segments", {"segment": asked}, headers=headers)
    known[number] = made.json["segment"]


def page(name, **params):
    answer = api.get("/v1/segments", params, headers=headers, status="*")
    if answer.status_int != 200:
        return f"{name:<12} {answer.status_int}"
    names = " ".join(segment["name"] for segment in answer.json["segments"])
    return f"{name:<12} 200 {names:<4} keys: {' '.join(answer.json)}"


lines = [
    page("no limit"),
    page("uuid of 4", marker=known[4]["uuid"]),
    page("number of 4", marker=known[4]["id"]),
    page("number of 1", marker=known[1]["id"]),
]
with open(f"{here}/seen", "w") as seen:
    seen.write("\n".join(lines) + "\n")
END
    { tail "$dir/log"; exit 1; }

cat "$dir/seen"
diff - "$dir/seen" <<'END'
no limit     200 4 3  keys: segments
uuid of 4    400
number of 4  200 3 2  keys: segments
number of 1  200      keys: segments
END
