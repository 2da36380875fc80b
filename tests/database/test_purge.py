# SPDX-License-Identifier: Apache-2.0
"""The guarded transaction that removes a host's rows, from real facts."""

import pytest

from nova_decom.clients.mysql.url import target
from nova_decom.errors import RowCountError
from nova_decom.plan.planner import make_plan
from tests.database.conftest import Images
from tests.database.server import CELL_TABLES

pytestmark = pytest.mark.database


@pytest.fixture
def node1(nova):
    """A live ghost with history and devices, among neighbours of similar names."""
    for neighbour in ("node0", "node10", "node2", "node1.example.org"):
        _, node = nova.cell.host(neighbour)
        nova.cell.pci_device(node)
        nova.cell.instance(neighbour)
        nova.cell.migration(neighbour, "node2", "completed")
    nova.cell.service("NODE1", "nova-scheduler")
    nova.cell.service("node1", "nova-conductor")
    nova.cell.service("node1", deleted=True)
    gone = nova.cell.compute_node("node1", deleted=True)
    nova.cell.pci_device(gone, deleted=True)
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    nova.cell.pci_device(node)
    nova.cell.instance("node1", deleted=True)
    nova.cell.migration("node1", "node2", "done")
    return nova


def others(nova):
    """Every row of the cell that a purge of node1 has to leave alone."""
    compute = nova.cell.rows("compute_nodes")
    nodes = {row["id"] for row in compute if row["host"] == "node1"}
    return {
        "services": [
            row
            for row in nova.cell.rows("services")
            if (row["host"], row["binary"]) != ("node1", "nova-compute")
        ],
        "compute_nodes": [row for row in compute if row["id"] not in nodes],
        "pci_devices": [
            r for r in nova.cell.rows("pci_devices") if r["compute_node_id"] not in nodes
        ],
        "instances": nova.cell.rows("instances"),
        "migrations": nova.cell.rows("migrations"),
    }


def test_rows_go_and_neighbours_stay(node1):
    """All rows of the host go, live and soft-deleted; every other row is left as it was."""
    before = others(node1)
    node1.writing().run(node1.purge("node1"), Images())
    assert {table: node1.cell.rows(table) for table in CELL_TABLES} == before


def test_children_go_first(node1):
    """Rows go in the order that the foreign key asks for: devices, compute nodes, services."""
    transaction = node1.purge("node1")
    assert [s.sql.split()[2] for s in transaction.writes] == [
        "pci_devices",
        "compute_nodes",
        "services",
    ]
    assert [s.rows for s in transaction.writes] == [3, 2, 2]


def test_the_plan_comes_true(node1):
    """The facts after the purge are those that the plan foretold, and a second plan is empty."""
    plan = make_plan(node1.facts("node1"))
    for change in plan.changes:
        if change.transaction is not None:
            node1.writing().run(change.transaction, Images())
    facts = node1.facts("node1")
    assert facts.database.services == plan.result.database.services
    assert facts.database.compute_nodes == plan.result.database.compute_nodes == ()
    assert facts.database.pci_devices == plan.result.database.pci_devices == ()
    assert not [c for c in make_plan(facts).changes if c.step == "purge-rows"]


def test_images_come_before_the_first_write(node1):
    """Each row is handed over while it is still there for everybody else, and locked."""
    before = {t: node1.cell.ids(t) for t in ("pci_devices", "compute_nodes", "services")}
    seen = []

    def look(table):
        seen.append(table)
        assert {t: node1.cell.ids(t) for t in before} == before

    node1.writing().run(node1.purge("node1"), Images(look))
    assert seen == ["pci_devices", "compute_nodes", "services"]


def test_images_restore_every_bit(node1):
    """Rows inserted again from the images give the same table checksums, FLOATs included."""
    tables = ("compute_nodes", "services", "pci_devices")
    before = node1.cell.checksums(*tables)
    images = Images()
    node1.writing().run(node1.purge("node1"), images)
    assert node1.cell.checksums(*tables) != before
    for table in tables:
        for row in images.rows[table]:
            node1.cell.insert(table, **row)
    assert node1.cell.checksums(*tables) == before


@pytest.mark.parametrize(
    "error", [OSError("No space left"), TypeError("no JSON"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("table", ["pci_devices", "services"])
def test_images_that_cannot_be_saved(node1, error, table):
    """When an image cannot be saved all is rolled back, no lock stays, and it can be repeated."""
    transaction = node1.purge("node1")
    before = node1.cell.checksums(*CELL_TABLES)
    writing = node1.writing()

    def fail(which):
        if which == table:
            raise error

    with pytest.raises(type(error)):
        writing.run(transaction, Images(fail))
    assert node1.cell.checksums(*CELL_TABLES) == before
    node1.cell.query("SET innodb_lock_wait_timeout = 0")
    node1.cell.query("UPDATE nova.services SET report_count = report_count + 1")
    writing.run(transaction, Images())
    assert not node1.facts("node1").database.compute_nodes


def test_nodes_needed_stay_soft_deleted(node1):
    """While instances need the compute node for nova's data migration, its row stays, hidden."""
    node1.cell.instance("node1", deleted=True, compute_id=None)
    (number,) = (
        r["id"]
        for r in node1.cell.rows("compute_nodes")
        if r["host"] == "node1" and not r["deleted"]
    )
    devices = node1.cell.rows("pci_devices")
    transaction = node1.purge("node1")
    node1.writing().run(transaction, Images())
    row = node1.cell.row("compute_nodes", number)
    assert (row["deleted"], row["mapped"]) == (number, 0)
    assert node1.cell.rows("pci_devices") == devices
    assert [s.binary for s in node1.facts("node1").database.services] == ["nova-conductor"]
    assert node1.facts("node1").database.nodes_needed == {"cell1": 1}
    assert not [c for c in make_plan(node1.facts("node1")).changes if c.step == "purge-rows"]


def test_a_second_run_finds_nothing(node1):
    """The same transaction once more is refused by its row counts, and changes nothing."""
    transaction = node1.purge("node1")
    writing = node1.writing()
    writing.run(transaction, Images())
    before = node1.cell.checksums(*CELL_TABLES)
    with pytest.raises(RowCountError, match="0 rows instead of 3"):
        writing.run(transaction, Images())
    assert node1.cell.checksums(*CELL_TABLES) == before


def test_what_runs_is_what_was_shown(node1):
    """The server's own log holds the statements of the plan, letter by letter."""
    transaction = node1.purge("node1")
    node1.cell.query("SET GLOBAL log_output = 'TABLE'")
    node1.cell.query("TRUNCATE TABLE mysql.general_log")
    node1.cell.query("SET GLOBAL general_log = ON")
    try:
        node1.writer(target(node1.server.url("nova"))).run(transaction, Images())
    finally:
        node1.cell.query("SET GLOBAL general_log = OFF")
    log = [
        row["text"]
        for row in node1.cell.query(
            "SELECT CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log"
        )
    ]
    begin, end = log.index("START TRANSACTION READ WRITE"), log.index("COMMIT")
    floats = [text for text in log[begin + 1 : end] if "0e0" in text]
    assert [t for t in log[begin + 1 : end] if t not in floats] == [
        s.text for s in transaction.statements
    ]
    assert len(floats) == 1
