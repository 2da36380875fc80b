# SPDX-License-Identifier: Apache-2.0
"""All that nova-decom does in a database, on the schemas of Nova 17 (Queens) to 34 (2026.2).

Some of them in every run; ``pytest --schemas all``, as in ``make matrix``, takes each.
"""

import pytest

from nova_decom.model.request import Request, Rows
from tests.database.conftest import Images
from tests.database.schemas import RELEASES, SOME, empty, nova_of

pytestmark = pytest.mark.database


def pytest_generate_tests(metafunc):
    chosen = RELEASES if metafunc.config.getoption("--schemas") == "all" else SOME
    metafunc.parametrize("release", chosen, scope="module")


@pytest.fixture(scope="module")
def nova(server, release):
    with nova_of(server, release) as world:
        yield world


@pytest.fixture
def ghost(nova):
    """A host with a row of each kind, its history, and a neighbour like it."""
    for host in ("node1", "node2"):
        nova.cell.service(host, deleted=True)
        nova.cell.pci_device(nova.cell.compute_node(host, f"old.{host}", deleted=True))
        nova.cell.pci_device(nova.cell.host(host)[1])
        nova.api.host(host, nova.api.ids("cell_mappings")[1])
        nova.cell.migration(host, "node3", "completed")
    nova.api.aggregate("all", "node1", "node2")
    nova.cell.instance("node2")
    nova.cell.instance("node1", deleted=True)
    yield nova
    empty(nova)


def test_the_checks(nova):
    """All columns are there, and each statement of a removal is understood."""
    databases = nova.writing()
    assert [c.problem for c in databases.checks() if c.problem] == []
    for request in (Request(), Request(rows=Rows.KEEP), Request(close_evacuations=True)):
        assert [c.problem for c in databases.try_removal(request) if c.problem] == []


def test_what_is_read(ghost):
    """By a plan, of one host, and by an audit, of all."""
    facts = ghost.facts("node1").database
    assert (len(facts.services), len(facts.compute_nodes), len(facts.pci_devices)) == (2, 2, 2)
    assert (facts.instances, facts.active_migrations) == ((), ())
    assert facts.cell == "cell1"
    assert len(facts.aggregate_hosts) == 1
    assert [row.vm_state for row in ghost.facts("node2").database.instances] == ["active"]

    rows = ghost.reading().cloud_rows()
    assert {r.host for r in rows.services} == {r.host for r in rows.compute_nodes}
    assert rows.mapped_hosts == {"node1", "node2"}
    assert rows.servers == {"node2": 1}


@pytest.mark.parametrize("rows", ["purge", "keep"])
def test_a_removal(ghost, rows):
    """The rows of the host go, or are hidden as nova hides them; those of others are as before."""
    tables = ("services", "compute_nodes", "pci_devices", "instances", "migrations")
    before = {table: _of_others(ghost, table) for table in tables}
    images = Images()

    ghost.writing().run(ghost.purge("node1", rows=rows), images)

    assert {table: _of_others(ghost, table) for table in tables} == before
    own = (row for table in tables[:2] for row in ghost.cell.rows(table))
    left = [row for row in own if row["host"] == "node1"]
    assert [row["id"] for row in left if not row["deleted"]] == []
    assert bool(left) is (rows == "keep")
    assert images.tables[-2:] == ["compute_nodes", "services"]


def _of_others(nova, table):
    nodes = {r["id"] for r in nova.cell.rows("compute_nodes") if r["host"] == "node1"}
    return [
        row
        for row in nova.cell.rows(table)
        if row.get("host") != "node1" and row.get("compute_node_id") not in nodes
    ]
