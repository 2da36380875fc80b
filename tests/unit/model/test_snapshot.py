# SPDX-License-Identifier: Apache-2.0
"""From bulk readings to the facts of exactly one host."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cached_property

import pytest

from nova_decom.model.host import HostIdentity
from nova_decom.model.host_slice import Memory, host_facts, identity_of
from nova_decom.model.machine import SystemdUnit
from nova_decom.model.own_providers import own_providers, possible_roots
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.snapshot import USED_BY, CloudSnapshot, compute_hosts, compute_zones
from nova_decom.registrars import network_agents, with_registrars
from nova_decom.registrars.network_agents import agents_of
from tests.unit import build
from tests.unit.build import NODE, node, node_row, provider, request, service

#: Names that are not node1, though each is like it.
OTHERS = ("NODE1", "node1.example.org", "node11", "node")


def view(**what):
    """A cloud with node1 and hosts whose names are like it, everything twice."""
    hosts = ("node1", *OTHERS)
    known = {
        "services": tuple(service(h, id=f"service {h}") for h in hosts),
        "compute_nodes": tuple(node(h, uuid=f"node {h}") for h in hosts),
        "servers": tuple(build.server(h, host=h) for h in hosts),
        "migrations": (
            build.migration(1, source="node1", destination="node9"),
            build.migration(2, source="node9", destination="node1"),
            build.migration(3, source="NODE1", destination="node11"),
            build.migration(4, source="node9", destination=None),
        ),
        "aggregates": (
            build.aggregate(1, hosts=hosts),
            build.aggregate(2, hosts=OTHERS),
        ),
        "providers": tuple(provider(f"node {h}", h) for h in hosts),
        "allocations": tuple(build.allocation(f"node {h}") for h in hosts),
        "registrars": build.agent_reading(*(build.agent(id=h, host=h) for h in hosts)),
        "databases": {h: build.database(cell=f"cell of {h}") for h in hosts},
    }
    return CloudSnapshot(**known | what)


def sliced(seen=None, host="node1", memory=None, asked=None):
    """The facts of one host."""
    seen = seen or view()
    return with_registrars(host_facts(seen, host, asked or request(), memory or Memory()), seen)


@pytest.mark.parametrize("host", ["node1", *OTHERS])
def test_a_slice_has_nothing_of_hosts_with_a_similar_name(host):
    """Letter by letter, for every kind of thing."""
    facts = sliced(host=host)

    assert [s.id for s in facts.services] == [f"service {host}"]
    assert [n.uuid for n in facts.compute_nodes] == [f"node {host}"]
    assert [s.name for s in facts.servers] == [host]
    assert [p.name for p in facts.providers] == [host]
    assert [a.provider for a in facts.allocations] == [f"node {host}"]
    assert [a.id for a in agents_of(facts).own] == [host]
    assert facts.database.cell == f"cell of {host}"


def test_migrations_count_at_both_ends():
    """A host is their source or their destination."""
    assert [m.id for m in sliced().migrations] == [1, 2]


def test_memberships_are_those_of_the_host():
    """An aggregate of similar names is none of its."""
    assert [a.id for a in sliced().aggregates] == [1]


def test_no_database_is_something_else_than_an_empty_one():
    """Not looked is told from nothing found."""
    assert sliced(view(databases=None)).database is None
    assert sliced(view(databases={})).database == DatabaseFacts()


def test_the_fleet_has_every_service_and_every_name():
    """Guards compare with the others, and guess what somebody meant."""
    facts = sliced(view(aggregates=(build.aggregate(hosts=("forgotten",)),)))

    assert facts.fleet.services == view().services
    assert facts.fleet.names == {"node1", *OTHERS, "forgotten"}


def test_what_was_seen_before_is_handed_on():
    """Heartbeats of the host's services only, its unit, and that it was ever known."""
    mine, other = build.heartbeat("service node1"), build.heartbeat("service NODE1")
    unit = SystemdUnit("nova-compute.service", active=True, enabled=True)
    memory = Memory(heartbeats={h.service: h for h in (mine, other)}, unit=unit, is_known=True)

    facts = sliced(memory=memory)

    assert (facts.heartbeats, facts.unit, facts.was_known) == ((mine,), unit, True)
    assert facts.unchecked == ()


def test_a_service_without_id_has_no_heartbeat():
    """Its cell does not answer."""
    assert sliced(view(services=(service(id=None),))).heartbeats == ()


NO_NETWORK = {network_agents.NAME: network_agents.AgentReading(None)}
OFF = SystemdUnit("nova-compute.service", active=False, enabled=False)
ON = SystemdUnit("nova-compute.service", active=True, enabled=False)
NOT_REACHED = SystemdUnit("nova-compute", active=False, enabled=False, reached=False)


@pytest.mark.parametrize(
    ("what", "unit", "expected"),
    [
        ({}, None, []),
        ({"registrars": NO_NETWORK}, None, ["network agents: no network service"]),
        ({"databases": None}, None, ["databases: not given"]),
        (
            {"databases": {"node1": build.database(all_cells=False)}},
            None,
            ["host mapping, aggregate rows and other cells"],
        ),
        ({"services": ()}, None, ["whether nova-compute still runs"]),
        ({"services": ()}, ON, ["whether nova-compute still runs"]),
        ({"services": ()}, NOT_REACHED, ["whether nova-compute still runs"]),
        ({"services": ()}, OFF, []),
        ({"services": (build.conductor(),)}, None, ["whether nova-compute"]),
    ],
    ids=[
        "all given",
        "agents not read",
        "no database",
        "not every cell",
        "no service",
        "unit seen to run",
        "host not reached",
        "unit seen to be off",
        "another binary",
    ],
)
def test_what_could_not_be_looked_at_is_told(what, unit, expected):
    """Nothing found is no proof where nobody could look."""
    told = sliced(view(**what), memory=Memory(unit=unit)).unchecked

    assert len(told) == len(expected)
    assert all(words in thing for thing, words in zip(told, expected, strict=True))


def test_an_alias_is_one_more_name_of_the_host():
    """Agents and providers under it are the host's, letter by letter."""
    asked = request(aliases=frozenset({"node1.internal"}))
    seen = view(
        providers=(provider("a", "node1.internal"), provider("b", "NODE1.internal")),
        registrars=build.agent_reading(
            build.agent(id="a", host="node1.internal"), build.agent(id="b", host="internal")
        ),
    )

    found = sliced(seen, asked=asked)

    assert [p.uuid for p in found.providers] == ["a"]
    assert [a.id for a in agents_of(found).own] == ["a"]
    assert found.identity.names == {"node1", "node1.internal"}


def test_identity_comes_from_nodes_and_rows_of_the_host():
    """Soft-deleted rows too; rows of another host and rows without uuid add no uuid."""
    rows = build.database(
        compute_nodes=(
            node_row(1, uuid="live"),
            node_row(2, uuid="gone", deleted=2, hypervisor_hostname="old-name"),
            node_row(3, uuid=None),
            node_row(4, uuid="foreign", host="node2", hypervisor_hostname="node2"),
        )
    )

    identity = identity_of("node1", (node(uuid="api", hypervisor_hostname="fqdn"),), rows)

    assert identity.node_uuids == {"api", "live", "gone"}
    assert identity.names == {"node1", "fqdn", "old-name"}


def test_a_host_that_was_never_seen_has_its_name():
    """Without rows and nodes that is all."""
    assert identity_of("node1", (), None) == HostIdentity(frozenset(), frozenset({"node1"}))


TREE = (
    provider(),
    build.CHILD,
    provider("elsewhere", "node2"),
    provider("child-2", "node1", root="elsewhere", parent="elsewhere"),
)
MINE = HostIdentity(frozenset({NODE}), frozenset({"node1"}))


@pytest.mark.parametrize(
    ("providers", "identity", "nodes", "expected"),
    [
        (TREE, MINE, (), [NODE, "child"]),
        (TREE, HostIdentity(frozenset({NODE})), (), [NODE, "child"]),
        (TREE, HostIdentity(names=frozenset({"node1"})), (), [NODE, "child"]),
        (TREE, HostIdentity(names=frozenset({"NODE1"})), (), []),
        (TREE, MINE, (node("node2"),), []),
        (TREE, MINE, (node(), node("node2", uuid="elsewhere")), [NODE, "child"]),
        (TREE, HostIdentity(frozenset({"child"})), (), []),
        ((provider("older", "node1"), *TREE), MINE, (), [NODE, "child", "older"]),
    ],
    ids=[
        "by both",
        "by uuid",
        "by name",
        "other capitals",
        "another host's node",
        "its own node",
        "a child is no root",
        "an older one of that name",
    ],
)
def test_own_providers(providers, identity, nodes, expected):
    """Whole trees, by the root's uuid or exact name, and never the tree of a living neighbour."""
    seen = view(providers=providers, compute_nodes=nodes)

    found = own_providers(seen, "node1", identity)

    assert [p.uuid for p in found] == expected


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (MINE, {NODE}),
        (HostIdentity(frozenset({"elsewhere"})), {"elsewhere"}),
        (HostIdentity(names=frozenset({"NODE1"})), set()),
        (HostIdentity(frozenset({"child"})), set()),
    ],
    ids=["by both", "by uuid", "other capitals", "a child is no root"],
)
def test_roots_that_may_be_ours_have_a_name_or_a_uuid_of_the_host(identity, expected):
    """Whose node each of them is has to be asked."""
    assert possible_roots(view(providers=TREE), [identity, HostIdentity()]) == expected


def test_a_provider_that_is_a_neighbours_node_is_never_ours():
    """Whatever its name, and whatever an earlier run remembers."""
    seen = view(
        compute_nodes=(node("node2", uuid="moved"),), providers=(provider("moved", "node1"),)
    )
    memory = Memory(HostIdentity(frozenset({"moved"}), frozenset({"node1"})))

    facts = sliced(seen, memory=memory)

    assert (facts.providers, facts.allocations) == ((), ())
    assert [p.uuid for p in facts.same_name_providers] == ["moved"]


def test_a_provider_is_not_ours_that_rows_tell_to_be_a_neighbours_node():
    """Also where the API hides that node; our own node is ours, whoever asked for it."""
    seen = view(
        providers=(provider("moved", "node1"), provider(NODE, "node1"), provider("x", "node2")),
        owners={"moved": frozenset({"node2"}), NODE: frozenset({"node1"})},
    )

    facts = sliced(seen)

    assert [p.uuid for p in facts.providers] == [NODE]
    assert [p.uuid for p in facts.same_name_providers] == ["moved"]


@pytest.mark.parametrize("told", ["nodes", "rows", "both"])
@pytest.mark.parametrize("hosts", [("node1", "node2"), ("node2", "node1")])
def test_a_provider_of_two_hosts_is_neithers(told, hosts):
    """A machine that was given another name and cell, and kept its compute_id."""
    nodes = tuple(node(host, uuid=NODE) for host in hosts)
    seen = {
        "nodes": view(compute_nodes=nodes),
        "rows": view(owners={NODE: frozenset(hosts)}),
        "both": view(compute_nodes=(node(uuid=NODE),), owners={NODE: frozenset({"node2"})}),
    }[told]

    facts = sliced(replace(seen, providers=(provider(NODE, "node1"),)))

    assert facts.providers == ()
    assert [p.uuid for p in facts.same_name_providers] == [NODE]


@pytest.mark.parametrize(("services", "ours"), [((), [NODE]), ((service(host="old"),), [])])
def test_a_provider_of_an_old_name_of_ours_is_ours_when_nothing_lives_under_it(services, ours):
    """A name given by --host-alias, with a compute node and no nova-compute."""
    seen = view(
        services=services,
        providers=(provider(NODE, "node1"),),
        owners={NODE: frozenset({"old"})},
    )

    facts = sliced(seen, asked=request(aliases=frozenset({"old"})))

    assert [p.uuid for p in facts.providers] == ours


def test_a_name_that_the_host_only_once_had_is_in_nobodys_way():
    """Whoever has it now is another host's business."""
    seen = view(providers=(provider("alien", "once"),), owners={"alien": frozenset({"node2"})})
    memory = Memory(HostIdentity(names=frozenset({"once"})))

    assert sliced(seen, memory=memory).same_name_providers == ()


def test_compute_hosts_are_those_with_nova_compute():
    """Each once, sorted."""
    services = (service("b"), service("a"), build.conductor("c"), service("b", id="second"))

    assert compute_hosts(replace(view(), services=services)) == ("a", "b")


def test_zones_are_those_of_nova_compute():
    """Each once; a service without a zone has none, and other services have the internal one."""
    services = (
        service(host="a", zone="az2"),
        service(host="b", zone="az1"),
        service(host="c", zone="az1"),
        service(host="d", zone=None),
        service(host="e", zone="internal", binary="nova-conductor"),
    )
    assert compute_zones(replace(view(), services=services)) == ("az1", "az2")


def test_hosts_of_one_reading_share_what_they_have_in_common():
    """Else the names of 2,000 hosts, kept for each of them, take half a gigabyte."""
    seen = view()

    both = [host_facts(seen, host, request(), Memory()) for host in ("node1", "NODE1")]

    assert [facts.fleet is seen.fleet for facts in both] == [True, True]


@pytest.mark.parametrize("reading", [f.name for f in fields(CloudSnapshot)])
def test_a_reading_leaves_the_indexes_of_the_others(reading):
    """No index is of an older reading, and none is made again without need."""
    full, empty = view(), CloudSnapshot()
    before = {name: getattr(full, name) for name in USED_BY}
    new = full.with_readings(**{reading: getattr(empty, reading)})
    fresh = replace(full, **{reading: getattr(empty, reading)})

    assert {name: getattr(new, name) for name in USED_BY} == {
        name: getattr(fresh, name) for name in USED_BY
    }
    kept = {name for name in USED_BY if getattr(new, name) is before[name]}
    assert kept == {name for name, used in USED_BY.items() if reading not in used}


def test_each_index_names_its_readings():
    """A new index would stay that of an older reading."""
    indexes = {n for n, value in vars(CloudSnapshot).items() if isinstance(value, cached_property)}

    assert set(USED_BY) == indexes


def test_the_newest_migration_of_a_server_counts_where_it_is_over():
    """An older one says nothing; ids of two cells are not in one order."""
    early, late = "2026-11-23T04:00:00", "2026-11-23T05:00:00"
    over = build.migration(9, status="completed", created_at=early)
    newer = build.migration(8, status="error", uuid="newer", created_at=late)
    running = build.migration(10, uuid="running", created_at=late)
    of_another = build.migration(11, server="other", status="completed", uuid="other")
    servers = (build.server(), build.server("idle"))

    def ended(*migrations):
        return sliced(view(servers=servers, migrations=(of_another, *migrations))).ended

    assert ended(over, newer) == (newer,)
    assert ended(over) == (over,)
    assert ended(over, running) == ()
    assert ended() == ()


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ({}, True),
        ({"status": "completed"}, False),
        ({"type": "migration"}, False),
        ({"source": "node2", "destination": "node1"}, False),
    ],
    ids=["open", "closed by nova", "no evacuation", "to here"],
)
@pytest.mark.parametrize(
    ("of_rows", "all_cells", "counts"),
    [(False, False, True), (False, True, False), (True, True, True), (True, False, True)],
)
def test_open_evacuations_are_found(what, found, of_rows, all_cells, counts):
    """The API lists those of deleted servers too: where all cells are read, rows decide."""
    migration = build.migration(**{"type": "evacuation", "status": "done"} | what)
    database = DatabaseFacts(evacuations=(migration,) if of_rows else (), all_cells=all_cells)
    seen = view(migrations=(migration,), databases={"node1": database})

    assert bool(sliced(seen).evacuations) is (found and counts)


HV = "hv1.example.org"


@pytest.mark.parametrize(
    ("what", "asked", "found"),
    [
        ({}, {}, ["dead"]),
        ({}, {"aliases": frozenset({HV})}, []),
        ({"services": (service(), service(HV))}, {}, []),
        ({"compute_nodes": (node(), node("node2", uuid="n2", hypervisor_hostname=HV))}, {}, []),
    ],
    ids=["of this host only", "given as alias", "a host of that name", "another host's too"],
)
def test_dead_agents_under_the_hypervisor_s_name_are_found(what, asked, found):
    """Unless the name is another host's too; under an alias they are the host's agents."""
    agents = (
        build.agent(id="dead", host=HV),
        build.agent(id="alive", host=HV, alive=True),
        build.agent(id="own"),
    )
    memory = Memory(HostIdentity(names=frozenset({"node1", HV})))

    seen = replace(view(), registrars=build.agent_reading(*agents), **what)
    facts = sliced(seen, memory=memory, asked=request(**asked))

    assert [a.id for a in agents_of(facts).by_hypervisor] == found
    assert "own" in [a.id for a in agents_of(facts).own]


def test_a_fleet_knows_the_hypervisors_that_have_other_names():
    """For telling that a name is not a host's but its hypervisor's."""
    nodes = (node(), node("node2", uuid="n2", hypervisor_hostname=HV))

    assert replace(view(), compute_nodes=nodes).fleet.hosts_by_hypervisor == {HV: ("node2",)}
