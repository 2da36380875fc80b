# SPDX-License-Identifier: Apache-2.0
"""Reads the parts of the cloud for many hosts at once, by as few calls as possible."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nova_decom.clients.consumers import Clients, with_owner
from nova_decom.clients.destinations import Destinations
from nova_decom.clients.heartbeats import Heartbeats, Span
from nova_decom.clients.host_history import HostHistory
from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.checks import NEEDED
from nova_decom.clients.read_batching import Wanted
from nova_decom.clock import Clock
from nova_decom.errors import MissingRightError, UnavailableError
from nova_decom.model.cloud import distinct
from nova_decom.model.host import HostIdentity
from nova_decom.model.own_providers import own_providers, possible_roots
from nova_decom.model.request import PLANNED_PARTS, Part, Request
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.snapshot import CloudSnapshot, compute_hosts, grouped, nodes_in_rows

#: Servers and migrations of up to this many hosts are listed by host; of more, all at once.
BY_HOST = 8


#: The rows (by host) of all cells that belong to the reading under way.
Rows = dict[str, DatabaseFacts]


@dataclass(frozen=True, slots=True)
class PartReader:
    """Reads one part of many hosts, after the parts that it uses."""

    part: Part
    read: Callable[[Sequence[str], Rows], None]
    after: tuple[Part, ...] = ()


class CloudReader:
    """The latest reading of each part, for the hosts that were asked for."""

    def __init__(
        self,
        clients: Clients,
        request: Request,
        history: HostHistory,
        heartbeats: Heartbeats,
        keep_names: Callable[[Sequence[str]], None],
        clock: Clock,
    ) -> None:
        """``keep_names`` gets the names of all compute hosts whenever they were read."""
        self._clients = clients
        self._request = request
        self._history = history
        self._heartbeats = heartbeats
        self._keep_names = keep_names
        self._clock = clock
        self.view = CloudSnapshot()
        #: Network agents that neutron refuses to delete.
        self.refused_agents: set[str] = set()
        self._destinations = Destinations(clients)
        self._problems: tuple[str, ...] | None = None
        #: In their order: each reader comes after those of the parts that it uses.
        self.readers = self._in_order()

    def _in_order(self) -> tuple[PartReader, ...]:
        rows, nodes = Part.DATABASE, Part.COMPUTE_NODES
        return (
            PartReader(Part.SERVERS, self._servers),
            PartReader(rows, self._rows),
            PartReader(nodes, self._compute_nodes, after=(rows,)),
            PartReader(Part.MIGRATIONS, self._migrations, after=(rows,)),
            PartReader(Part.AGGREGATES, self._aggregates),
            PartReader(Part.PROVIDERS, self._providers, after=(rows, nodes)),
            PartReader(
                Part.ALLOCATIONS,
                self._allocations,
                after=(Part.SERVERS, Part.MIGRATIONS, Part.PROVIDERS),
            ),
            PartReader(Part.ROOM, self._room, after=(Part.SERVERS, nodes)),
            PartReader(Part.AGENTS, self._agents),
        )

    def continue_from(self, other: CloudReader) -> None:
        """Take over the readings of another reader."""
        self.view, self._problems = other.view, other._problems

    def read(self, wanted: Wanted) -> None:
        """Read these parts: services first, of one host or, where more is wanted, of all."""
        of_services = {Part.SERVICES, Part.HEARTBEATS}
        hosts = [h for h, parts in wanted.items() if parts & of_services]
        if hosts:
            whole = len(wanted) > 1 or any(parts >= PLANNED_PARTS for parts in wanted.values())
            self.services(None if whole else hosts[0])
        self.beside_services(wanted)

    def beside_services(self, wanted: Wanted) -> None:
        """Read these parts of each host, but no services.

        :raises MissingRightError: the token lacks rights; the message names each of them.
        """
        rows: Rows = {}
        spans: dict[Part, Span] = {}
        missing: list[MissingRightError] = []
        for reader in self.readers:
            hosts = [host for host, parts in wanted.items() if reader.part in parts]
            if hosts:
                begun = self._clock.now()
                try:
                    reader.read(hosts, rows)
                except MissingRightError as error:
                    missing.append(error)
                spans[reader.part] = Span(begun, self._clock.now())
        if missing:
            raise MissingRightError("; ".join(map(str, missing)), missing[0].remedy)
        self._hear(wanted, spans.get(Part.DATABASE))

    def _hear(self, wanted: Wanted, rows: Span | None) -> None:
        """Keep the heartbeats that this reading shows, and read those that are wanted alone."""
        witness = Part.SERVICES if self._clients.databases is None else Part.DATABASE
        heard = [host for host, parts in wanted.items() if witness in parts]
        for host in heard:
            self._heartbeats.hear(host, self.view, self._counts(host), rows)
        alone = [h for h, parts in wanted.items() if Part.HEARTBEATS in parts and h not in heard]
        self._heartbeats.listen(alone, self.view)

    def services(self, of_host: str | None) -> None:
        """Read the services of one host, or of all."""
        begun, before = self._clock.now(), self.view.services
        found = self._clients.compute.services(of_host)
        self._heartbeats.services_read(of_host, begun, before, found)
        others = [s for s in before if of_host is not None and s.host != of_host]
        can = self._clients.compute.deletes_without_node()
        self._keep(services=(*others, *found), deletes_without_node=can)
        if of_host is None:
            self._keep_names(compute_hosts(self.view))

    def aggregates(self) -> None:
        """Read all aggregates."""
        self._keep(aggregates=self._clients.compute.aggregates())

    def providers(self) -> None:
        """Read all resource providers."""
        self._keep(providers=self._clients.placement.providers())

    def all_compute_nodes(self) -> None:
        """Read all compute nodes that the API shows; it needs seconds for thousands of hosts."""
        self._keep(compute_nodes=self._clients.compute.compute_nodes())

    def hosts_without_service(self, read: Collection[str]) -> tuple[str, ...]:
        """The hosts of servers that have no nova-compute service.

        Where the servers of only these few hosts were read, those of all hosts are.
        """
        if len(read) <= BY_HOST:
            self._keep(servers=self._clients.compute.servers())
        known = set(compute_hosts(self.view))
        return tuple(sorted({s.host for s in self.view.servers if s.host} - known))

    def identity(self, host: str) -> HostIdentity:
        """The names and uuids that any reading or run knew of the host, and its aliases."""
        return self._history.of(host).identity.union(HostIdentity(names=self._request.aliases))

    def owners_of(self, uuids: Collection[str]) -> dict[str, frozenset[str]]:
        """The hosts that have compute nodes with these uuids, in any cell that can be read."""
        if self._all_cells is not None:
            rows = self._all_cells.compute_nodes(uuids)
            pairs = [(r.uuid, r.host) for r in rows if r.uuid and r.host]
        else:
            pairs = [(n.uuid, n.host) for n in self._clients.compute.compute_nodes()]
        found = grouped(pairs)
        return {uuid: frozenset(found.get(uuid, ())) for uuid in uuids}

    @property
    def _all_cells(self) -> NovaDatabases | None:
        return self._clients.all_cells

    def _keep(self, **what: Any) -> None:  # noqa: ANN401
        self.view = replace(self.view, **what)

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

    def _servers(self, hosts: Sequence[str], _rows: Rows) -> None:
        compute = self._clients.compute
        found = compute.servers_of(hosts) if len(hosts) <= BY_HOST else compute.servers()
        asked = {*hosts, *(s.host for s in found)}
        others = [s for s in self.view.servers if s.host not in asked]
        self._keep(servers=(*others, *found))

    def _migrations(self, hosts: Sequence[str], rows: Rows) -> None:
        """Migrations of many hosts come from the rows where those of all cells were read."""
        compute = self._clients.compute
        if len(hosts) <= BY_HOST:
            found = compute.migrations_of(hosts)
        elif rows.keys() >= set(hosts):
            found = distinct(m for h in hosts for m in rows[h].active_migrations)
        else:
            found = compute.migrations()
        known, asked = {m.key for m in found}, set(hosts)
        others = [
            m
            for m in self.view.migrations
            if m.key not in known and not {m.source, m.destination} & asked
        ]
        self._keep(migrations=(*others, *found))

    def _aggregates(self, _hosts: Sequence[str], _rows: Rows) -> None:
        self.aggregates()

    def _providers(self, hosts: Sequence[str], _rows: Rows) -> None:
        """Read all providers, and from all cells the owners of nodes that may be the hosts'."""
        self.providers()
        if self._all_cells is None:
            return
        possible = possible_roots(self.view, map(self.identity, hosts))
        rows = self._all_cells.compute_nodes(possible)
        found = grouped((r.uuid, r.host or "") for r in rows if r.uuid)
        owners = {uuid: frozenset(found.get(uuid, ())) for uuid in possible}
        self._keep(owners={**self.view.owners, **owners})

    def _rows(self, hosts: Sequence[str], rows: Rows) -> None:
        """Read the rows of the hosts; fill ``rows`` if they are those of all cells."""
        databases = self._clients.databases
        if databases is None:
            return
        found = self._query(databases, hosts)
        found = {h: replace(f, problems=self._problems or ()) for h, f in found.items()}
        self._keep(databases={**(self.view.databases or {}), **found})
        if self._all_cells is not None:
            rows |= found
        self._add_identities(hosts)

    def _query(self, databases: NovaDatabases, hosts: Sequence[str]) -> dict[str, DatabaseFacts]:
        """The rows of the hosts; the first time, whether the databases can be used is checked."""
        if self._problems is None:
            checks = databases.checks()
            unreadable = [c for c in checks if c.problem and c.name.endswith(NEEDED)]
            if unreadable:
                raise UnavailableError(str(unreadable[0].problem), unreadable[0].remedy)
            self._problems = tuple(c.problem for c in checks if c.problem)
        return databases.facts(hosts) if hosts else {}

    def _allocations(self, hosts: Sequence[str], _rows: Rows) -> None:
        """Read allocations by one request for each provider: placement has no other list."""
        host_of = {
            provider.uuid: host
            for host in hosts
            for provider in own_providers(self.view, host, self.identity(host))
        }
        placement = self._clients.placement
        held = {provider: placement.allocations(provider) for provider in host_of}
        self._raise_if_still_listed({p for p, allocations in held.items() if allocations is None})
        found = [
            with_owner(a, host_of[provider], self.view, self._clients)
            for provider, allocations in held.items()
            for a in allocations or ()
        ]
        others = [a for a in self.view.allocations if a.provider not in held]
        self._keep(allocations=(*others, *found))

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

    def _agents(self, hosts: Sequence[str], _rows: Rows) -> None:
        network = self._clients.network
        if not network.available():
            self._keep(unchecked=("network agents: no network service",))
            return
        # Agents of one host may also report under the names of its hypervisor.
        names = {hosts[0], *self.identity(hosts[0]).names} if len(hosts) == 1 else set()
        found = [a for name in sorted(names) for a in network.agents(name)]
        if not names:
            found = list(network.agents())
        others = [a for a in self.view.agents if names and a.host not in names]
        agents = [replace(a, refused=a.id in self.refused_agents) for a in found]
        self._keep(agents=(*others, *agents))

    def _counts(self, host: str) -> dict[str, int]:
        database = (self.view.databases or {}).get(host)
        rows = database.services if database else ()
        return {r.uuid: r.report_count for r in rows if r.uuid}
