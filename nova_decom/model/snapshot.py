# SPDX-License-Identifier: Apache-2.0
"""Bulk readings of the cloud, and the facts of one host cut out of them.

A :class:`CloudSnapshot` holds bulk readings. Slicing it for a host is pure, exact and
case-sensitive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    Aggregate,
    Allocation,
    ComputeNode,
    ComputeService,
    HostCapacity,
    Migration,
    Port,
    ResourceProvider,
    Server,
    ServerGroup,
)
from nova_decom.model.host import Fleet
from nova_decom.model.nova_version import NovaVersion
from nova_decom.model.resource_query import ResourceQuery
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
    #: Registrar -> its reading.
    registrars: Mapping[str, Any] = field(default_factory=dict)
    #: The targets of requests that a service refuses for ever.
    refused: frozenset[str] = frozenset()
    groups: tuple[ServerGroup, ...] = ()
    rooms: tuple[HostCapacity, ...] | None = None
    nova: NovaVersion = field(default_factory=NovaVersion)
    fitting: Mapping[ResourceQuery, frozenset[str]] = field(default_factory=dict)
    images: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    with_shares: frozenset[str] = frozenset()
    databases: Mapping[str, DatabaseFacts] | None = None
    #: Compute node (uuid) -> the hosts that have a live row of it in any cell, of those nodes that
    #: were asked for because of their providers.
    owners: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Nova deletes a compute service without compute node too.
    deletes_without_node: bool = True

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

    @cached_property
    def fleet(self) -> Fleet:
        """The facts that all hosts of the snapshot share."""
        by_hypervisor = grouped(
            (n.hypervisor_hostname, n.host)
            for n in self.compute_nodes
            if n.hypervisor_hostname != n.host
        )
        names = frozenset(
            [s.host for s in self.services]
            + [n.host for n in self.compute_nodes]
            + [h for a in self.aggregates for h in a.hosts]
        )
        return Fleet(
            self.services, names, self.aggregates, by_hypervisor, self.deletes_without_node
        )

    def with_readings(self, **readings: Any) -> CloudSnapshot:  # noqa: ANN401
        """The snapshot with these readings in place of its own.

        The indexes of the other readings stay: those of a large cloud take longer than a reading.
        """
        new = replace(self, **readings)
        kept = {name for name, used in USED_BY.items() if not used & readings.keys()}
        new.__dict__.update({name: self.__dict__[name] for name in kept & self.__dict__.keys()})
        return new


#: Index of a snapshot -> the readings that it is made of.
USED_BY: Mapping[str, frozenset[str]] = {
    "services_of": frozenset({"services"}),
    "nodes_of": frozenset({"compute_nodes"}),
    "servers_of": frozenset({"servers"}),
    "migrations_of": frozenset({"migrations"}),
    "migrations_by_server": frozenset({"migrations"}),
    "aggregates_of": frozenset({"aggregates"}),
    "allocations_of": frozenset({"allocations"}),
    "trees": frozenset({"providers"}),
    "roots": frozenset({"providers"}),
    "roots_named": frozenset({"providers"}),
    "hosts_of_node": frozenset({"compute_nodes", "owners"}),
    "fleet": frozenset({"services", "compute_nodes", "aggregates", "deletes_without_node"}),
}


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


def compute_hosts(view: CloudSnapshot) -> tuple[str, ...]:
    """The hosts of all nova-compute services, sorted."""
    return tuple(sorted({s.host for s in view.services if s.binary == NOVA_COMPUTE}))


def compute_zones(view: CloudSnapshot) -> tuple[str, ...]:
    """The availability zones of all nova-compute services, sorted."""
    zones = {s.zone for s in view.services if s.zone and s.binary == NOVA_COMPUTE}
    return tuple(sorted(zones))
