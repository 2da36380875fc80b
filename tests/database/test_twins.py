# SPDX-License-Identifier: Apache-2.0
"""Rows of another host whose name the server takes for this one's."""

import pytest

from nova_decom.guards.database import node_owner
from nova_decom.model.cloud import NOVA_COMPUTE, ComputeService
from nova_decom.model.host_slice import Memory, host_facts
from nova_decom.model.request import Request
from nova_decom.model.snapshot import CloudSnapshot

pytestmark = pytest.mark.database

#: Spellings that some collation of MariaDB or MySQL takes for node1, beside case.
SPELLINGS = [
    "NODE1",
    "Node1",
    "node1 ",
    "nodé1",
    "node1\N{ZERO WIDTH SPACE}",
    "\N{FULLWIDTH LATIN SMALL LETTER N}ode1",
]


def registered(nova, host="node1", asked=("node1",)):
    """The facts of a host with a service, read together with others."""
    found = nova.reading().facts(list(asked))
    services = tuple(
        ComputeService(r.uuid, r.binary, r.host)
        for r in found[host].services
        if r.binary == NOVA_COMPUTE and not r.deleted
    )
    return host_facts(CloudSnapshot(services=services, databases=found), host, Request(), Memory())


def is_same(nova, name):
    """What this server says of the names."""
    sql = "SELECT id FROM nova.compute_nodes WHERE host = 'node1' AND BINARY host = %s"
    return bool(nova.cell.query(sql, name))


@pytest.mark.parametrize("name", SPELLINGS)
def test_exactly_what_the_server_takes_for_it_is_refused(nova, name):
    """A live compute node without service: nova's own delete of node1 would take it along."""
    nova.cell.host("node1")
    number = nova.cell.compute_node(name, "twin.example.org")
    objection = node_owner(registered(nova))
    assert (objection is not None) is is_same(nova, name)
    if objection:
        assert f"cell1: compute_nodes {number} of {name!r}" in objection.message
        assert "by their ids" in objection.remedy


def test_case_is_always_the_same(nova):
    """So that the test above tests something on each server."""
    nova.cell.compute_node("NODE1", "twin.example.org")
    assert is_same(nova, "NODE1")


def test_a_node_of_nova_goes_with_its_twin(nova):
    """Why it is refused: what nova sends soft-deletes both."""
    service, _ = nova.cell.host("node1")
    nova.cell.compute_node("NODE1", "twin.example.org")
    nova.cell.query(
        "UPDATE nova.compute_nodes SET deleted = id WHERE deleted = 0 "
        "AND (service_id = %s OR host = %s)",
        service,
        "node1",
    )
    assert all(row["deleted"] for row in nova.cell.rows("compute_nodes"))


@pytest.mark.parametrize(
    "make",
    [
        lambda nova: nova.cell.service("NODE1", binary="nova-conductor"),
        lambda nova: nova.cell.instance("NODE1"),
        lambda nova: nova.api.host("NODE1", nova.api.ids("cell_mappings")[1]),
        lambda nova: nova.api.aggregate("fast", "NODE1"),
    ],
    ids=["services", "instances", "host_mappings", "aggregate_hosts"],
)
def test_every_table(nova, request, make):
    """Services, instances, host mappings and aggregates: each row is named with its table."""
    nova.cell.host("node1")
    make(nova)
    objection = node_owner(registered(nova))
    table = request.node.callspec.id
    place = "API database" if table in {"host_mappings", "aggregate_hosts"} else "cell1"
    assert f"{place}: {table} " in objection.message
    assert "of 'NODE1'" in objection.message


def test_a_twin_in_another_cell(nova):
    """A host of another cell is found in every cell's database, not in that of node1 alone."""
    nova.api.cell("cell2", nova.server.url("nova_cell2"))
    nova.cell.host("node1")
    nova.cell2.compute_node("NODE1", "twin.example.org")
    assert "cell2: compute_nodes" in node_owner(registered(nova)).message


def test_soft_deleted_twins_are_history(nova):
    """What is soft-deleted is not deleted again."""
    nova.cell.host("node1")
    nova.cell.compute_node("NODE1", deleted=True)
    nova.cell.service("NODE1", deleted=True)
    assert node_owner(registered(nova)) is None


def test_hosts_of_one_run_do_not_hide_each_other(nova):
    """A twin that is asked for in the same run is one all the same; each neighbour has none."""
    nova.cell.host("node1")
    nova.cell.host("node2")
    nova.cell.compute_node("NODE1", "twin.example.org")
    asked = ("NODE1", "node1", "node2")
    assert "of 'NODE1'" in node_owner(registered(nova, asked=asked)).message
    assert "of 'node1'" in node_owner(registered(nova, "NODE1", asked)).message
    assert node_owner(registered(nova, "node2", asked)) is None


def test_nothing_of_the_host_is_live(nova):
    """History of node1 goes by primary key and exact name: its namesake may live."""
    nova.cell.service("node1", deleted=True)
    nova.cell.host("NODE1")
    assert node_owner(registered(nova)) is None
    purge = nova.purge("node1")
    nova.writing().run(purge, lambda _images: None)
    assert [r["host"] for r in nova.cell.rows("services")] == ["NODE1"]
