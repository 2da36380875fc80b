# SPDX-License-Identifier: Apache-2.0
"""One name in two cells: all rows go in one run, a transaction per cell, and come back."""

import pytest

from nova_decom.model.request import Rows
from nova_decom.plan.leftovers import leftovers
from nova_decom.steps.purge_rows import PurgeRows
from nova_decom.verify.readd import safe_to_readd
from tests.database.conftest import Images
from tests.database.removed import Removal, Restoring

pytestmark = pytest.mark.database


@pytest.fixture
def two_cells(nova):
    """Node1 lives in cell1; years ago it was removed from cell2, where its ids are the same."""
    nova.api.cell("cell2", nova.server.url("nova_cell2"))
    nova.api.host("node1", nova.api.ids("cell_mappings")[1])
    for cell, deleted in ((nova.cell, False), (nova.cell2, True)):
        cell.service("node1", id=7, deleted=deleted)
        node = cell.compute_node("node1", id=8, deleted=deleted, mapped=1)
        cell.pci_device(node, id=9)
        cell.query(f"UPDATE {cell.database}.compute_nodes SET mapped = 1")
        cell.service("node2", id=17)
    return nova


def kept(cell):
    return [r["host"] for t in ("services", "compute_nodes") for r in cell.rows(t)]


def test_rows_of_both_cells_go_in_one_run(two_cells, tmp_path):
    """The first plan has a transaction for each cell; afterwards nothing is left."""
    removal = Removal(two_cells, tmp_path)
    removal.run()
    assert (kept(two_cells.cell), kept(two_cells.cell2)) == (["node2"], ["node2"])
    assert not two_cells.cell2.rows("pci_devices")
    facts = two_cells.facts("node1")
    assert leftovers(facts) == ()
    assert safe_to_readd(facts).answer == "unknown"


def test_each_transaction_runs_in_its_own_cell(two_cells):
    """The live cell first; equal ids are not mistaken for each other; images are of the cell."""
    two_cells.cell.query("UPDATE nova.services SET deleted = id WHERE id = 7")
    first, second = PurgeRows().changes(two_cells.facts("node1"))
    assert (first.target, second.target) == (
        "cell1: pci_devices 9, compute_nodes 8, services 7",
        "cell2: pci_devices 9, compute_nodes 8, services 7",
    )
    after = PurgeRows().after(first, two_cells.facts("node1"))
    assert list(PurgeRows().changes(after)) == [second]
    images = Images()
    two_cells.writing().run(second.transaction, images)
    assert kept(two_cells.cell2) == ["node2"]
    assert sorted(kept(two_cells.cell)) == ["node1", "node1", "node2"]
    assert images.rows["services"][0]["deleted"] == 7


def test_what_is_left_is_named_by_cell(two_cells):
    """Leftovers and --rows keep go by cell, too."""
    facts = two_cells.facts("node1")
    targets = [x.target for x in leftovers(facts) if x.kind == "rows"]
    assert [t.split(":")[0] for t in targets] == ["cell1", "cell2"]
    keep = two_cells.facts("node1", rows="keep")
    assert [(c.action, c.target) for c in PurgeRows().changes(keep)] == [
        ("soft-delete", "cell1: compute_nodes 8, services 7"),
        ("reset-mapped", "cell2: compute_nodes 8"),
    ]


@pytest.mark.parametrize("how", list(Rows))
def test_rows_of_both_cells_come_back(two_cells, tmp_path, how):
    """A restore finds each row in its cell, and the live one lives again."""

    def tables():
        # A flag that only misleads discover_hosts is not put back.
        return [
            {n: v for n, v in row.items() if not (n == "mapped" and row["deleted"])}
            for cell in (two_cells.cell, two_cells.cell2)
            for table in ("services", "compute_nodes", "pci_devices")
            for row in cell.rows(table)
        ]

    before = tables()
    removal = Removal(two_cells, tmp_path, how)
    removal.run()
    restoring = Restoring(removal)
    restoring.go()
    assert tables() == before
    assert restoring.plan().changes == ()


def test_the_sql_names_both_databases(two_cells, tmp_path):
    """For a DBA: a block for each cell, each in its own database."""
    removal = Removal(two_cells, tmp_path)
    removal.run()
    text = removal.sql.read_text()
    assert text.count("USE `nova`;") == text.count("USE `nova_cell2`;") == 1


def test_servers_and_needed_nodes_are_found_in_every_cell(two_cells):
    """A server of the old cell blocks, and its instances keep the old compute node."""
    two_cells.cell2.instance("node1")
    two_cells.cell2.instance("node1", deleted=True)
    database = two_cells.facts("node1").database
    assert len(database.instances) == 1
    assert set(database.nodes_needed) <= {"cell2"}
    assert [r.cell for r in database.services] == ["cell1", "cell2"]
