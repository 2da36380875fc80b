# SPDX-License-Identifier: Apache-2.0
"""From what the clients read of the whole cloud to the facts of one host.

A :class:`View` holds bulk readings; slicing it for a host is pure, exact and case-sensitive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from nova_decom.model import (
    NOVA_COMPUTE,
    Aggregate,
    Allocation,
    ComputeNode,
    ComputeNodeRow,
    ComputeService,
    DatabaseFacts,
    Fleet,
    Heartbeat,
    HostFacts,
    Identity,
    Migration,
    NetworkAgent,
    Request,
    ResourceProvider,
    Room,
    Server,
    ServerGroup,
    Unit,
)


@dataclass(frozen=True, slots=True)
class View:
    """Bulk readings of the cloud; ``databases`` is None when none is configured."""

    services: tuple[ComputeService, ...] = ()
    compute_nodes: tuple[ComputeNode, ...] = ()
    servers: tuple[Server, ...] = ()
    migrations: tuple[Migration, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    providers: tuple[ResourceProvider, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    agents: tuple[NetworkAgent, ...] = ()
    groups: tuple[ServerGroup, ...] = ()
    rooms: tuple[Room, ...] | None = None
    databases: Mapping[str, DatabaseFacts] | None = None
    #: Compute node (uuid) -> its host, of those that were asked for because of their providers.
    owners: Mapping[str, str] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of a host from before: earlier runs, and the looks of this one."""

    identity: Identity = field(default_factory=Identity)
    heartbeats: Mapping[str, Heartbeat] = field(default_factory=dict)
    unit: Unit | None = None
    is_known: bool = False


def fleet_of(view: View) -> Fleet:
    """What all hosts of a view have in common; made once for many of them."""
    return Fleet(view.services, _names(view), view.aggregates)


def host_facts(
    view: View, host: str, request: Request, memory: Memory, fleet: Fleet | None = None
) -> HostFacts:
    """The facts of exactly this host."""
    services = tuple(s for s in view.services if s.host == host)
    nodes = tuple(n for n in view.compute_nodes if n.host == host)
    database = None if view.databases is None else view.databases.get(host, DatabaseFacts())
    identity = memory.identity.union(identity_of(host, nodes, database))
    identity = identity.union(Identity(names=request.aliases))
    providers = own_providers(view, host, identity)
    owned = frozenset(p.uuid for p in providers)
    return HostFacts(
        host=host,
        request=request,
        services=services,
        compute_nodes=nodes,
        servers=tuple(s for s in view.servers if s.host == host),
        migrations=tuple(
            m for m in view.migrations if not m.is_over and host in {m.source, m.destination}
        ),
        aggregates=tuple(a for a in view.aggregates if host in a.hosts),
        providers=providers,
        namesakes=_namesakes(view, owned, identity),
        allocations=tuple(a for a in view.allocations if a.provider in owned),
        agents=tuple(a for a in view.agents if a.host in {host, *request.aliases}),
        database=database,
        groups=view.groups,
        rooms=view.rooms,
        heartbeats=tuple(
            memory.heartbeats[s.id] for s in services if s.id and s.id in memory.heartbeats
        ),
        unit=memory.unit,
        identity=identity,
        fleet=fleet or fleet_of(view),
        was_known=memory.is_known,
        unchecked=tuple(_unchecked(view, services, database, memory.unit)),
    )


def _unchecked(
    view: View,
    services: tuple[ComputeService, ...],
    database: DatabaseFacts | None,
    unit: Unit | None,
) -> Iterator[str]:
    yield from view.unchecked
    if database is None:
        yield "databases: not given"
    elif not database.all_cells:
        yield "host mapping, aggregate rows and other cells: no API database given"
    seen_off = unit is not None and unit.reached and unit.is_off
    if not seen_off and not any(s.binary == NOVA_COMPUTE for s in services):
        also = "" if unit is None or unit.reached else ", and ssh did not reach it"
        yield f"whether nova-compute still runs on the host: no service would tell{also}"


def identity_of(
    host: str, nodes: tuple[ComputeNode, ...], database: DatabaseFacts | None
) -> Identity:
    """The names and compute node uuids of a host that the readings show."""
    rows = [r for r in (database.compute_nodes if database else ()) if r.host == host]
    uuids = [n.uuid for n in nodes] + [r.uuid for r in rows if r.uuid]
    names = [n.hypervisor_hostname for n in nodes] + [r.hypervisor_hostname for r in rows]
    return Identity(frozenset(uuids), frozenset([host, *names]))


def own_providers(view: View, host: str, identity: Identity) -> tuple[ResourceProvider, ...]:
    """The trees whose root has the uuid of the host's compute node or exactly its name.

    A root that is the compute node of another host is never ours, whatever its name.
    """
    foreign = {n.uuid for n in view.compute_nodes if n.host != host}
    foreign |= {uuid for uuid, owner in view.owners.items() if owner != host}
    roots = {
        p.uuid
        for p in view.providers
        if p.uuid == p.root
        and p.uuid not in foreign
        and (p.uuid in identity.node_uuids or p.name in identity.names)
    }
    return tuple(p for p in view.providers if p.root in roots)


def _namesakes(
    view: View, own: frozenset[str], identity: Identity
) -> tuple[ResourceProvider, ...]:
    """Roots that have a name of the host and are not its own (uuids)."""
    return tuple(
        p
        for p in view.providers
        if p.uuid == p.root and p.uuid not in own and p.name in identity.names
    )


def nodes_in_rows(view: View, rows: Iterable[ComputeNodeRow]) -> tuple[ComputeNode, ...]:
    """The compute nodes that the API would show: live rows of hosts that have a service."""
    hosts = set(compute_hosts(view))
    return tuple(
        ComputeNode(r.uuid, r.host, r.hypervisor_hostname, r.hypervisor_type)
        for r in rows
        if r.uuid and r.host in hosts and not r.deleted
    )


def doubtful_roots(view: View, identities: Mapping[str, Identity]) -> frozenset[str]:
    """Roots (uuids) that would be one of these hosts' if they are no other host's compute node."""
    names = {name for identity in identities.values() for name in identity.names}
    uuids = {uuid for identity in identities.values() for uuid in identity.node_uuids}
    own = {n.uuid for n in view.compute_nodes if n.host in identities}
    return frozenset(
        p.uuid
        for p in view.providers
        if p.uuid == p.root and p.uuid not in own and (p.uuid in uuids or p.name in names)
    )


def _names(view: View) -> frozenset[str]:
    """Every name that is a host's; for guessing what somebody meant."""
    return frozenset(
        [s.host for s in view.services]
        + [n.host for n in view.compute_nodes]
        + [h for a in view.aggregates for h in a.hosts]
    )


def compute_hosts(view: View) -> tuple[str, ...]:
    """The hosts of all nova-compute services, sorted."""
    return tuple(sorted({s.host for s in view.services if s.binary == "nova-compute"}))
