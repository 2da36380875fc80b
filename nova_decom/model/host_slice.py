# SPDX-License-Identifier: Apache-2.0
"""The facts of one host, sliced from the readings of the whole cloud. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    ComputeNode,
    ComputeService,
    Migration,
    Server,
    distinct,
)
from nova_decom.model.copies import replace
from nova_decom.model.heartbeat import Heartbeat
from nova_decom.model.host import HostFacts, HostIdentity
from nova_decom.model.machine import Machine, SystemdUnit
from nova_decom.model.own_providers import (
    own_providers,
    same_name_providers_of,
)
from nova_decom.model.request import Request
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.snapshot import (
    CloudSnapshot,
)


@dataclass(frozen=True, slots=True)
class Memory:
    """Facts of a host that earlier runs and earlier readings of this run have left."""

    identity: HostIdentity = field(default_factory=HostIdentity)
    heartbeats: Mapping[str, Heartbeat] = field(default_factory=dict)
    unit: SystemdUnit | None = None
    machine: Machine | None = None
    is_known: bool = False
    is_named: bool = False

    def heartbeats_of(self, services: Iterable[ComputeService]) -> tuple[Heartbeat, ...]:
        """The heartbeats of these services that were read."""
        return tuple(self.heartbeats[s.id] for s in services if s.id and s.id in self.heartbeats)


def host_facts(view: CloudSnapshot, host: str, request: Request, memory: Memory) -> HostFacts:
    """The facts of exactly this host."""
    services = view.services_of.get(host, ())
    nodes = view.nodes_of.get(host, ())
    database = None if view.databases is None else view.databases.get(host, DatabaseFacts())
    identity = memory.identity.union(identity_of(host, nodes, database, request.aliases))
    providers = own_providers(view, host, identity)
    present = request.aliases.union({host}, (n.hypervisor_hostname for n in nodes))
    facts = HostFacts(
        host=host,
        request=request,
        services=services,
        compute_nodes=nodes,
        servers=view.servers_of.get(host, ()),
        migrations=view.migrations_of.get(host, ()),
        ended=tuple(_newest_ended(view, view.servers_of.get(host, ()))),
        aggregates=view.aggregates_of.get(host, ()),
        providers=providers,
        same_name_providers=same_name_providers_of(view, providers, present),
        allocations=tuple(a for p in providers for a in view.allocations_of.get(p.uuid, ())),
        database=database,
        groups=view.groups,
        rooms=view.rooms,
        nova=view.nova,
        fitting=view.fitting,
        images=view.images,
        ports=view.ports,
        with_shares=view.with_shares,
        evacuations=tuple(_evacuations(view, host, database)),
        identity=identity,
        fleet=view.fleet,
        unchecked=tuple(_unchecked(services, database, memory.unit)),
    )
    return _with_memory(facts, memory)


def _with_memory(facts: HostFacts, memory: Memory) -> HostFacts:
    return replace(
        facts,
        heartbeats=memory.heartbeats_of(facts.services),
        unit=memory.unit,
        machine=memory.machine,
        was_known=memory.is_known,
        was_named=memory.is_named,
    )


def _evacuations(
    view: CloudSnapshot, host: str, database: DatabaseFacts | None
) -> Iterator[Migration]:
    """The evacuations from the host that are open; the API lists those of deleted servers too."""
    rows = database.evacuations if database else ()
    found = rows if database and database.all_cells else distinct((*view.migrations, *rows))
    return (m for m in found if m.is_open_evacuation(host))


def _newest_ended(view: CloudSnapshot, servers: Iterable[Server]) -> Iterator[Migration]:
    """The newest migration of each of ``servers``, where it is over."""
    for server in servers:
        newest = max(view.migrations_by_server.get(server.id, ()), key=_begun, default=None)
        if newest is not None and newest.is_over:
            yield newest


def _begun(migration: Migration) -> tuple[str, int]:
    """The order in which migrations began; ids are unique within a cell only."""
    return migration.created_at or "", migration.id


def _unchecked(
    services: tuple[ComputeService, ...],
    database: DatabaseFacts | None,
    unit: SystemdUnit | None,
) -> Iterator[str]:
    if database is None:
        yield "databases: not given"
    elif not database.all_cells:
        yield "host mapping, aggregate rows and other cells: no API database given"
    seen_off = unit is not None and unit.reached and unit.is_off
    if not seen_off and not any(s.binary == NOVA_COMPUTE for s in services):
        also = "" if unit is None or unit.reached else ", and ssh did not reach it"
        yield f"whether nova-compute still runs on the host: it has no service record{also}"


def identity_of(
    host: str,
    nodes: tuple[ComputeNode, ...],
    database: DatabaseFacts | None,
    aliases: frozenset[str] = frozenset(),
) -> HostIdentity:
    """The names and compute node uuids of a host that the readings show, and its aliases."""
    rows = [r for r in (database.compute_nodes if database else ()) if r.host == host]
    uuids = [n.uuid for n in nodes] + [r.uuid for r in rows if r.uuid]
    names = [n.hypervisor_hostname for n in nodes] + [r.hypervisor_hostname for r in rows]
    return HostIdentity(frozenset(uuids), frozenset([host, *names]) | aliases)
