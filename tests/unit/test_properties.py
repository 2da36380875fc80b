# SPDX-License-Identifier: Apache-2.0
"""What holds for facts that nobody thought of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    Aggregate,
    Allocation,
    ComputeNode,
    ComputeService,
    Owner,
    ResourceProvider,
)
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Request, Rows, StopWith
from nova_decom.model.rows import (
    AggregateHostRow,
    ComputeNodeRow,
    DatabaseFacts,
    HostMappingRow,
    PciDeviceRow,
    ServiceRow,
)
from nova_decom.plan.leftovers import leftovers
from nova_decom.plan.planner import make_plan
from nova_decom.registrars.network_agents import NetworkAgent, agents_of
from nova_decom.steps import PROCEDURE
from tests.unit import build

HOST = "node1"
HOSTS = st.sampled_from([HOST, "NODE1", "node10", "node1.example.org"])
BINARIES = st.sampled_from([NOVA_COMPUTE, "nova-conductor", "nova-scheduler"])
NUMBERS = st.integers(1, 40)
DELETED = st.sampled_from([0, 1, 7])


def uuids(kind: str) -> st.SearchStrategy[str]:
    return NUMBERS.map(lambda number: f"{kind}-{number}")


def several(strategy, key, most=4):
    return st.lists(strategy, max_size=most, unique_by=key).map(tuple)


SERVICES = several(
    st.builds(
        lambda binary, status, state: ComputeService(
            f"service-of-{binary}", binary, HOST, status=status, state=state
        ),
        BINARIES,
        st.sampled_from(["enabled", "disabled"]),
        st.sampled_from(["up", "down"]),
    ),
    key=lambda s: s.binary,
)
NODES = several(
    st.builds(
        ComputeNode, uuid=uuids("node"), host=st.just(HOST), hypervisor_hostname=st.just(HOST)
    ),
    key=lambda n: n.uuid,
    most=2,
)
TREE = st.builds(
    lambda numbers: tuple(
        ResourceProvider(
            f"node-{n}", f"{HOST}-{n}", f"node-{numbers[0]}", f"node-{p}" if p else None
        )
        for n, p in zip(numbers, (0, *numbers), strict=False)
    ),
    st.lists(NUMBERS, min_size=0, max_size=4, unique=True).map(tuple),
)
ROWS_OF_SERVICES = several(
    st.builds(
        ServiceRow, id=NUMBERS, uuid=uuids("service"), host=HOSTS, binary=BINARIES, deleted=DELETED
    ),
    key=lambda r: r.id,
)
ROWS_OF_NODES = several(
    st.builds(
        ComputeNodeRow,
        id=NUMBERS,
        uuid=uuids("node"),
        host=HOSTS,
        hypervisor_hostname=HOSTS,
        service_id=st.none() | NUMBERS,
        deleted=DELETED,
        mapped=st.integers(0, 1),
    ),
    key=(lambda r: r.id, lambda r: r.uuid),
)
PCI = several(
    st.builds(
        PciDeviceRow,
        id=NUMBERS,
        compute_node_id=NUMBERS,
        address=st.just("0000:00:01.0"),
        status=st.just("available"),
        instance_uuid=st.none(),
        deleted=DELETED,
    ),
    key=lambda r: r.id,
)
DATABASES = st.none() | st.builds(
    DatabaseFacts,
    cell=st.sampled_from([None, "cell1"]),
    host_mapping=st.none() | st.builds(HostMappingRow, id=NUMBERS, cell=st.just("uuid")),
    aggregate_hosts=several(
        st.builds(AggregateHostRow, id=NUMBERS, aggregate_id=NUMBERS), key=lambda r: r.id
    ),
    services=ROWS_OF_SERVICES,
    compute_nodes=ROWS_OF_NODES,
    pci_devices=PCI,
    nodes_needed=st.sampled_from([{}, {"cell1": 1}]),
)
FACTS = st.builds(
    HostFacts,
    host=st.just(HOST),
    request=st.builds(
        Request,
        stop_with=st.sampled_from(StopWith),
        offline=st.booleans(),
        rows=st.sampled_from(Rows),
        all_binaries=st.booleans(),
        keep_agents=st.booleans(),
    ),
    services=SERVICES,
    compute_nodes=NODES,
    aggregates=several(
        st.builds(Aggregate, id=NUMBERS, name=st.just("a"), hosts=st.just((HOST,))),
        key=lambda a: a.id,
    ),
    providers=TREE,
    registrars=several(
        st.builds(
            NetworkAgent,
            id=uuids("agent"),
            binary=st.just("agent"),
            agent_type=st.just("Agent"),
            host=st.just(HOST),
            alive=st.booleans(),
            refused=st.booleans(),
        ),
        key=lambda a: a.id,
    ).map(lambda found: build.agents(*found)),
    database=DATABASES,
)


@st.composite
def all_facts(draw: st.DrawFn) -> HostFacts:
    """Facts, with allocations of the providers that the host has."""
    facts = draw(FACTS)
    if not facts.providers:
        return facts
    held = st.builds(
        Allocation,
        provider=st.sampled_from([p.uuid for p in facts.providers]),
        consumer=uuids("consumer"),
        owner=st.sampled_from(Owner),
    )
    return replace(facts, allocations=draw(several(held, key=lambda a: a.consumer)))


@settings(max_examples=100, deadline=None)
@given(all_facts())
def test_no_change_is_about_another_host(facts: HostFacts) -> None:
    """Every target is an id of this host; every row that is written names exactly this host."""
    services = {s.id for s in facts.services}
    nodes = {n.uuid for n in facts.compute_nodes}
    providers = {p.uuid for p in facts.providers}
    consumers = {a.consumer for a in facts.allocations}
    agents = {a.id for a in agents_of(facts).own}
    database = facts.database or DatabaseFacts()
    nodes |= {r.uuid for r in database.compute_nodes if r.host == HOST and not r.deleted}
    own = {r.id for r in (*database.services, *database.compute_nodes) if r.host == HOST}
    foreign = {r.id for r in database.compute_nodes if r.host != HOST}
    pci = {p.id for p in database.pci_devices if p.compute_node_id not in foreign}
    registered = {r.id for r in database.aggregate_hosts}
    registered |= {database.host_mapping.id} if database.host_mapping else set()

    for change in make_plan(facts).changes:
        if change.transaction is None:
            known = services | nodes | providers | consumers | agents | {HOST}
            assert change.target in known
            continue
        for statement in change.transaction.writes:
            ids = {p for p in statement.params if isinstance(p, int)}
            assert ids <= own | pci | registered
            assert HOST in statement.params or "pci_devices" in statement.sql


@settings(max_examples=100, deadline=None)
@given(all_facts())
def test_a_plan_leads_to_where_nothing_is_to_be_planned(facts: HostFacts) -> None:
    """Whatever the host looks like."""
    assert make_plan(make_plan(facts).result).changes == ()


@settings(max_examples=100, deadline=None)
@given(all_facts())
def test_steps_are_idempotent(facts: HostFacts) -> None:
    """A change that was made is not asked for again, and made twice it changes nothing more."""
    for step in PROCEDURE:
        for change in tuple(step.changes(facts)):
            facts = step.after(change, facts)
            assert change.key not in {c.key for c in step.changes(facts)}


@settings(max_examples=100, deadline=None)
@given(all_facts())
def test_whatever_would_be_changed_is_seen(facts: HostFacts) -> None:
    """Verification cannot overlook what a plan would do."""
    if make_plan(facts).changes:
        assert leftovers(facts)
