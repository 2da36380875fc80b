# SPDX-License-Identifier: Apache-2.0
"""The table of moves against a real nova: it refuses what the table says, and nothing else."""

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from nova_decom.model.nova_version import NovaVersion
from nova_decom.moves.features import FEATURES, Way
from tests.lab import Lab
from tests.moving.servers import Fleet
from tests.moving.worn import REQUESTS, SEEN, WORN, Worn
from tests.scenarios import calls

if TYPE_CHECKING:
    from openstack.connection import Connection

BY_NAME = {feature.name: feature for feature in FEATURES}
#: No way is allowed from this state, so that a request that passes the features ends here.
STATE = "rescued"


@pytest.fixture
def server(fleet: Fleet, lab: Lab) -> Iterator[str]:
    """A server in a state from which it cannot move."""
    (made,) = fleet.boot("node1", ACTIVE=1)
    calls.sql(lab, "nova", "UPDATE instances SET vm_state = %s WHERE uuid = %s", STATE, made)
    yield made
    calls.sql(lab, "nova", "DELETE FROM share_mapping WHERE instance_uuid = %s", made)
    calls.sql(lab, "nova", "UPDATE instances SET vm_state = 'active' WHERE uuid = %s", made)


def test_nova_refuses_what_the_table_says(lab: Lab, server: str) -> None:
    """Each feature that records can say of a server, by each way."""
    oldest = "SELECT MIN(version) FROM services WHERE deleted = 0 AND `binary` = 'nova-compute'"
    ((computes,),) = calls.rows(lab, "nova", oldest)
    nova = NovaVersion(computes=computes)
    plain, cloud = (lab, server, saved(lab, server)), lab.connection()
    wear(*plain, Worn())
    tried = {("nothing", way): refused(cloud, server, way) for way in Way}
    wanted: dict[tuple[str, Way], bool] = dict.fromkeys(tried, False)
    for name, worn in WORN.items():
        wear(*plain, worn)
        for way in Way:
            rule = BY_NAME[name].rules.get(way)
            tried[name, way] = refused(cloud, server, way)
            wanted[name, way] = rule is not None and rule.refuses(nova)
    wear(*plain, Worn())

    assert tried == wanted
    assert set(tried) >= SEEN


def refused(cloud: "Connection", server: str, way: Way) -> bool:
    """True when nova refuses the way for a feature, False when only for the server's state."""
    answer = cloud.compute.post(
        f"/servers/{server}/action", json=REQUESTS[way], microversion="2.94"
    )
    message = json.dumps(answer.json())
    assert 400 <= answer.status_code < 500, message
    return f"vm_state {STATE}" not in message


def saved(lab: Lab, server: str) -> dict[str, Any]:
    """The flavor as nova's records have it."""
    ((flavor,),) = calls.rows(
        lab, "nova", "SELECT flavor FROM instance_extra WHERE instance_uuid = %s", server
    )
    found: dict[str, Any] = json.loads(flavor)
    return found


def wear(lab: Lab, server: str, flavor: dict[str, Any], worn: Worn) -> None:
    """Let nova's records say of the server what is worn, and nothing of what was worn before."""
    flavor["cur"]["nova_object.data"]["extra_specs"] = dict(worn.specs)
    network = [vif(worn.vnic_type)] if worn.vnic_type else []
    changes = (
        ("UPDATE instance_extra SET flavor = %s WHERE instance_uuid = %s", json.dumps(flavor)),
        (
            "UPDATE instance_info_caches SET network_info = %s WHERE instance_uuid = %s",
            json.dumps(network),
        ),
    )
    for statement, value in changes:
        calls.sql(lab, "nova", statement, value, server)
    of_server = "WHERE instance_uuid = %s"
    mine = f"{of_server} AND `key` IN ('image_hw_firmware_type', 'image_hw_machine_type')"
    calls.sql(lab, "nova", f"DELETE FROM instance_system_metadata {mine}", server)
    for name, value in worn.image.items():
        calls.sql(
            lab, "nova",
            "INSERT INTO instance_system_metadata (instance_uuid, `key`, value, deleted) "
            "VALUES (%s, %s, %s, 0)", server, f"image_{name}", value,
        )  # fmt: skip
    calls.sql(lab, "nova", f"DELETE FROM share_mapping {of_server}", server)
    if worn.has_share:
        calls.sql(
            lab, "nova",
            "INSERT INTO share_mapping (uuid, instance_uuid, share_id, status, tag, "
            "export_location, share_proto) VALUES (%s, %s, %s, 'active', 'tag', 'x:/y', 'NFS')",
            str(uuid.uuid4()), server, str(uuid.uuid4()),
        )  # fmt: skip


def vif(vnic_type: str) -> dict[str, Any]:
    """A port as nova's cache has it."""
    network: dict[str, Any] = {
        "id": str(uuid.uuid4()), "bridge": None, "label": "n", "subnets": [], "meta": {},
    }  # fmt: skip
    return {
        "id": str(uuid.uuid4()), "address": "fa:16:3e:00:00:01", "network": network, "type": "ovs",
        "details": {}, "devname": "tap0", "ovs_interfaceid": None, "qbh_params": None,
        "qbg_params": None, "active": True, "vnic_type": vnic_type, "profile": {},
        "preserve_on_delete": True, "delegate_create": True, "meta": {},
    }  # fmt: skip
