# SPDX-License-Identifier: Apache-2.0
"""Properties of whole clouds: two cells, two spellings of a name, twins by case, flights."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    Aggregate,
    Allocation,
    ComputeNode,
    ComputeService,
    Migration,
    Owner,
    ResourceProvider,
    Server,
)
from nova_decom.model.host_slice import Memory, host_facts
from nova_decom.model.report import Result
from nova_decom.model.request import Request, Servers, StopWith
from nova_decom.model.rows import ComputeNodeRow, DatabaseFacts, HostMappingRow, ServiceRow
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.plan.planner import make_plan
from nova_decom.registrars import with_registrars
from nova_decom.registrars.network_agents import NetworkAgent
from nova_decom.verify.verify import verify
from tests.unit.build import agent_reading

NAMES = ("node1", "NODE1", "node1.example.org", "node10")
LIVING, DEAD, TRACES, ABSENT = "living", "dead", "traces only", "absent"
STATES = st.sampled_from([LIVING, DEAD, TRACES, ABSENT])
CELLS = ("cell1", "cell2")


@dataclass(frozen=True)
class Host:
    """One host of the cloud, as hypothesis draws it."""

    name: str
    state: str
    cell: str
    has_provider: bool
    has_agent: bool
    in_aggregate: bool
    provider_name: str
    migrating: str | None
    allocated: Owner | None

    @property
    def lives(self) -> bool:
        """True when its nova-compute is up."""
        return self.state == LIVING

    @property
    def node(self) -> str:
        """The uuid of its compute node and of its resource provider."""
        return f"node-of-{self.name}"


HOSTS = st.tuples(
    *(
        st.builds(
            Host,
            name=st.just(name),
            state=STATES,
            cell=st.sampled_from(CELLS),
            has_provider=st.booleans(),
            has_agent=st.booleans(),
            in_aggregate=st.booleans(),
            provider_name=st.sampled_from([name, f"{name}.internal", *NAMES]),
            migrating=st.none() | st.sampled_from(["finished", "running (post-copy)", "queued"]),
            allocated=st.none() | st.sampled_from(Owner),
        )
        for name in NAMES
    )
)
REQUESTS = st.builds(
    Request,
    stop_with=st.sampled_from(StopWith),
    offline=st.booleans(),
    all_binaries=st.booleans(),
    keep_agents=st.booleans(),
    servers=st.sampled_from([Servers.REFUSE, Servers.AUTO]),
)


def services(hosts):
    """A nova-compute for each host that is registered."""
    return tuple(
        ComputeService(
            f"service-of-{h.name}", NOVA_COMPUTE, h.name, state="up" if h.lives else "down"
        )
        for h in hosts
        if h.state in {LIVING, DEAD}
    )


def migrations(hosts):
    """One flight of each host that has one; the integer ids of two cells are the same."""
    return tuple(
        Migration(
            5,
            f"migration-of-{h.name}",
            f"server-of-{h.name}",
            h.migrating,
            "resize",
            h.name,
            "elsewhere",
        )
        for h in hosts
        if h.migrating and h.state in {LIVING, DEAD}
    )


def database(host):
    """The rows of a host that is registered; ids are those of its own cell."""
    if host.state not in {LIVING, DEAD}:
        return DatabaseFacts()
    service = ServiceRow(7, f"service-of-{host.name}", host.name, NOVA_COMPUTE, 0, cell=host.cell)
    node = ComputeNodeRow(9, host.node, host.name, host.name, None, 0, cell=host.cell)
    return DatabaseFacts(
        cell=host.cell,
        cells_naming_host=(host.cell,),
        host_mapping=HostMappingRow(NAMES.index(host.name), f"uuid-of-{host.cell}"),
        services=(service,),
        compute_nodes=(node,),
        active_migrations=migrations([host]),
    )


def cloud(hosts, *, databases):
    """All hosts in one cloud; placement has each provider name once."""
    known = [h for h in hosts if h.state != ABSENT]
    providers = {}
    for host in known:
        if host.has_provider and host.provider_name not in providers:
            providers[host.provider_name] = ResourceProvider(
                host.node, host.provider_name, host.node
            )
    allocations = [
        Allocation(h.node, f"consumer-of-{h.name}", (("VCPU", 1),), h.allocated)
        for h in known
        if h.allocated and any(p.uuid == h.node for p in providers.values())
    ]
    return CloudSnapshot(
        services=services(known),
        compute_nodes=tuple(
            ComputeNode(h.node, h.name, h.name) for h in known if h.state in {LIVING, DEAD}
        ),
        servers=tuple(
            Server(f"server-of-{h.name}", "vm", h.name, "VERIFY_RESIZE")
            for h in known
            if h.migrating and h.state in {LIVING, DEAD}
        ),
        migrations=migrations(known),
        aggregates=(Aggregate(1, "all", tuple(h.name for h in known if h.in_aggregate)),),
        providers=tuple(providers.values()),
        allocations=tuple(allocations),
        registrars=agent_reading(
            *(
                NetworkAgent(f"agent-of-{h.name}", "agent", "Agent", h.name, h.lives)
                for h in known
                if h.has_agent
            )
        ),
        databases={h.name: database(h) for h in hosts} if databases else None,
        owners={h.node: frozenset({h.name}) for h in known if h.state in {LIVING, DEAD}},
    )


def facts_of(view, host, request, memory=None):
    """The facts of one host, with those of the registrars."""
    return with_registrars(host_facts(view, host, request, memory or Memory()), view)


def belongings(host):
    """The ids of all that belongs to a host."""
    kinds = ("service", "node", "server", "migration", "agent", "consumer")
    return {f"{kind}-of-{host.name}" for kind in kinds} | {host.name}


@settings(max_examples=60, deadline=None)
@given(HOSTS, REQUESTS, st.booleans())
def test_no_change_targets_what_belongs_to_another_living_host(hosts, request, databases):
    """Whatever names, cells and flights the other hosts have."""
    view = cloud(hosts, databases=databases)
    for host in hosts:
        plan = make_plan(facts_of(view, host.name, request))
        others = [other for other in hosts if other is not host and other.lives]
        foreign = set().union(*map(belongings, others)) - {host.name}
        for change in () if plan.blocked else plan.changes:
            assert change.target not in foreign
            for statement in change.transaction.writes if change.transaction else ():
                assert not foreign & {p for p in statement.params if isinstance(p, str)}


@settings(max_examples=60, deadline=None)
@given(HOSTS, REQUESTS, st.booleans())
def test_no_host_is_clean_while_anything_names_it(hosts, request, databases):
    """An empty list counts as none only where nothing else names the host."""
    view = cloud(hosts, databases=databases)
    for host in hosts:
        report = verify(facts_of(view, host.name, request, Memory(is_known=True)))
        if report.result is Result.CLEAN:
            assert host.state in {TRACES, ABSENT}
            assert host.name not in {h for a in view.aggregates for h in a.hosts}
            nodes = {n.uuid for n in view.compute_nodes}
            named = {p.name for p in view.providers if p.uuid not in nodes}
            (reading,) = view.registrars.values()
            assert host.name not in named
            assert request.keep_agents or host.name not in reading.of


@settings(max_examples=40, deadline=None)
@given(HOSTS, st.booleans())
def test_a_flight_of_the_host_blocks_though_another_cell_has_its_id(hosts, databases):
    """Both cells have a migration 5: neither hides the other."""
    view = cloud(hosts, databases=databases)
    for host in hosts:
        plan = make_plan(host_facts(view, host.name, Request(), Memory()))
        flies = bool(host.migrating) and host.state in {LIVING, DEAD}
        assert ("migrations-active" in {f.guard for f in plan.blocked}) == flies
