# SPDX-License-Identifier: Apache-2.0
"""What NovaDatabases reads of given hosts."""

import logging
from dataclasses import replace

import pytest

from nova_decom.clients.mysql.connection import LOG
from nova_decom.clients.mysql.sources import Sources
from nova_decom.clients.mysql.url import target
from nova_decom.guards import judge
from nova_decom.model.cloud import TERMINAL_MIGRATIONS
from nova_decom.model.plan import Verdict

pytestmark = pytest.mark.database


def verdict(facts, guard):
    (finding,) = (f for f in judge(facts) if f.guard == guard)
    return finding


def node_ids(database):
    return tuple(row.id for row in database.compute_nodes)


def test_hosts_get_their_own_rows(nova):
    """Each of several hosts gets exactly its own rows, from one reading."""
    ids = {host: nova.cell.host(host) for host in ("node1", "node2", "node3")}
    device = nova.cell.pci_device(ids["node2"][1])
    server = nova.cell.instance("node3")
    found = nova.reading().facts(["node1", "node2", "node3"])
    assert {host: found[host].services[0].id for host in found} == {
        h: s for h, (s, _) in ids.items()
    }
    assert {host: node_ids(found[host]) for host in found} == {
        h: (n,) for h, (_, n) in ids.items()
    }
    assert [[p.id for p in found[h].pci_devices] for h in ids] == [[], [device], []]
    assert [[i.uuid for i in found[h].instances] for h in ids] == [[], [], [server]]
    assert {facts.cell for facts in found.values()} == {"cell1"}


def of_its_own(nova, host):
    """The rows of the host, without those of other hosts that SQL takes for it."""
    return replace(nova.facts(host).database, twins=())


@pytest.mark.parametrize("other", ["NODE1", "node10", "node1.example.org", "node", "nöde1"])
def test_names_are_compared_exactly(nova, other):
    """Rows of a host of almost the same name are never those of the host asked for."""
    nova.cell.host(other)
    nova.cell.instance(other)
    nova.cell.migration(other, other, "running")
    nova.cell.instance(other, compute_id=None)
    nova.api.host(other, nova.api.ids("cell_mappings")[1])
    nova.api.aggregate("all", other)
    assert of_its_own(nova, "node1") == of_its_own(nova, "never-seen")


@pytest.mark.parametrize("asked", ["node1 ", "Node1", " node1"])
def test_similar_names_find_nothing(nova, asked):
    """A name that the server's collation takes for the host's finds nothing of it."""
    service, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    nova.cell.instance("node1", compute_id=None)
    nova.cell.migration("node1", "node2", "running")
    nova.api.host("node1", nova.api.ids("cell_mappings")[1])
    nova.api.aggregate("all", "node1")
    assert of_its_own(nova, asked) == of_its_own(nova, "never-seen")
    assert nova.facts("node1").database.services[0].id == service


def test_history_is_exact(nova):
    """A host that only deleted servers name is known, also beside another spelling of it."""
    nova.cell.instance("NODE1", deleted=True)
    nova.cell.instance("node1", deleted=True)
    found = nova.reading().facts(["node1", "NODE1", "Node1"])
    assert [f.in_history for f in found.values()] == [True, True, False]
    assert found["node1"].cell is None
    assert not found["node1"].instances


def test_soft_deleted_rows_are_read(nova):
    """Soft-deleted services, compute nodes and devices are rows of the host."""
    gone = nova.cell.service("node1", deleted=True)
    node = nova.cell.compute_node("node1", deleted=True)
    device = nova.cell.pci_device(node, deleted=True)
    database = nova.facts("node1").database
    assert [(s.id, s.deleted) for s in database.services] == [(gone, gone)]
    assert [(n.id, n.deleted, n.mapped) for n in database.compute_nodes] == [(node, node, 0)]
    assert [(p.id, p.deleted) for p in database.pci_devices] == [(device, device)]
    assert database.cells_naming_host == ()
    assert database.cell == "cell1"


def test_service_id_may_be_null(nova):
    """A compute node without service_id, as nova writes it since Liberty, is its host's."""
    nova.cell.service("node1")
    node = nova.cell.compute_node("node1", service_id=None)
    assert node_ids(nova.facts("node1").database) == (node,)


@pytest.mark.parametrize("owner", ["node2", None])
def test_stale_service_id_blocks(nova, owner):
    """A compute node of another host that names our service is seen, and blocks."""
    service, own = nova.cell.host("node1")
    foreign = nova.cell.compute_node(owner, "node2.example.org", service_id=service)
    device = nova.cell.pci_device(foreign)
    facts = nova.facts("node1")
    assert node_ids(facts.database) == (own, foreign)
    assert device not in [p.id for p in facts.database.pci_devices]
    finding = verdict(facts, "node-owner")
    assert finding.verdict is Verdict.BLOCKED
    assert f"compute_nodes {foreign}" in finding.message


@pytest.mark.parametrize("tied", ["nova-conductor", "deleted"])
def test_service_id_that_nova_ignores(nova, tied):
    """A service_id of a conductor, or of a deleted service, ties no compute node to the host."""
    if tied == "deleted":
        service = nova.cell.service("node1", deleted=True)
    else:
        service = nova.cell.service("node1", tied)
    nova.cell.compute_node("node2", service_id=service)
    facts = nova.facts("node1")
    assert facts.database.compute_nodes == ()
    assert verdict(facts, "node-owner").verdict is Verdict.OK


def test_soft_deleted_servers_are_there(nova):
    """Servers in SOFT_DELETED still are on the host, and are named; deleted ones are not."""
    nova.cell.service("node1")
    waiting = nova.cell.instance("node1", vm_state="soft-delete")
    gone = nova.cell.instance("node1", deleted=True)
    finding = verdict(nova.facts("node1"), "servers-present")
    assert finding.verdict is Verdict.BLOCKED
    assert waiting in finding.message
    assert gone not in finding.message


def test_servers_without_any_service(nova):
    """Servers and migrations are seen when every row of the host itself is gone."""
    server = nova.cell.instance("node1")
    migration = nova.cell.migration("node2", "node1", "running")
    database = nova.facts("node1").database
    assert [i.uuid for i in database.instances] == [server]
    assert [m.id for m in database.active_migrations] == [migration]
    assert (database.cell, database.cells_naming_host) == ("cell1", ())


@pytest.mark.parametrize("role", [("node1", "node2"), ("node2", "node1"), ("node1", None)])
def test_active_migrations_count(nova, role):
    """A migration in progress from or to the host is found, in whatever state it is."""
    nova.cell.service("node1")
    for status in ("running", "finished", "post-migrating", "accepted", "queued", "unheard-of"):
        nova.cell.migration(*role, status)
    nova.cell.migration("node2", "node3", "running")
    found = nova.reading().facts(["node1"])["node1"].active_migrations
    assert [m.status for m in found] == [
        "running", "finished", "post-migrating", "accepted", "queued", "unheard-of",
    ]  # fmt: skip
    assert {(m.source, m.destination) for m in found} == {role}


def test_finished_migrations_do_not_count(nova):
    """Migrations that are over, deleted or of another host are none."""
    for status in TERMINAL_MIGRATIONS:
        nova.cell.migration("node1", "node2", status)
    nova.cell.migration("node1", "node2", "running", deleted=1)
    nova.cell.migration("node10", "NODE1", "running")
    assert nova.reading().facts(["node1"])["node1"].active_migrations == ()


def test_instances_that_need_the_node(nova):
    """Deleted instances without compute_id are counted for exactly their host.

    Live ones have to leave first, and get theirs when they move.
    """
    nova.cell.service("node1")
    nova.cell.instance("node1", compute_id=None)
    nova.cell.instance("node1", compute_id=None, deleted=True)
    nova.cell.instance("node1", compute_id=7, deleted=True)
    nova.cell.instance("NODE1", compute_id=None, deleted=True)
    nova.cell.instance("node2", compute_id=None, deleted=True)
    assert nova.facts("node1").database.nodes_needed == {"cell1": 1}


def test_schema_without_compute_id(nova):
    """A cell of a release before nova 28, without instances.compute_id, needs no nodes."""
    nova.cell.host("node1")
    nova.cell2.query("ALTER TABLE nova_cell2.instances RENAME COLUMN compute_id TO later")
    try:
        nova.api.cell("cell2", nova.server.url("nova_cell2"))
        nova.cell2.host("node2")
        nova.cell2.insert("instances", uuid="x", host="node2", deleted=0)
        assert nova.facts("node2").database.nodes_needed == {}
    finally:
        nova.cell2.query("ALTER TABLE nova_cell2.instances RENAME COLUMN later TO compute_id")


def test_registration_is_read(nova):
    """Host mapping, aggregates and the other hosts of the cell come from the API database."""
    cell1 = nova.api.ids("cell_mappings")[1]
    nova.api.host("node1", cell1)
    nova.api.host("node2", cell1)
    first = nova.api.aggregate("ssd", "node1", "node2")
    second = nova.api.aggregate("az-1", "node1")
    nova.api.aggregate("az-2", "node2")
    database = nova.facts("node1").database
    assert database.host_mapping.id == nova.api.ids("host_mappings")[0]
    assert database.host_mapping.cell == nova.api.rows("cell_mappings")[1]["uuid"]
    members = nova.api.ids("aggregate_hosts")
    assert [(r.id, r.aggregate_id) for r in database.aggregate_hosts] == [
        (members[0], first),
        (members[2], second),
    ]
    assert database.cell_hosts == {"node1", "node2"}
    assert database.cell == "cell1"


@pytest.fixture
def statements(caplog):
    """The statements that were sent, as the log has them."""
    caplog.set_level(logging.DEBUG, logger=LOG.name)
    return caplog


def test_the_hosts_of_a_cell_are_read_once(nova, statements):
    """All of its mappings are: the one statement of a look that grows with the cloud."""
    cell0, cell1 = nova.api.ids("cell_mappings")[:2]
    nova.api.host("node1", cell1)
    reading = nova.reading()
    reading.facts(["node1"])
    first = len(statements.records)
    nova.api.host("node2", cell1)
    nova.api.host("node3", cell0)

    assert reading.facts(["node1"])["node1"].cell_hosts == {"node1"}
    # The cells themselves are read once, too.
    assert len(statements.records) - first == first - 2
    # Another cell's are asked for when a host of it is.
    assert reading.facts(["node3"])["node3"].cell_hosts == {"node3"}


def test_compute_nodes_are_found_by_uuid(nova):
    """Live ones only, whosever they are; of none, as in a cloud that is full, there is nothing."""
    nova.cell.host("node1")
    nova.cell.host("node2")
    (first, *_) = nova.cell.rows("compute_nodes")
    reading = nova.reading()

    assert [(n.uuid, n.host) for n in reading.compute_nodes([first["uuid"], "no such"])] == [
        (first["uuid"], first["host"])
    ]
    assert reading.compute_nodes([]) == ()


def test_the_oldest_compute_of_all_cells(nova):
    """As nova counts it: deleted ones, those forced down and other binaries left out."""
    reading = nova.reading()
    assert reading.oldest_compute() is None

    nova.cell.service("node1", version=68)
    nova.cell.service("node2", version=50, forced_down=1)
    nova.cell.service("node3", version=50, deleted=True)
    nova.cell.service("node1", "nova-conductor", version=50)
    assert reading.oldest_compute() == 68

    nova.cell.service("node4", version=None)
    assert reading.oldest_compute() == 0


def test_queries_do_not_grow_with_hosts(nova, statements):
    """As many statements are sent for two hundred hosts as for one."""
    for number in range(200):
        _, node = nova.cell.host(f"node{number}")
        nova.cell.pci_device(node)
    cell1 = nova.api.ids("cell_mappings")[1]
    for number in range(200):
        nova.api.host(f"node{number}", cell1)
    counts = []
    for hosts in (1, 200):
        statements.clear()
        found = nova.reading().facts([f"node{number}" for number in range(hosts)])
        assert all(f.pci_devices and f.services for f in found.values())
        counts.append(len(statements.records))
    assert counts[0] == counts[1] > 0


def test_heartbeats_are_counted(nova):
    """report_counts tells the counter of exactly the services asked for."""
    nova.cell.service("node1", uuid="uuid-1", report_count=7)
    nova.cell.service("node2", uuid="uuid-2", report_count=8)
    reading = nova.reading()
    assert reading.report_counts("node1", ["uuid-1", "uuid-2", "uuid-3"]) == {"uuid-1": 7}
    assert reading.report_counts("node1", []) == {}


def test_a_cell_alone(nova):
    """With a cell database and no API database, only rows of the cell are told."""
    nova.cell.host("node1")
    nova.api.host("node1", nova.api.ids("cell_mappings")[1])
    sources = Sources(cells=(target(nova.server.url("nova")),))
    database = nova.reading(sources).facts(["node1"])["node1"]
    assert database.cell == "nova"
    assert database.services
    assert database.host_mapping is None


def test_hosts_read_together_keep_their_cells_apart(nova):
    """A host of another cell is no neighbour that could take a cell's last host's place."""
    cell0, cell1 = nova.api.ids("cell_mappings")[:2]
    nova.api.host("node1", cell1)
    nova.api.host("node2", cell0)

    found = nova.reading().facts(["node1", "node2"])

    assert found["node1"].cell_hosts == {"node1"}
    assert found["node2"].cell_hosts == {"node2"}
