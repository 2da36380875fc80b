# SPDX-License-Identifier: Apache-2.0
"""The facts about one host, as frozen values. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from nova_decom.model.claim import belongs_to, run_of
from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    Aggregate,
    Allocation,
    ComputeNode,
    ComputeService,
    HostCapacity,
    Migration,
    Owner,
    Port,
    ResourceProvider,
    Server,
    ServerGroup,
    seconds_between,
)
from nova_decom.model.heartbeat import Heartbeat
from nova_decom.model.machine import Machine, SystemdUnit
from nova_decom.model.nova_version import NovaVersion
from nova_decom.model.request import Request, StopWith
from nova_decom.model.resource_query import ResourceQuery
from nova_decom.model.rows import DatabaseFacts, folded


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """The names and compute node uuids of a host; they outlive its rows."""

    node_uuids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def union(self, other: HostIdentity) -> HostIdentity:
        """The names and uuids of both."""
        return HostIdentity(self.node_uuids | other.node_uuids, self.names | other.names)


#: Seconds of silence after which a service that is down shows no more whether nova is healthy.
A_DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Staying:
    """The services of the hosts that stay: numbers of nova-compute as in :class:`Fleet`."""

    computes: int
    down: int
    schedulable: tuple[ComputeService, ...]
    hosts_down: tuple[str, ...]


@dataclass(frozen=True)
class Fleet:
    """The compute services and aggregates of the whole cloud, counted once for all guards."""

    services: tuple[ComputeService, ...] = ()
    names: frozenset[str] = frozenset()
    aggregates: tuple[Aggregate, ...] = ()
    #: Hypervisor hostname -> the hosts whose compute nodes have it, of those nodes that were read.
    hosts_by_hypervisor: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Nova deletes a compute service without compute node too.
    deletes_without_node: bool = True

    @cached_property
    def unresponsive_cells(self) -> int:
        """Entries without id or with status UNKNOWN: their cell is down (microversion 2.69)."""
        return sum(s.id is None or s.status.upper() == "UNKNOWN" for s in self.services)

    @cached_property
    def computes(self) -> Counter[str]:
        """The number of nova-compute services per host that show whether nova is healthy."""
        return Counter(s.host for s in self._witnesses())

    @cached_property
    def computes_by_host(self) -> Mapping[str, tuple[ComputeService, ...]]:
        """Host -> its nova-compute services."""
        found: dict[str, tuple[ComputeService, ...]] = {}
        for service in self.services:
            if service.binary == NOVA_COMPUTE:
                found[service.host] = (*found.get(service.host, ()), service)
        return found

    @cached_property
    def down(self) -> Counter[str]:
        """As :attr:`computes`, those that are down."""
        return Counter(s.host for s in self._witnesses() if not s.is_up)

    @cached_property
    def schedulable(self) -> tuple[ComputeService, ...]:
        """The services whose hosts the scheduler may choose."""
        return tuple(s for s in self.services if s.takes_servers)

    def staying(self, leaving: frozenset[str]) -> Staying:
        """The services of all hosts but ``leaving``, counted once for all hosts of a run."""
        if leaving not in self._staying:
            self._staying[leaving] = Staying(
                self.computes.total() - sum(self.computes[host] for host in leaving),
                self.down.total() - sum(self.down[host] for host in leaving),
                tuple(s for s in self.schedulable if s.host not in leaving),
                tuple(host for host in self.down if host not in leaving),
            )
        return self._staying[leaving]

    @cached_property
    def _staying(self) -> dict[frozenset[str], Staying]:
        return {}

    @cached_property
    def _names_folded(self) -> Mapping[str, tuple[str, ...]]:
        folds: dict[str, tuple[str, ...]] = {}
        for name in sorted(self.names):
            folds[folded(name)] = (*folds.get(folded(name), ()), name)
        return folds

    def spellings(self, host: str) -> tuple[str, ...]:
        """The names of other hosts that SQL may take for the name of this one."""
        return tuple(n for n in self._names_folded.get(folded(host), ()) if n != host)

    def _witnesses(self) -> Iterator[ComputeService]:
        """The nova-compute services that are up, or are down for no known reason.

        Not those that are forced down, disabled, or older than the newest report by a day: they
        are down for a reason of their own.
        """
        for service in self.services:
            if service.binary != NOVA_COMPUTE or service.forced_down:
                continue
            if service.is_up or (service.status == "enabled" and self._was_up(service)):
                yield service

    def _was_up(self, service: ComputeService) -> bool:
        """True when it reported within a day before the newest report."""
        return (self.seconds_since(service.updated_at) or 0.0) <= A_DAY

    def seconds_since(self, moment: str | None) -> float | None:
        """Seconds between a time of nova's and the newest report of a service; None if not known.

        The clock of this machine may be wrong; that report is nova's own.
        """
        return seconds_between(moment, self._newest_report)

    @cached_property
    def _newest_report(self) -> str | None:
        return max((s.updated_at for s in self.services if s.updated_at), default=None)


@dataclass(frozen=True)
class HostFacts:
    """The facts about one host. Equal facts mean an equal host."""

    host: str
    request: Request = field(default_factory=Request)
    services: tuple[ComputeService, ...] = ()
    compute_nodes: tuple[ComputeNode, ...] = ()
    servers: tuple[Server, ...] = ()
    migrations: tuple[Migration, ...] = ()
    #: The newest migration of each server, where it is over.
    ended: tuple[Migration, ...] = field(default=(), compare=False)
    #: Evacuations from the host that nova has not closed.
    evacuations: tuple[Migration, ...] = field(default=(), compare=False)
    aggregates: tuple[Aggregate, ...] = ()
    providers: tuple[ResourceProvider, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    #: Registrar -> its facts about the host.
    registrars: Mapping[str, Any] = field(default_factory=dict)
    database: DatabaseFacts | None = None
    groups: tuple[ServerGroup, ...] = field(default=(), compare=False)
    rooms: tuple[HostCapacity, ...] | None = field(default=None, compare=False)
    nova: NovaVersion = field(default_factory=NovaVersion, compare=False)
    #: What only some hosts have -> those that have it; image -> its properties.
    fitting: Mapping[ResourceQuery, frozenset[str]] = field(default_factory=dict, compare=False)
    images: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)
    #: The ports of the host's servers, and those of its servers that have shares.
    ports: tuple[Port, ...] = field(default=(), compare=False)
    with_shares: frozenset[str] = field(default=frozenset(), compare=False)
    #: Providers with a name of this host that are another host's.
    same_name_providers: tuple[ResourceProvider, ...] = field(default=(), compare=False)
    heartbeats: tuple[Heartbeat, ...] = field(default=(), compare=False)
    unit: SystemdUnit | None = field(default=None, compare=False)
    #: The machine that ssh reaches by the host's name, if it was asked.
    machine: Machine | None = field(default=None, compare=False)
    identity: HostIdentity = field(default_factory=HostIdentity, compare=False)
    fleet: Fleet = field(default_factory=Fleet, compare=False)
    #: An earlier run worked on the host, or something named it earlier in this run.
    was_known: bool = field(default=False, compare=False)
    #: Nova named the host earlier in this run.
    was_named: bool = field(default=False, compare=False)
    unchecked: tuple[str, ...] = field(default=(), compare=False)
    #: The run whose claim the service's disabled_reason is has ended, or its claim has lapsed.
    claim_is_over: bool = field(default=False, compare=False)

    @property
    def own_identity(self) -> HostIdentity:
        """The identity without the aliases that the operator gave: they are not remembered."""
        nodes = {n.hypervisor_hostname for n in self.compute_nodes if n.host == self.host}
        names = self.identity.names - self.request.aliases
        return replace(self.identity, names=names | nodes | {self.host})

    @property
    def service(self) -> ComputeService | None:
        """The nova-compute service of exactly this host, or None when nova has none."""
        return next((s for s in self.services if s.binary == NOVA_COMPUTE), None)

    @property
    def is_disabled(self) -> bool:
        """True when the host has a nova-compute service and it is disabled."""
        return self.service is not None and self.service.status == "disabled"

    @property
    def claim_is_ours(self) -> bool:
        """True when the service carries the claim of this run, expired or not."""
        reason = self.service.disabled_reason if self.service else None
        return belongs_to(run_of(self.request.claim), reason)

    @property
    def is_haunted(self) -> bool:
        """True when traces are left without a compute service: no heartbeat can be read."""
        database = self.database
        in_rows = database is not None and bool(
            database.host_mapping or database.aggregate_hosts or database.has_live_rows(self.host)
        )
        in_api = (self.compute_nodes, self.aggregates, self.providers)
        return self.service is None and (in_rows or any(in_api))

    @property
    def stops_nova_compute(self) -> bool:
        """True when this run stops nova-compute: also one whose rows are gone, as ssh can tell."""
        stop_with = self.request.stop_with
        if self.request.offline or (self.unit is not None and self.unit.is_off):
            return False
        if self.service is not None:
            return stop_with is not StopWith.NONE
        return stop_with is StopWith.SSH and self.is_haunted

    @property
    def living_nodes(self) -> tuple[ComputeNode, ...]:
        """The compute nodes that are not deleted: the API's, and rows that the API hides."""
        shown = {n.uuid for n in self.compute_nodes}
        hidden = (
            ComputeNode(r.uuid, self.host, r.hypervisor_hostname, r.hypervisor_type)
            for r in (self.database.compute_nodes if self.database else ())
            if r.host == self.host and not r.deleted and r.uuid and r.uuid not in shown
        )
        return (*self.compute_nodes, *hidden)

    def consumers(self, owner: Owner) -> dict[str, str]:
        """The servers whose allocations have this owner: id -> name, status and task."""
        return {a.consumer: a.server or "server" for a in self.allocations if a.owner is owner}

    @property
    def leaving_services(self) -> tuple[ComputeService, ...]:
        """The services that this run deletes: nova-compute, and with --all-binaries those down.

        nova-compute first: before 20.1 deleting any other took the compute nodes with it, and
        nova-compute could not be deleted any more (bug 1852993).
        """
        others = self.request.all_binaries
        ours = [s for s in self.services if s.binary == NOVA_COMPUTE]
        down = [s for s in self.services if others and s not in ours and not s.is_up]
        return (*ours, *down)

    @property
    def kept_services(self) -> tuple[ComputeService, ...]:
        """Services of other binaries on this host, which stay."""
        return tuple(s for s in self.services if s not in self.leaving_services)

    @property
    def leaving_binaries(self) -> frozenset[str]:
        """The binaries whose rows may go: nova-compute and those that no longer live."""
        kept = {s.binary for s in self.kept_services}
        if not self.request.all_binaries:
            return frozenset({NOVA_COMPUTE})
        rows = self.database.services if self.database else ()
        return frozenset({r.binary for r in rows} | {NOVA_COMPUTE}) - kept

    def heartbeat_of(self, service: ComputeService) -> Heartbeat | None:
        """The heartbeat of the service; None when it was not read."""
        return next((h for h in self.heartbeats if h.service == service.id), None)

    def silence_of(self, service: ComputeService) -> float:
        """Seconds for which the heartbeat must stand still to be proved silent.

        Two report intervals; where a longer gap between beats was seen, that gap and one more.
        """
        heartbeat = self.heartbeat_of(service)
        gap = heartbeat.gap if heartbeat else 0.0
        return max(self.request.silence, gap + self.request.report_interval)

    def is_silent(self, service: ComputeService) -> bool:
        """True when the service is proved to send no more heartbeats.

        Its process was seen to have ended, on the machine that is the host; or nova takes it for
        down and its heartbeat stands still for long enough.
        """
        heartbeat = self.heartbeat_of(service)
        if heartbeat is None:
            return False
        stands_still = heartbeat.still_for >= self.silence_of(service) and not service.is_up
        return heartbeat.has_ended or (stands_still and heartbeat.sees_new_rows)
