# SPDX-License-Identifier: Apache-2.0
"""The latest reading of each part of the cloud, for many hosts at once by few calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from nova_decom.clients.consumers import Clients, read_allocations
from nova_decom.clients.destinations import Destinations
from nova_decom.clients.heartbeats import Heartbeats
from nova_decom.clients.host_history import HostHistory
from nova_decom.clients.mysql.checked_rows import CheckedRows
from nova_decom.clock import Clock
from nova_decom.errors import UnavailableError
from nova_decom.model.cloud import distinct
from nova_decom.model.host import HostIdentity
from nova_decom.model.own_providers import own_providers, possible_roots
from nova_decom.model.registrar import Registrar
from nova_decom.model.request import Part, Request
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.snapshot import (
    CloudSnapshot,
    compute_hosts,
    compute_zones,
    grouped,
    nodes_in_rows,
)
from nova_decom.registrars import REGISTRARS

#: Servers and migrations of up to this many hosts are listed by host; of more, all at once.
BY_HOST = 8


#: The rows (by host) of all cells that belong to the reading under way.
Rows = dict[str, DatabaseFacts]


@dataclass(frozen=True, slots=True)
class PartReader:
    """Reads one part of many hosts, after the parts that it uses."""

    part: str
    read: Callable[[Sequence[str], Rows], None]
    after: tuple[str, ...] = ()


#: Keeps the names of a kind: hosts, zones or aggregates.
KeepNames = Callable[[str, Iterable[str]], None]


class Readings:
    """The latest reading of each part, for the hosts that were asked for."""

    def __init__(
        self,
        clients: Clients,
        request: Request,
        history: HostHistory,
        heartbeats: Heartbeats,
        keep_names: KeepNames,
        clock: Clock,
    ) -> None:
        """``keep_names`` gets the names of hosts, zones and aggregates whenever all were read."""
        self._clients = clients
        self._request = request
        self._history = history
        self._heartbeats = heartbeats
        self._keep_names = keep_names
        self._clock = clock
        self.view = CloudSnapshot()
        self._destinations = Destinations(clients)
        self._checked = CheckedRows()
        #: The latest reading of servers was a list of all, not of some hosts.
        self._has_all_servers = False

    @property
    def parts(self) -> tuple[PartReader, ...]:
        """The readers in their order: each comes after those of the parts that it uses."""
        rows, nodes = Part.DATABASE, Part.COMPUTE_NODES
        return (
            PartReader(rows, self._rows),
            PartReader(Part.SERVERS, self._servers, after=(rows,)),
            PartReader(nodes, self._compute_nodes, after=(rows,)),
            PartReader(Part.MIGRATIONS, self._migrations, after=(rows,)),
            PartReader(Part.AGGREGATES, self._aggregates),
            PartReader(Part.PROVIDERS, self._providers, after=(rows, nodes)),
            PartReader(
                Part.ALLOCATIONS,
                self._allocations,
                after=(Part.SERVERS, Part.MIGRATIONS, Part.PROVIDERS),
            ),
            PartReader(Part.ROOM, self._room, after=(Part.SERVERS, nodes, Part.ALLOCATIONS)),
            *(PartReader(r.name, partial(self._records, r)) for r in REGISTRARS),
        )

    def continue_from(self, other: Readings) -> None:
        """Take over the readings of other clients."""
        self.view, self._checked = other.view, other._checked

    def refused(self, target: str) -> None:
        """Note that a service refuses for ever what a step asks of this target."""
        self._keep(refused=self.view.refused | {target})

    def services(self, of_host: str | None) -> None:
        """Read the services of one host, or of all."""
        begun, before = self._clock.now(), self.view.services
        found = self._clients.compute.services(of_host)
        self._heartbeats.services_read(of_host, begun, before, found)
        others = [s for s in before if of_host is not None and s.host != of_host]
        can = self._clients.compute.deletes_without_node()
        self._keep(services=(*others, *found), deletes_without_node=can)
        if of_host is None:
            self._keep_names("hosts", compute_hosts(self.view))
            self._keep_names("zones", compute_zones(self.view))

    def aggregates(self) -> None:
        """Read all aggregates."""
        self._keep(aggregates=self._clients.compute.aggregates())
        self._keep_names("aggregates", sorted(a.name for a in self.view.aggregates))

    def providers(self) -> None:
        """Read all resource providers."""
        self._keep(providers=self._clients.placement.providers())

    def all_compute_nodes(self) -> None:
        """Read all compute nodes that the API shows; it needs seconds for thousands of hosts."""
        self._keep(compute_nodes=self._clients.compute.compute_nodes())

    def hosts_without_service(self) -> tuple[str, ...]:
        """The hosts of servers that have no nova-compute service; reads the servers of all."""
        if not self._has_all_servers:
            self._keep(servers=self._clients.compute.servers())
        known = set(compute_hosts(self.view))
        return tuple(sorted({s.host for s in self.view.servers if s.host} - known))

    def identity(self, host: str) -> HostIdentity:
        """The names and uuids that any reading or run knew of the host, and its aliases."""
        return self._history.of(host).identity.union(HostIdentity(names=self._request.aliases))

    def _keep(self, **what: Any) -> None:  # noqa: ANN401
        self.view = self.view.with_readings(**what)

    def _add_identities(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            self._history.add_identity(host, self.view)

    def _compute_nodes(self, hosts: Sequence[str], rows: Rows) -> None:
        """Compute nodes come from the rows where those of all cells were read."""
        if not rows.keys() >= set(hosts):
            self.all_compute_nodes()
        else:
            own = [r for h in hosts for r in rows[h].compute_nodes if r.host == h]
            others = [n for n in self.view.compute_nodes if n.host not in rows]
            self._keep(compute_nodes=(*others, *nodes_in_rows(self.view, own)))
        self._add_identities(hosts)

    def _servers(self, hosts: Sequence[str], rows: Rows) -> None:
        """Ask nova for the servers of the hosts, except hosts without an instance in any cell."""
        compute = self._clients.compute
        asked = [h for h in hosts if h not in rows or rows[h].instances]
        self._has_all_servers = len(asked) > BY_HOST
        found = compute.servers() if self._has_all_servers else compute.servers_of(asked)
        read = {*hosts, *(s.host for s in found)}
        others = [s for s in self.view.servers if s.host not in read]
        self._keep(servers=(*others, *found))

    def _migrations(self, hosts: Sequence[str], rows: Rows) -> None:
        """Ask nova for the migrations of the hosts, except hosts without an active row in a cell.

        The rows of all cells are enough for many hosts. For a few hosts whose servers move, nova
        is asked in any case: the rows that are read show no migration that has ended.
        """
        compute = self._clients.compute
        asked = [h for h in hosts if h not in rows or rows[h].active_migrations]
        if len(hosts) <= BY_HOST and self._request.moves_servers:
            asked = list(hosts)
        if len(asked) <= BY_HOST:
            found = compute.migrations_of(asked)
        elif rows.keys() >= set(hosts):
            found = distinct(m for h in hosts for m in rows[h].active_migrations)
        else:
            found = compute.migrations()
        known, read = {m.key for m in found}, set(hosts)
        others = [
            m
            for m in self.view.migrations
            if m.key not in known and not {m.source, m.destination} & read
        ]
        self._keep(migrations=(*others, *found))

    def _aggregates(self, _hosts: Sequence[str], _rows: Rows) -> None:
        self.aggregates()

    def _providers(self, hosts: Sequence[str], _rows: Rows) -> None:
        """Read all providers, and from all cells the owners of nodes that may be the hosts'."""
        self.providers()
        if self._clients.all_cells is None:
            return
        possible = possible_roots(self.view, map(self.identity, hosts))
        rows = self._clients.all_cells.compute_nodes(possible)
        found = grouped((r.uuid, r.host or "") for r in rows if r.uuid)
        owners = {uuid: frozenset(found.get(uuid, ())) for uuid in possible}
        self._keep(owners={**self.view.owners, **owners})

    def _rows(self, hosts: Sequence[str], rows: Rows) -> None:
        """Read the rows of the hosts; fill ``rows`` if they are those of all cells."""
        databases = self._clients.databases
        if databases is None:
            return
        found = self._checked.rows(databases, hosts)
        self._keep(databases={**(self.view.databases or {}), **found})
        if self._clients.all_cells is not None:
            rows |= found
        self._add_identities(hosts)

    def _allocations(self, hosts: Sequence[str], _rows: Rows) -> None:
        """Read allocations by one request for each provider: placement has no other list."""
        host_of = {
            provider.uuid: host
            for host in hosts
            for provider in own_providers(self.view, host, self.identity(host))
        }
        held = read_allocations(host_of, self.view, self._clients)
        self._raise_if_still_listed(host_of.keys() - held.keys())
        others = [a for a in self.view.allocations if a.provider not in host_of]
        self._keep(allocations=(*others, *(a for found in held.values() for a in found)))

    def _raise_if_still_listed(self, missing: Collection[str]) -> None:
        """Prove that providers without an answer are gone: nova deletes them with the service.

        :raises UnavailableError: placement lists one of them all the same.
        """
        if not missing:
            return
        self.providers()
        listed = sorted(p.uuid for p in self.view.providers if p.uuid in missing)
        if listed:
            raise UnavailableError(
                f"placement lists resource provider {listed[0]}, and answers 404 for its "
                "allocations",
                "look at placement and at the proxy before it, then run again",
            )

    def _room(self, hosts: Sequence[str], _rows: Rows) -> None:
        """Read what moves depend on beside the servers, where servers are to move."""
        leaving = [h for h in hosts if h in self.view.servers_of]
        if self._request.moves_servers and leaving:
            self._keep(**self._destinations.read(leaving, self.view))

    def _records(self, registrar: Registrar[Any, Any], hosts: Sequence[str], _rows: Rows) -> None:
        """Read the records of a registrar: of a single host by all its names, else of all."""
        names = {hosts[0], *self.identity(hosts[0]).names} if len(hosts) == 1 else None
        before = self.view.registrars.get(registrar.name)
        found = registrar.read(self._clients.access, names, before)
        of_run = {h for h in hosts if names or h in self._request.leaving}
        if of_run:
            known = of_run | self._request.aliases
            found = registrar.of_run(self._clients.access, found, known)
        self._keep(registrars={**self.view.registrars, registrar.name: found})
