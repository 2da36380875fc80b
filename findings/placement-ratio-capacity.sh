#!/bin/bash
# placement gives 114 units of a capacity of 115 (100 with the allocation ratio 1.15).
#
# Version:      openstack-placement 16.0.0 on SQLite, microversion 1.39.
# Expectation:  the capacity is total times allocation_ratio: 100 * 1.15 = 115 units.
# Behaviour:    the product is of floating point, 114.99999999999999, and is compared as it is. The
#               unit 115 is refused with 409, and no candidate has 115. With 20 * 1.15 and 100 * 1.1
#               the product is exact enough.
# Output seen:  100 * 1.15: 115 units: 409, candidates 0; 114 units: 204
#               100 * 1.10: 110 units: 204, candidates 1
#                20 * 1.15:  23 units: 204, candidates 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" --quiet --disable-pip-version-check install uv==0.13.9 2>/dev/null
"$dir/venv/bin/uv" pip install --quiet --python "$dir/venv/bin/python" --exclude-newer 2026-11-28 \
    openstack-placement==16.0.0 WebTest SQLAlchemy==2.1.9 oslo.db==18.1.1

OS_PLACEMENT_DATABASE__CONNECTION="sqlite:///$dir/placement.db" \
    "$dir/venv/bin/python" - >"$dir/seen" 2>"$dir/log" <<'END' || { tail "$dir/log"; exit 1; }
import uuid

import webtest
from oslo_config import cfg
from placement import conf, deploy

config = cfg.ConfigOpts()
conf.register_opts(config)
config([], project="placement", default_config_files=[])
config.set_override("sync_on_startup", True, group="placement_database")
config.set_override("auth_strategy", "noauth2", group="api")
api = webtest.TestApp(deploy.loadapp(config))
headers = {"X-Auth-Token": "admin", "OpenStack-API-Version": "placement 1.39"}


def provider(total, ratio):
    name = str(uuid.uuid4())
    api.post_json("/resource_providers", {"uuid": name, "name": name}, headers=headers)
    api.put_json(f"/resource_providers/{name}/inventories", {
        "resource_provider_generation": 0,
        "inventories": {"VCPU": {"total": total, "allocation_ratio": ratio}}}, headers=headers)
    return name


def allocate(name, units):
    answer = api.put_json(f"/allocations/{uuid.uuid4()}", {
        "allocations": {name: {"resources": {"VCPU": units}}}, "project_id": "p", "user_id": "u",
        "consumer_generation": None, "consumer_type": "INSTANCE"}, headers=headers, status="*")
    return f"{units:3} units: {answer.status_int}"


def candidates(name, units):
    answer = api.get(f"/allocation_candidates?resources=VCPU:{units}", headers=headers).json
    return "candidates " + str(list(answer["provider_summaries"]).count(name))


for total, ratio, units in ((100, 1.15, 115), (100, 1.1, 110), (20, 1.15, 23)):
    name = provider(total, ratio)
    found = candidates(name, units)
    line = f"{total:3} * {ratio:.2f}: {allocate(name, units)}, {found}"
    print(line if "204" in line else f"{line}; {allocate(name, units - 1)}")
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
100 * 1.15: 115 units: 409, candidates 0; 114 units: 204
100 * 1.10: 110 units: 204, candidates 1
 20 * 1.15:  23 units: 204, candidates 1
END
