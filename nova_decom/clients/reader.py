# SPDX-License-Identifier: Apache-2.0
"""Readings of the cloud's parts for many hosts at once, by as few calls as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nova_decom.clients.heartbeats import HostMemories
from nova_decom.clients.host.ssh import Remote, StopCommand
from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.checks import NEEDED
from nova_decom.clients.openstack.compute import Compute
from nova_decom.clients.openstack.network import Network
from nova_decom.clients.openstack.placement import Placement
from nova_decom.clients.read_batching import Wanted
from nova_decom.errors import UnavailableError
from nova_decom.model.cloud import HostCapacity, Owner
from nova_decom.model.host import HostIdentity
from nova_decom.model.request import PLANNED_PARTS, Part, Request
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.snapshot import (
    CloudSnapshot,
    compute_hosts,
    grouped,
    nodes_in_rows,
    own_providers,
    possible_roots,
)

#: Up to so many hosts, servers and migrations are asked for by host; above, for all at once.
BY_HOST = 8


@dataclass(frozen=True, slots=True)
class Clients:
    """One client for each system; ``databases`` is None when none is configured."""

    compute: Compute
    placement: Placement
    network: Network
    databases: NovaDatabases | None
    remote: Remote
    stop_command: StopCommand | None = None


class CloudReader:
    """What was read last of each part, for the hosts that were asked for."""

    def __init__(
        self,
        clients: Clients,
        request: Request,
        memories: HostMemories,
        seen: Callable[[Sequence[str]], None],
    ) -> None:
        """``seen`` is told the names of all compute hosts whenever they were read."""
        self._clients = clients
        self._request = request
        self._memories = memories
        self._seen = seen
        self.view = CloudSnapshot()
        #: Network agents that neutron refuses to delete.
        self.refused_agents: set[str] = set()
        self._problems: tuple[str, ...] | None = None
        #: The hosts whose rows of all cells belong to the reading that goes on.
        self._in_rows: frozenset[str] = frozenset()

    def continue_from(self, other: CloudReader) -> None:
        """Go on from what another one has read."""
        self.view, self._problems = other.view, other._problems

    def read(self, wanted: Wanted) -> None:
        """Services first: of one host, or of all where more is asked for than one host's."""
        of_services = {Part.SERVICES, Part.HEARTBEATS}
        hosts = [h for h, parts in wanted.items() if parts & of_services]
        if hosts:
            whole = len(wanted) > 1 or any(parts >= PLANNED_PARTS for parts in wanted.values())
            self.services(None if whole else hosts[0])
        self.beside_services(wanted)

    def beside_services(self, wanted: Wanted) -> None:
        """Read what is wanted of each host, but no services."""
        # In this order: rows tell nodes and migrations, nodes and rows tell which providers may be
        # ours, and these which allocations.
        readers: tuple[tuple[Part, Callable[[Sequence[str]], None]], ...] = (
            (Part.SERVERS, self._servers),
            (Part.DATABASE, self._rows),
            (Part.COMPUTE_NODES, self._compute_nodes),
            (Part.MIGRATIONS, self._migrations),
            (Part.AGGREGATES, lambda _hosts: self.aggregates()),
            (Part.PROVIDERS, self._providers),
            (Part.ALLOCATIONS, self._allocations),
            (Part.ROOM, self._room),
            (Part.AGENTS, self._agents),
        )
        self._in_rows = frozenset()
        for part, read in readers:
            hosts = [host for host, parts in wanted.items() if part in parts]
            if hosts:
                read(hosts)
        heard = [host for host, parts in wanted.items() if self._hears(parts)]
        for host in heard:
            self._memories.hear(host, self.view.services, self._counts(host))
        self._listen([h for h, p in wanted.items() if Part.HEARTBEATS in p and h not in heard])

    def services(self, of_host: str | None) -> None:
        """Read the services of one host, or of all."""
        found = self._clients.compute.services(of_host)
        others = [s for s in self.view.services if of_host is not None and s.host != of_host]
        self._keep(services=(*others, *found))
        if of_host is None:
            self._seen(compute_hosts(self.view))

    def aggregates(self) -> None:
        """Read all aggregates."""
        self._keep(aggregates=self._clients.compute.aggregates())

    def providers(self) -> None:
        """Read all resource providers."""
        self._keep(providers=self._clients.placement.providers())

    def all_compute_nodes(self) -> None:
        """Read all compute nodes that the API shows; it needs seconds for thousands of hosts."""
        self._keep(compute_nodes=self._clients.compute.compute_nodes())

    def identity(self, host: str) -> HostIdentity:
        """The names and uuids that any look or run knew of the host, and its aliases."""
        return self._memories.of(host).identity.union(HostIdentity(names=self._request.aliases))

    @property
    def _all_cells(self) -> NovaDatabases | None:
        """The databases, where they are those of all cells."""
        databases = self._clients.databases
        return databases if databases is not None and databases.api is not None else None

    def _keep(self, **what: Any) -> None:  # noqa: ANN401
        self.view = replace(self.view, **what)

    def _note(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            self._memories.note(host, self.view)

    def _compute_nodes(self, hosts: Sequence[str]) -> None:
        """From their rows, where those of all cells were read before in this look."""
        if not self._in_rows.issuperset(hosts):
            self.all_compute_nodes()
        else:
            asked, known = set(hosts), self.view.databases or {}
            rows = [r for h in hosts for r in known[h].compute_nodes if r.host == h]
            others = [n for n in self.view.compute_nodes if n.host not in asked]
            self._keep(compute_nodes=(*others, *nodes_in_rows(self.view, rows)))
        self._note(hosts)

    def _servers(self, hosts: Sequence[str]) -> None:
        compute = self._clients.compute
        found = compute.servers_of(hosts) if len(hosts) <= BY_HOST else compute.servers()
        asked = {*hosts, *(s.host for s in found)}
        others = [s for s in self.view.servers if s.host not in asked]
        self._keep(servers=(*others, *found))

    def _migrations(self, hosts: Sequence[str]) -> None:
        """Of many hosts from their rows, where those of all cells were read before in this look.

        The API tells by one status at a time, so that it may miss a migration that goes from one
        to another meanwhile.
        """
        compute = self._clients.compute
        if len(hosts) <= BY_HOST:
            found = compute.migrations_of(hosts)
        elif self._in_rows.issuperset(hosts):
            rows = self.view.databases or {}
            found = tuple({m.id: m for h in hosts for m in rows[h].active_migrations}.values())
        else:
            found = compute.migrations()
        known, asked = {m.id for m in found}, set(hosts)
        others = [
            m
            for m in self.view.migrations
            if m.id not in known and not {m.source, m.destination} & asked
        ]
        self._keep(migrations=(*others, *found))

    def _providers(self, hosts: Sequence[str]) -> None:
        """And, where rows of all cells tell it, whose nodes those are that might be ours."""
        self.providers()
        if self._all_cells is None:
            return
        possible = possible_roots(self.view, map(self.identity, hosts))
        rows = self._all_cells.compute_nodes(possible)
        found = grouped((r.uuid, r.host or "") for r in rows if r.uuid)
        told = {uuid: frozenset(found.get(uuid, ())) for uuid in possible}
        self._keep(owners={**self.view.owners, **told})

    def _rows(self, hosts: Sequence[str]) -> None:
        databases = self._clients.databases
        if databases is None:
            return
        found = self._query(databases, hosts)
        known = dict(self.view.databases or {})
        for host, facts in found.items():
            known[host] = replace(facts, problems=self._problems or ())
        self._keep(databases=known)
        if self._all_cells is not None:
            self._in_rows = frozenset(hosts)
        self._note(hosts)

    def _query(self, databases: NovaDatabases, hosts: Sequence[str]) -> dict[str, DatabaseFacts]:
        """What they hold of the hosts; before the first time, whether they can be used."""
        if self._problems is None:
            checks = databases.checks()
            unreadable = [c for c in checks if c.problem and c.name.endswith(NEEDED)]
            if unreadable:
                raise UnavailableError(str(unreadable[0].problem), unreadable[0].remedy)
            self._problems = tuple(c.problem for c in checks if c.problem)
        return databases.facts(hosts) if hosts else {}

    def _allocations(self, hosts: Sequence[str]) -> None:
        """By one request for each provider: placement tells them no other way."""
        host_of = {
            provider.uuid: host
            for host in hosts
            for provider in own_providers(self.view, host, self.identity(host))
        }
        placement = self._clients.placement
        held = {provider: placement.allocations(provider) for provider in host_of}
        found = [
            replace(a, owner=self._owner(a.consumer, host_of[provider]))
            for provider, allocations in held.items()
            for a in allocations
        ]
        others = [a for a in self.view.allocations if a.provider not in held]
        self._keep(allocations=(*others, *found))

    def _owner(self, consumer: str, host: str) -> Owner:
        """Whose an allocation is: nova is asked only for those that are not plainly here."""
        if any(s.id == consumer for s in self.view.servers_of.get(host, ())):
            return Owner.HERE
        migration = next((m for m in self.view.migrations if m.uuid == consumer), None)
        if migration is not None:
            return Owner.MIGRATION if migration.is_over else Owner.HERE
        if any(m.server == consumer and not m.is_over for m in self.view.migrations):
            return Owner.HERE
        server = self._clients.compute.server(consumer)
        if server is not None:
            # Without a host it is being scheduled, unless it was shelved away.
            on_its_way = not server.host and server.status != "SHELVED_OFFLOADED"
            return Owner.HERE if server.host == host or on_its_way else Owner.ELSEWHERE
        is_novas = self._clients.placement.is_novas(consumer)
        return Owner.NOTHING if is_novas else Owner.FOREIGN

    def _room(self, hosts: Sequence[str]) -> None:
        """What other hosts have free, and the server groups, where servers are to move."""
        if not self._request.moves_servers or not self.view.servers_of.keys() & set(hosts):
            return
        free = self._clients.placement.free()
        nodes = self._all_cells.compute_nodes(free) if self._all_cells else self.view.compute_nodes
        host_of = {n.uuid: n.host for n in nodes if n.host}
        rooms = tuple(HostCapacity(host_of[u], tuple(r)) for u, r in free.items() if u in host_of)
        self._keep(rooms=rooms, groups=self._clients.compute.server_groups())

    def _agents(self, hosts: Sequence[str]) -> None:
        network = self._clients.network
        if not network.available():
            self._keep(unchecked=("network agents: no network service",))
            return
        only = len(hosts) == 1 and not self._request.aliases
        agents = network.agents(hosts[0]) if only else network.agents()
        found = [replace(a, refused=a.id in self.refused_agents) for a in agents]
        others = [a for a in self.view.agents if only and a.host != hosts[0]]
        self._keep(agents=(*others, *found))

    def _hears(self, parts: frozenset[Part]) -> bool:
        """True when these parts bring a new look at the heartbeats."""
        witness = Part.SERVICES if self._clients.databases is None else Part.DATABASE
        return witness in parts

    def _counts(self, host: str) -> dict[str, int]:
        database = (self.view.databases or {}).get(host)
        rows = database.services if database else ()
        return {r.uuid: r.report_count for r in rows if r.uuid}

    def _listen(self, hosts: Sequence[str]) -> None:
        """Look at the heartbeats alone: with databases by one query per cell."""
        databases = self._clients.databases
        ids = [s.id for s in self.view.services if s.host in hosts and s.id]
        counts = databases.report_counts(hosts, ids) if databases and ids else {}
        for host in hosts:
            self._memories.hear(host, self.view.services, counts)
