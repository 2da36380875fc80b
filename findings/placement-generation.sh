#!/bin/bash
# A placement provider's generation counts some writes that change nothing, and misses a rename.
#
# Version:      openstack-placement 16.0.0 on SQLite, microversion 1.39.
# Expectation:  the generation guards the provider against lost updates, so it goes up with each
#               change of the provider, and a PUT of what is there already leaves it alone.
# Behaviour:    the same traits again: as before. The same inventories, or the same aggregates,
#               again: up by one. A rename (its request carries no generation): as before. Thus an
#               agent that repeats itself makes others fail with 409, and a rename makes none fail.
# Output seen:  traits again       3 -> 3
#               aggregates again   3 -> 4
#               inventories again  4 -> 5
#               new name           5 -> 5
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
provider = f"/resource_providers/{uuid.uuid4()}"


def generation():
    return api.get(provider, headers=headers).json["generation"]


def put(path, body):
    before = generation()
    body = body | ({"resource_provider_generation": before} if path else {})
    api.put_json(provider + path, body, headers=headers)
    return f"{before} -> {generation()}"


api.post_json("/resource_providers", {"name": "a", "uuid": provider[-36:]}, headers=headers)
kept = {
    "inventories": {"inventories": {"VCPU": {"total": 8}}},
    "traits": {"traits": ["HW_CPU_X86_AVX"]},
    "aggregates": {"aggregates": [str(uuid.uuid4())]},
}
for part, body in kept.items():
    put(f"/{part}", body)
for part in ("traits", "aggregates", "inventories"):
    print(f"{part + ' again':18}", put(f"/{part}", kept[part]))
print(f"{'new name':18}", put("", {"name": "b"}))
END
cat "$dir/seen"
diff "$dir/seen" - <<'END'
traits again       3 -> 3
aggregates again   3 -> 4
inventories again  4 -> 5
new name           5 -> 5
END
