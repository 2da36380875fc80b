# SPDX-License-Identifier: Apache-2.0
"""A host that changed between plan and purge: nothing is changed, and it is said why."""

import pytest

from nova_decom.errors import ChangeFailedError, RowCountError
from tests.database.conftest import Images
from tests.database.server import CELL_TABLES

pytestmark = pytest.mark.database

NODE = "SELECT id FROM nova.compute_nodes WHERE host = 'node1'"


def delete_service(cell):
    cell.query("DELETE FROM nova.services WHERE host = 'node1'")


def delete_device(cell):
    cell.query("DELETE FROM nova.pci_devices")


def rename_service(cell):
    cell.query("UPDATE nova.services SET host = 'NODE1' WHERE host = 'node1'")


def move_node(cell):
    cell.query("UPDATE nova.compute_nodes SET host = 'node2' WHERE host = 'node1'")


def revive_service(cell):
    cell.service("node1")


def revive_node(cell):
    cell.compute_node("node1", "node1.example.org")


def undelete_node(cell):
    cell.query("UPDATE nova.compute_nodes SET deleted = 0 WHERE host = 'node1'")


def land(cell):
    cell.instance("node1")


def land_from_elsewhere(cell):
    cell.query("UPDATE nova.instances SET host = 'node1' WHERE host = 'node9'")


def migrate_in(cell):
    cell.migration("node2", "node1", "pre-migrating")


def migrate_out(cell):
    cell.migration("node1", "node2", "finished")


def add_device(cell):
    (row,) = cell.query(NODE)
    cell.pci_device(row["id"])


@pytest.mark.parametrize(
    "meanwhile",
    [
        delete_service, delete_device, rename_service, move_node, revive_service, revive_node,
        undelete_node, land, land_from_elsewhere, migrate_in, migrate_out,
    ],
)  # fmt: skip
def test_purge_of_leftovers(nova, meanwhile):
    """Rows that vanished, changed hands or came to life, servers and migrations stop the purge."""
    nova.cell.service("node1", deleted=True)
    node = nova.cell.compute_node("node1", deleted=True)
    nova.cell.pci_device(node)
    nova.cell.instance("node9")
    transaction = nova.purge("node1")
    meanwhile(nova.cell)
    before = nova.cell.checksums(*CELL_TABLES)
    with pytest.raises(RowCountError, match="rolled back, no row was changed") as caught:
        nova.writing().run(transaction, Images())
    assert nova.cell.checksums(*CELL_TABLES) == before
    assert caught.value.remedy == "the host changed meanwhile: look at a new plan"


@pytest.mark.parametrize("rows", ["purge", "keep"])
@pytest.mark.parametrize(
    "meanwhile", [delete_service, move_node, revive_node, land, land_from_elsewhere, migrate_in]
)
def test_purge_of_a_live_ghost(nova, meanwhile, rows):
    """The same holds for rows that are still live, whether they go or are hidden."""
    nova.cell.host("node1")
    nova.cell.instance("node9")
    transaction = nova.purge("node1", rows=rows)
    meanwhile(nova.cell)
    before = nova.cell.checksums(*CELL_TABLES)
    with pytest.raises(RowCountError, match="rolled back, no row was changed"):
        nova.writing().run(transaction, Images())
    assert nova.cell.checksums(*CELL_TABLES) == before


def test_another_spelling_does_not_matter(nova):
    """What lives on a host of another spelling, which the server finds too, stops no purge."""
    nova.cell.service("node1", deleted=True)
    nova.cell.compute_node("node1", deleted=True)
    service, node = nova.cell.host("NODE1")
    nova.cell.instance("NODE1")
    nova.cell.migration("NODE1", "node2", "running")
    nova.writing().run(nova.purge("node1"), Images())
    assert (nova.cell.ids("services"), nova.cell.ids("compute_nodes")) == ([service], [node])


def test_a_device_that_nobody_planned(nova):
    """A device that appeared since the plan is held by its foreign key: all is rolled back."""
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    transaction = nova.purge("node1")
    add_device(nova.cell)
    before = nova.cell.checksums(*CELL_TABLES)
    with pytest.raises(ChangeFailedError, match=r"foreign key .*\(error 1451\); rolled back"):
        nova.writing().run(transaction, Images())
    assert nova.cell.checksums(*CELL_TABLES) == before


def test_a_failed_purge_can_be_planned_again(nova):
    """After a refusal the same connection runs a new plan."""
    nova.cell.service("node1", deleted=True)
    stale, writing = nova.purge("node1"), nova.writing()
    nova.cell.service("node1")
    with pytest.raises(RowCountError):
        writing.run(stale, Images())
    writing.run(nova.purge("node1"), Images())
    assert nova.cell.rows("services") == []
