# SPDX-License-Identifier: Apache-2.0
"""Bulk readings of the cloud, and the facts of one host cut out of them.

A :class:`CloudSnapshot` holds bulk readings. Slicing it for a host is pure, exact and
case-sensitive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    Aggregate,
    Allocation,
    ComputeNode,
    ComputeService,
    HostCapacity,
    Migration,
    NetworkAgent,
    ResourceProvider,
    Server,
    ServerGroup,
)
from nova_decom.model.host import Fleet, Heartbeat, HostFacts, HostIdentity
from nova_decom.model.machine import Machine, SystemdUnit
from nova_decom.model.request import Request
from nova_decom.model.rows import ComputeNodeRow, DatabaseFacts

K = TypeVar("K")
V = TypeVar("V")


def grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, tuple[V, ...]]:
    """An index: key -> its values, in their order."""
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}


@dataclass(frozen=True)
class CloudSnapshot:
    """Bulk readings of the cloud; ``databases`` is None when none is configured.

    Per-host indexes are built lazily, so that cutting out thousands of hosts stays linear.
    """

    services: tuple[ComputeService, ...] = ()
    compute_nodes: tuple[ComputeNode, ...] = ()
    servers: tuple[Server, ...] = ()
    migrations: tuple[Migration, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    providers: tuple[ResourceProvider, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    agents: tuple[NetworkAgent, ...] = ()
    groups: tuple[ServerGroup, ...] = ()
    rooms: tuple[HostCapacity, ...] | None = None
    databases: Mapping[str, DatabaseFacts] | None = None
    #: Compute node (uuid) -> the hosts that have a live row of it in any cell, of those nodes that
    #: were asked for because of their providers.
    owners: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()

    @cached_property
    def services_of(self) -> Mapping[str, tuple[ComputeService, ...]]:
        """Host -> its services."""
        return grouped((s.host, s) for s in self.services)

    @cached_property
    def nodes_of(self) -> Mapping[str, tuple[ComputeNode, ...]]:
        """Host -> its compute nodes."""
        return grouped((n.host, n) for n in self.compute_nodes)

    @cached_property
    def servers_of(self) -> Mapping[str, tuple[Server, ...]]:
        """Host -> the servers on it."""
        return grouped((s.host, s) for s in self.servers)

    @cached_property
    def migrations_of(self) -> Mapping[str | None, tuple[Migration, ...]]:
        """Host -> migrations to or from it that are not over."""
        alive = [m for m in self.migrations if not m.is_over]
        return grouped((host, m) for m in alive for host in {m.source, m.destination})

    @cached_property
    def migrations_by_server(self) -> Mapping[str, tuple[Migration, ...]]:
        """Server -> its migrations, over or not, as far as they were read."""
        return grouped((m.server, m) for m in self.migrations)

    @cached_property
    def aggregates_of(self) -> Mapping[str, tuple[Aggregate, ...]]:
        """Host -> the aggregates that name it."""
        return grouped((host, a) for a in self.aggregates for host in dict.fromkeys(a.hosts))

    @cached_property
    def agents_of(self) -> Mapping[str, tuple[NetworkAgent, ...]]:
        """Host -> its network agents."""
        return grouped((a.host, a) for a in self.agents)

    @cached_property
    def allocations_of(self) -> Mapping[str, tuple[Allocation, ...]]:
        """Provider -> its allocations."""
        return grouped((a.provider, a) for a in self.allocations)

    @cached_property
    def trees(self) -> Mapping[str, tuple[ResourceProvider, ...]]:
        """Root -> all providers of its tree."""
        return grouped((p.root, p) for p in self.providers)

    @cached_property
    def roots(self) -> Mapping[str, ResourceProvider]:
        """Root (uuid) -> itself, in the order of the providers."""
        return {p.uuid: p for p in self.providers if p.uuid == p.root}

    @cached_property
    def roots_named(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> the roots (uuid) that have it."""
        return grouped((p.name, uuid) for uuid, p in self.roots.items())

    @cached_property
    def hosts_of_node(self) -> Mapping[str, tuple[str, ...]]:
        """Compute node (uuid) -> its hosts; nova keeps uuids apart within a cell only."""
        owned = ((uuid, host) for uuid, hosts in self.owners.items() for host in hosts)
        return grouped((*((n.uuid, n.host) for n in self.compute_nodes), *owned))


@dataclass(frozen=True, slots=True)
class Memory:
    """Facts of a host that earlier runs and earlier readings of this run have left."""

    identity: HostIdentity = field(default_factory=HostIdentity)
    heartbeats: Mapping[str, Heartbeat] = field(default_factory=dict)
    unit: SystemdUnit | None = None
    machine: Machine | None = None
    is_known: bool = False
    is_named: bool = False


def fleet_of(view: CloudSnapshot) -> Fleet:
    """The facts that all hosts of a snapshot share; made once for many of them."""
    by_hypervisor = grouped(
        (n.hypervisor_hostname, n.host)
        for n in view.compute_nodes
        if n.hypervisor_hostname != n.host
    )
    return Fleet(view.services, _names(view), view.aggregates, by_hypervisor)


def host_facts(
    view: CloudSnapshot, host: str, request: Request, memory: Memory, fleet: Fleet | None = None
) -> HostFacts:
    """The facts of exactly this host."""
    services = view.services_of.get(host, ())
    nodes = view.nodes_of.get(host, ())
    database = None if view.databases is None else view.databases.get(host, DatabaseFacts())
    identity = memory.identity.union(identity_of(host, nodes, database))
    identity = identity.union(HostIdentity(names=request.aliases))
    aliases = request.aliases - {host}
    providers = own_providers(view, host, identity)
    owned = frozenset(p.uuid for p in providers)
    present = [n.hypervisor_hostname for n in nodes]
    return HostFacts(
        host=host,
        request=request,
        services=services,
        compute_nodes=nodes,
        servers=view.servers_of.get(host, ()),
        migrations=view.migrations_of.get(host, ()),
        ended=tuple(_newest_ended(view, view.servers_of.get(host, ()))),
        aggregates=view.aggregates_of.get(host, ()),
        providers=providers,
        same_name_providers=_same_name_providers(
            view, owned, frozenset({host, *present}) | request.aliases
        ),
        allocations=tuple(a for p in providers for a in view.allocations_of.get(p.uuid, ())),
        agents=tuple(a for h in (host, *sorted(aliases)) for a in view.agents_of.get(h, ())),
        agents_by_hypervisor=tuple(
            agent
            for name in sorted(identity.names - aliases - {host})
            if not _is_of_another(view, name, host)
            for agent in view.agents_of.get(name, ())
            if not agent.alive
        ),
        database=database,
        groups=view.groups,
        rooms=view.rooms,
        heartbeats=tuple(
            memory.heartbeats[s.id] for s in services if s.id and s.id in memory.heartbeats
        ),
        unit=memory.unit,
        machine=memory.machine,
        identity=identity,
        fleet=fleet or fleet_of(view),
        was_known=memory.is_known,
        was_named=memory.is_named,
        unchecked=tuple(_unchecked(view, services, database, memory.unit)),
    )


def _newest_ended(view: CloudSnapshot, servers: Iterable[Server]) -> Iterator[Migration]:
    """The newest migration of each of ``servers``, where it is over."""
    for server in servers:
        newest = max(view.migrations_by_server.get(server.id, ()), key=_begun, default=None)
        if newest is not None and newest.is_over:
            yield newest


def _begun(migration: Migration) -> tuple[str, int]:
    """The order in which migrations began; ids are unique within a cell only."""
    return migration.created_at or "", migration.id


def _is_of_another(view: CloudSnapshot, name: str, host: str) -> bool:
    """True when a name is another host's, or the hypervisor hostname of one."""
    return name in view.services_of or any(
        n.hypervisor_hostname == name and n.host != host for n in view.compute_nodes
    )


def _unchecked(
    view: CloudSnapshot,
    services: tuple[ComputeService, ...],
    database: DatabaseFacts | None,
    unit: SystemdUnit | None,
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
) -> HostIdentity:
    """The names and compute node uuids of a host that the readings show."""
    rows = [r for r in (database.compute_nodes if database else ()) if r.host == host]
    uuids = [n.uuid for n in nodes] + [r.uuid for r in rows if r.uuid]
    names = [n.hypervisor_hostname for n in nodes] + [r.hypervisor_hostname for r in rows]
    return HostIdentity(frozenset(uuids), frozenset([host, *names]))


def own_providers(
    view: CloudSnapshot, host: str, identity: HostIdentity
) -> tuple[ResourceProvider, ...]:
    """The trees whose root has the uuid of the host's compute node or exactly its name.

    A root that is the compute node of another host too is never ours, whatever its name.
    """
    possible = sorted(possible_roots(view, (identity,)))
    own = [uuid for uuid in possible if not _has_another(view, uuid, host, identity)]
    return tuple(p for root in own for p in view.trees[root])


def _has_another(view: CloudSnapshot, uuid: str, host: str, identity: HostIdentity) -> bool:
    """Whether it is the compute node of another host, alone or too.

    One of our own names under which no nova-compute is left is no other host.
    """
    others = [owner for owner in view.hosts_of_node.get(uuid, ()) if owner != host]
    return any(
        owner not in identity.names
        or any(s.binary == NOVA_COMPUTE for s in view.services_of.get(owner, ()))
        for owner in others
    )


def possible_roots(view: CloudSnapshot, identities: Iterable[HostIdentity]) -> frozenset[str]:
    """Roots (uuid) that are one of these hosts', unless they are another host's compute node."""
    found: set[str] = set()
    for identity in identities:
        found |= _named_roots(view, identity.names) | (identity.node_uuids & view.roots.keys())
    return frozenset(found)


def _named_roots(view: CloudSnapshot, names: frozenset[str]) -> frozenset[str]:
    """Roots (uuid) that have exactly one of these names."""
    return frozenset(uuid for name in names for uuid in view.roots_named.get(name, ()))


def _same_name_providers(
    view: CloudSnapshot, own: frozenset[str], names: frozenset[str]
) -> tuple[ResourceProvider, ...]:
    """Roots that have one of the host's present names and are not its own (uuids)."""
    return tuple(view.roots[uuid] for uuid in sorted(_named_roots(view, names) - own))


def nodes_in_rows(view: CloudSnapshot, rows: Iterable[ComputeNodeRow]) -> tuple[ComputeNode, ...]:
    """The compute nodes that the API shows: live rows of hosts that have a nova-compute.

    The API also hides those of hosts without host mapping: here they are seen.
    """
    hosts = set(compute_hosts(view))
    return tuple(
        ComputeNode(r.uuid, r.host, r.hypervisor_hostname, r.hypervisor_type)
        for r in rows
        if r.uuid and r.host in hosts and not r.deleted
    )


def _names(view: CloudSnapshot) -> frozenset[str]:
    """Every name that is a host's; for guessing what somebody meant."""
    return frozenset(
        [s.host for s in view.services]
        + [n.host for n in view.compute_nodes]
        + [h for a in view.aggregates for h in a.hosts]
    )


def compute_hosts(view: CloudSnapshot) -> tuple[str, ...]:
    """The hosts of all nova-compute services, sorted."""
    return tuple(sorted({s.host for s in view.services if s.binary == NOVA_COMPUTE}))
