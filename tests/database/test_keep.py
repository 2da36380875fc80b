# SPDX-License-Identifier: Apache-2.0
"""--rows keep hides rows exactly as nova's own delete does."""

import datetime as dt
import json
import subprocess
from dataclasses import replace

import pytest

from nova_decom.model.cloud import ComputeService
from nova_decom.model.host import Fleet
from nova_decom.steps.delete_service import DeleteService
from tests.database.conftest import Images

pytestmark = pytest.mark.database

#: What nova-api runs for DELETE /os-services/{id}.
SERVICE_DESTROY = """
import json, sys
from nova import config, context
from nova.db.main import api
url, number = json.loads(sys.argv[1])
config.CONF([], project='nova', default_config_files=[])
config.CONF.set_override('connection', url, 'database')
api.configure(config.CONF)
api.service_destroy(context.get_admin_context(), number)
"""


def test_rows_are_hidden(nova):
    """Live rows become deleted = id, deleted_at in UTC and unmapped; nothing else changes."""
    service, node = nova.cell.host("node1")
    device = nova.cell.pci_device(node)
    nova.cell.service("node1", deleted=True)
    before = {t: nova.cell.row(t, n) for t, n in (("services", service), ("compute_nodes", node))}
    devices, history = nova.cell.row("pci_devices", device), nova.cell.rows("services")[1:]
    nova.cell.query("SET GLOBAL time_zone = '+05:00'")
    try:
        nova.writing().run(nova.purge("node1", rows="keep"), Images())
    finally:
        nova.cell.query("SET GLOBAL time_zone = 'SYSTEM'")
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    hidden = {
        "services": nova.cell.row("services", service),
        "compute_nodes": nova.cell.row("compute_nodes", node),
    }
    for table, row in hidden.items():
        stamp = row.pop("deleted_at")
        assert abs(now - stamp) < dt.timedelta(seconds=30)
        assert row.pop("deleted") == row["id"]
        expected = {k: v for k, v in before[table].items() if k not in {"deleted", "deleted_at"}}
        assert row == expected | ({"mapped": 0} if "mapped" in row else {})
    assert nova.cell.row("pci_devices", device) == devices
    assert nova.cell.rows("services")[1:] == history


def test_nova_does_the_same(nova):
    """Nova's service_destroy and our transaction leave the same rows behind."""
    ids = [nova.cell.host(name) for name in ("node1", "node2")]
    subprocess.run(
        [
            str(nova.server.nova_python),
            "-W", "ignore", "-c", SERVICE_DESTROY,
            json.dumps([nova.server.url("nova"), ids[1][0]]),
        ],
        check=True, timeout=60,
    )  # fmt: skip
    nova.writing().run(nova.purge("node1", rows="keep"), Images())
    own = {"id", "uuid", "host", "hypervisor_hostname", "service_id", "deleted", "deleted_at"}
    for table, number in (("services", 0), ("compute_nodes", 1)):
        ours, theirs = (nova.cell.row(table, pair[number]) for pair in ids)
        assert ours["deleted"] == ours["id"]
        assert theirs["deleted"] == theirs["id"]
        assert abs(ours["deleted_at"] - theirs["deleted_at"]) < dt.timedelta(seconds=60)
        assert {k: v for k, v in ours.items() if k not in own} == {
            k: v for k, v in theirs.items() if k not in own
        }


def test_a_service_that_an_old_nova_cannot_delete_is_hidden_as_nova_does(nova):
    """Its row and no other; afterwards nothing of the step is left to do."""
    (service,), (other, _) = (nova.cell.service("node1"),), nova.cell.host("node2")
    before = nova.cell.row("services", other)
    row = nova.cell.row("services", service)
    facts = replace(
        nova.facts("node1"),
        services=(ComputeService(row["uuid"], "nova-compute", "node1", state="down"),),
        fleet=Fleet(deletes_without_node=False),
    )
    images = Images()

    (change,) = DeleteService().changes(facts)
    nova.writing().run(change.transaction, images)

    hidden = nova.cell.row("services", service)
    stamp = hidden.pop("deleted_at")
    assert abs(dt.datetime.now(dt.UTC).replace(tzinfo=None) - stamp) < dt.timedelta(seconds=30)
    assert hidden.pop("deleted") == service
    assert hidden == {k: v for k, v in row.items() if k not in {"deleted", "deleted_at"}}
    assert nova.cell.row("services", other) == before
    assert images.rows["services"] == [row]
    after = DeleteService().after(change, facts).database
    assert nova.facts("node1").database.services == after.services


def test_hidden_rows_are_done(nova):
    """Once hidden, nothing is left to do with keep; purge then removes the hidden rows."""
    nova.cell.host("node1")
    nova.writing().run(nova.purge("node1", rows="keep"), Images())
    with pytest.raises(ValueError, match="not enough values"):
        nova.purge("node1", rows="keep")
    nova.writing().run(nova.purge("node1"), Images())
    assert nova.cell.rows("services") == nova.cell.rows("compute_nodes") == []


def test_images_are_handed_over(nova):
    """The before-images of hidden rows are saved too, as they were."""
    service, node = nova.cell.host("node1")
    before = [nova.cell.row("compute_nodes", node), nova.cell.row("services", service)]
    images = Images()
    nova.writing().run(nova.purge("node1", rows="keep"), images)
    (compute_node,), (row,) = images.rows["compute_nodes"], images.rows["services"]
    ratios = {k for k in compute_node if k.endswith("_ratio")}
    assert {k: v for k, v in compute_node.items() if k not in ratios} == {
        k: v for k, v in before[0].items() if k not in ratios
    }
    assert row == before[1]
