# SPDX-License-Identifier: Apache-2.0
"""The cloud as the procedure sees it, over the real clients.

Whether it can write is decided once, when the clients are made: a cloud for reading holds
clients that are unable to write.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from nova_decom import audit, claims
from nova_decom.clients.cells import NovaDatabases
from nova_decom.clients.compute import Compute
from nova_decom.clients.database import Images
from nova_decom.clients.network import Network
from nova_decom.clients.placement import Placement
from nova_decom.clients.preflight import (
    API_COLUMNS,
    API_DELETES,
    CELL_COLUMNS,
    CELL_DELETES,
    NEEDED,
    Check,
    check_database,
)
from nova_decom.clients.reads import SharedReads, Wanted
from nova_decom.clients.remote import Remote, StopCommand
from nova_decom.errors import (
    BadRequestError,
    ChangeFailedError,
    UnavailableError,
    UnsupportedError,
    WriteRefusedError,
)
from nova_decom.facts import (
    Memory,
    View,
    compute_hosts,
    fleet_of,
    host_facts,
    identity_of,
    own_providers,
)
from nova_decom.guards import is_known
from nova_decom.model import (
    PLANNED_PARTS,
    Action,
    Aggregate,
    Allocation,
    ComputeService,
    DatabaseFacts,
    Fleet,
    Heartbeat,
    HostFacts,
    Identity,
    Image,
    Owner,
    Part,
    Request,
    Room,
    Sight,
    StopWith,
    Transaction,
    Unit,
)
from nova_decom.moving.room import share_rooms
from nova_decom.waiting import Clock

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


class LiveCloud:
    """Reads the cloud in bulk, remembers what it saw, and makes one change at a time."""

    def __init__(  # noqa: PLR0913 - what it reads by, and where what it saw goes
        self,
        clients: Clients,
        request: Request,
        *,
        recall: Callable[[str], Identity | None] = lambda _host: None,
        images: Images | None = None,
        clock: Clock | None = None,
        seen: Callable[[Sequence[str]], None] = lambda _hosts: None,
        holding: claims.Holding | None = None,
        gather: Callable[[float], None] | None = None,
    ) -> None:
        """``recall`` knows hosts of earlier runs; ``images`` saves rows before they go.

        ``seen`` is told the names of all compute hosts whenever they were read. ``gather`` waits
        while other hosts are about to ask for a reading.
        """
        self._holding = holding or claims.Holding()
        self._clients = clients
        self._request = request
        self._recall = recall
        self._images = images or _no_images
        self._clock = clock or Clock()
        self._seen = seen
        self._view = View()
        self._memories: dict[str, Memory] = {}
        self._problems: tuple[str, ...] | None = None
        self._refused_agents: set[str] = set()
        self._reads = SharedReads(self._read_wanted, gather)
        #: The hosts whose rows of all cells belong to the reading that goes on.
        self._in_rows: frozenset[str] = frozenset()
        #: A connection to a database serves one thread at a time.
        self._querying = threading.Lock()

    @property
    def clients(self) -> Clients:
        """One client for each system."""
        return self._clients

    def gather(
        self, hosts: Sequence[str] | None, parts: frozenset[Part] = PLANNED_PARTS
    ) -> tuple[HostFacts, ...]:
        """The facts of these hosts, or of every compute host, by as few calls as there are."""
        if Part.SERVICES in parts:
            self._read_services(None)
        chosen = compute_hosts(self._view) if hosts is None else tuple(hosts)
        self._read(dict.fromkeys(chosen, parts))
        fleet = fleet_of(self._view)
        return share_rooms([self._slice(host, fleet) for host in chosen])

    def hosts_of_the_cloud(self) -> tuple[tuple[ComputeService, ...], tuple[Aggregate, ...]]:
        """All services and all aggregates, for choosing hosts by them."""
        self._read_services(None)
        self._read_aggregates(())
        return self._view.services, self._view.aggregates

    def facts(self, host: str) -> HostFacts:
        """Everything about one host, read anew."""
        return self.refresh(host, PLANNED_PARTS)

    def refresh(self, host: str, parts: frozenset[Part]) -> HostFacts:
        """The facts of the host with only these parts read anew.

        Threads that ask at the same time are served by one reading for all of them.
        """
        if parts - {Part.UNIT}:
            self._reads(host, parts)
        if Part.UNIT in parts:
            self._look_at_unit(host)
        return self._slice(host)

    def take_over(self, other: LiveCloud) -> None:
        """Go on from what another cloud has seen: heartbeats stand still since its look."""
        self._memories = dict(other._memories)

    def disable_service(self, service: str, reason: str) -> str | None:
        """Disable a compute service; a claim gets its end of validity."""
        until = datetime.now(UTC) + timedelta(seconds=self._holding.validity)
        return self._clients.compute.disable_service(service, claims.stamped(reason, until))

    def delete_service(self, service: str) -> str | None:
        """Delete a service."""
        return self._clients.compute.delete_service(service)

    def enable_service(self, service: str) -> str | None:
        """Enable a compute service."""
        return self._clients.compute.enable_service(service)

    def act(self, server: str, action: Action, target: str | None) -> str | None:
        """Ask nova to do something with a server."""
        leave_stopped = self._request.leave_stopped
        return self._clients.compute.act(server, action, target, leave_stopped=leave_stopped)

    def watch(self, host: str, look: str) -> Sight:
        """Two calls, whatever the number of servers."""
        compute = self._clients.compute
        migrations = compute.newest_migrations(host)
        return Sight(migrations, look, compute.servers_of((look,)))

    def stop_unit(self, host: str) -> None:
        """Stop nova-compute on the host by ssh or by the operator's command."""
        command = self._clients.stop_command
        if self._request.stop_with is StopWith.COMMAND and command is not None:
            command.stop(host)
            self._remember(host, unit=Unit("(by the stop command)", active=False, enabled=False))
        else:
            self._clients.remote.stop(host)

    def release_allocations(self, consumer: str, providers: frozenset[str]) -> str | None:
        """Take these providers out of the consumer's allocations, saved first."""
        self._save(f"/allocations/{consumer}")
        return self._clients.placement.release(consumer, providers)

    def create_provider(self, uuid: str, name: str) -> str | None:
        """Create a bare resource provider."""
        return self._clients.placement.create_provider(uuid, name)

    def delete_provider(self, uuid: str) -> str | None:
        """Delete a resource provider; it, its inventories and its traits are saved first."""
        for part in ("", "/inventories", "/traits"):
            self._save(f"/resource_providers/{uuid}{part}")
        return self._clients.placement.delete_provider(uuid)

    def delete_agent(self, agent: str) -> str | None:
        """Delete a network agent; one that neutron refuses to delete is remembered as such."""
        try:
            return self._clients.network.delete_agent(agent)
        except BadRequestError as error:
            self._refused_agents.add(agent)
            raise UnsupportedError(str(error), error.remedy) from error

    def run(self, transaction: Transaction) -> None:
        """Run one guarded database transaction."""
        if self._clients.databases is not None:
            with self._querying:
                self._clients.databases.run(transaction, self._images)

    def survey(self, remembered: frozenset[str] = frozenset()) -> audit.Cloud:
        """What an audit looks at, by a number of calls that does not grow with the hosts.

        Allocations are told only per provider, and asked for only of roots without node. When
        all cells are known, compute nodes come from their rows: the API needs minutes for 20,000.
        """
        clients = self._clients
        rows = clients.databases.cloud_rows() if clients.databases else None
        from_rows = rows is not None and rows.all_cells
        self._read_services(None)
        self._read_aggregates(())
        self._read_providers(())
        if not from_rows:
            self._read_compute_nodes(())
        if rows is not None and from_rows:
            self._view = replace(self._view, compute_nodes=audit.living_nodes(self._view, rows))
        if clients.network.available():
            self._view = replace(self._view, agents=clients.network.agents())
        found = audit.Cloud(self._view, rows, clients.placement.compute_providers(), remembered)
        ghosts = [t.leftover.target for t in audit.providers_without_nodes(found)]
        held = [a for uuid in ghosts for a in clients.placement.allocations(uuid)]
        return replace(found, view=replace(self._view, allocations=tuple(held)))

    def checks(self) -> tuple[Check, ...]:
        """Every check of every database, as doctor shows them."""
        databases = self._clients.databases
        if databases is None:
            return ()
        found: list[Check] = []
        if databases.api is not None:
            found += check_database(databases.api, API_COLUMNS, API_DELETES)
        for cell in databases.cells:
            found += check_database(cell.database, CELL_COLUMNS, CELL_DELETES)
        return tuple(found)

    def _save(self, path: str) -> None:
        self._images([Image("placement", path, (self._clients.placement.image(path),))])

    def _slice(self, host: str, fleet: Fleet | None = None) -> HostFacts:
        facts = host_facts(self._view, host, self._request, self._memory(host), fleet)
        if is_known(facts):
            # What this run has seen goes on being known when nothing of it is left.
            self._remember(host, is_known=True)
        return replace(facts, claim_is_over=self._is_over(facts))

    def _is_over(self, facts: HostFacts) -> bool:
        """Whether the claim on the service is one that holds no longer."""
        found = claims.read(facts.service.disabled_reason) if facts.service else None
        if found is None:
            return False
        ours = found.run == claims.run_of(facts.request.claim)
        dead = not ours and self._holding.has_ended(found.run, facts.host)
        return dead or found.has_lapsed(datetime.now(UTC))

    def _memory(self, host: str) -> Memory:
        if host not in self._memories:
            known = self._recall(host)
            self._memories[host] = Memory(known or Identity(), is_known=known is not None)
        return self._memories[host]

    def _remember(self, host: str, **what: Any) -> None:  # noqa: ANN401
        self._memories[host] = replace(self._memory(host), **what)

    def _read_wanted(self, wanted: Wanted) -> None:
        """Services first: of one host, or of all where more is asked for than one host's."""
        of_services = {Part.SERVICES, Part.HEARTBEATS}
        hosts = [h for h, parts in wanted.items() if parts & of_services]
        if hosts:
            whole = len(wanted) > 1 or any(parts >= PLANNED_PARTS for parts in wanted.values())
            self._read_services(None if whole else hosts[0])
        self._read(wanted)

    def _read(self, wanted: Wanted) -> None:
        """Read what is wanted of each host, beside the services."""
        readers: tuple[tuple[Part, Callable[[Sequence[str]], None]], ...] = (
            (Part.COMPUTE_NODES, self._read_compute_nodes),
            (Part.SERVERS, self._read_servers),
            (Part.DATABASE, self._read_databases),
            (Part.MIGRATIONS, self._read_migrations),
            (Part.AGGREGATES, self._read_aggregates),
            (Part.PROVIDERS, self._read_providers),
            (Part.ALLOCATIONS, self._read_allocations),
            (Part.ROOM, self._read_room),
            (Part.AGENTS, self._read_agents),
        )
        self._in_rows = frozenset()
        for part, read in readers:
            hosts = [host for host, parts in wanted.items() if part in parts]
            if hosts:
                read(hosts)
        heard = [host for host, parts in wanted.items() if self._hears(parts)]
        for host in heard:
            self._hear(host, self._counts(host))
        self._listen([h for h, p in wanted.items() if Part.HEARTBEATS in p and h not in heard])

    def _read_services(self, of_host: str | None) -> None:
        found = self._clients.compute.services(of_host)
        others = [s for s in self._view.services if of_host is not None and s.host != of_host]
        self._view = replace(self._view, services=(*others, *found))
        if of_host is None:
            self._seen(compute_hosts(self._view))

    def _read_compute_nodes(self, hosts: Sequence[str]) -> None:
        self._view = replace(self._view, compute_nodes=self._clients.compute.compute_nodes())
        for host in hosts:
            self._note(host)

    def _read_servers(self, hosts: Sequence[str]) -> None:
        compute = self._clients.compute
        found = compute.servers_of(hosts) if len(hosts) <= BY_HOST else compute.servers()
        asked = {*hosts, *(s.host for s in found)}
        others = [s for s in self._view.servers if s.host not in asked]
        self._view = replace(self._view, servers=(*others, *found))

    def _read_migrations(self, hosts: Sequence[str]) -> None:
        """Of many hosts from their rows, where those of all cells were read before in this look.

        The API tells by one status at a time, so that it may miss a migration that goes from one
        to another meanwhile.
        """
        compute = self._clients.compute
        if len(hosts) <= BY_HOST:
            found = compute.migrations_of(hosts)
        elif self._in_rows.issuperset(hosts):
            rows = self._view.databases or {}
            found = tuple({m.id: m for h in hosts for m in rows[h].active_migrations}.values())
        else:
            found = compute.migrations()
        known = {m.id for m in found}
        others = [
            m
            for m in self._view.migrations
            if m.id not in known and not {m.source, m.destination} & set(hosts)
        ]
        self._view = replace(self._view, migrations=(*others, *found))

    def _read_aggregates(self, _hosts: Sequence[str]) -> None:
        self._view = replace(self._view, aggregates=self._clients.compute.aggregates())

    def _read_providers(self, _hosts: Sequence[str]) -> None:
        self._view = replace(self._view, providers=self._clients.placement.providers())

    def _read_databases(self, hosts: Sequence[str]) -> None:
        databases = self._clients.databases
        if databases is None:
            return
        with self._querying:
            found = self._query(databases, hosts)
        known = dict(self._view.databases or {})
        for host, facts in found.items():
            known[host] = replace(facts, problems=self._problems or ())
        self._view = replace(self._view, databases=known)
        if databases.api is not None:
            self._in_rows = frozenset(hosts)
        for host in hosts:
            self._note(host)

    def _query(self, databases: NovaDatabases, hosts: Sequence[str]) -> dict[str, DatabaseFacts]:
        """What they hold of the hosts; before the first time, whether they can be used."""
        if self._problems is None:
            checks = self.checks()
            unreadable = [c for c in checks if c.problem and c.name.endswith(NEEDED)]
            if unreadable:
                raise UnavailableError(str(unreadable[0].problem), unreadable[0].remedy)
            self._problems = tuple(c.problem for c in checks if c.problem)
        return databases.facts(hosts) if hosts else {}

    def _read_allocations(self, hosts: Sequence[str]) -> None:
        found: list[Allocation] = []
        asked: set[str] = set()
        fleet = fleet_of(self._view)
        for host in hosts:
            identity = self._slice(host, fleet).identity
            for provider in own_providers(self._view, host, identity):
                held = self._clients.placement.allocations(provider.uuid)
                asked.add(provider.uuid)
                found += [replace(a, owner=self._owner(a.consumer, host)) for a in held]
        others = [a for a in self._view.allocations if a.provider not in asked]
        self._view = replace(self._view, allocations=(*others, *found))

    def _owner(self, consumer: str, host: str) -> Owner:
        """Whose an allocation is: nova is asked only for those that are not plainly here."""
        if any(s.id == consumer and s.host == host for s in self._view.servers):
            return Owner.HERE
        migration = next((m for m in self._view.migrations if m.uuid == consumer), None)
        if migration is not None:
            return Owner.MIGRATION if migration.is_over else Owner.HERE
        if any(m.server == consumer and not m.is_over for m in self._view.migrations):
            return Owner.HERE
        server = self._clients.compute.server(consumer)
        if server is not None:
            # Without a host it is being scheduled, unless it was shelved away.
            on_its_way = not server.host and server.status != "SHELVED_OFFLOADED"
            return Owner.HERE if server.host == host or on_its_way else Owner.ELSEWHERE
        is_novas = self._clients.placement.is_novas(consumer)
        return Owner.NOTHING if is_novas else Owner.FOREIGN

    def _read_room(self, hosts: Sequence[str]) -> None:
        """What other hosts have free, and the server groups, where servers are to move."""
        if not self._request.moves_servers or not any(s.host in hosts for s in self._view.servers):
            return
        hosts_of = {n.uuid: n.host for n in self._view.compute_nodes}
        free = self._clients.placement.free()
        rooms = tuple(Room(hosts_of[u], tuple(r)) for u, r in free.items() if u in hosts_of)
        groups = self._clients.compute.server_groups()
        self._view = replace(self._view, rooms=rooms, groups=groups)

    def _read_agents(self, hosts: Sequence[str]) -> None:
        network = self._clients.network
        if not network.available():
            self._view = replace(self._view, unchecked=("network agents: no network service",))
            return
        only = len(hosts) == 1 and not self._request.aliases
        agents = network.agents(hosts[0]) if only else network.agents()
        refused = self._refused_agents
        found = [replace(a, refused=a.id in refused) for a in agents]
        others = [a for a in self._view.agents if only and a.host != hosts[0]]
        self._view = replace(self._view, agents=(*others, *found))

    def _note(self, host: str) -> None:
        """Keep what this look adds to the host's names and uuids."""
        nodes = tuple(n for n in self._view.compute_nodes if n.host == host)
        database = (self._view.databases or {}).get(host)
        identity = self._memory(host).identity.union(identity_of(host, nodes, database))
        self._remember(host, identity=identity)

    def _hears(self, parts: frozenset[Part]) -> bool:
        """True when these parts bring a new look at the heartbeats."""
        witness = Part.SERVICES if self._clients.databases is None else Part.DATABASE
        return witness in parts

    def _counts(self, host: str) -> dict[str, int]:
        database = (self._view.databases or {}).get(host)
        rows = database.services if database else ()
        return {r.uuid: r.report_count for r in rows if r.uuid}

    def _listen(self, hosts: Sequence[str]) -> None:
        """Look at the heartbeats alone: with databases by one query per cell."""
        databases = self._clients.databases
        ids = [s.id for s in self._view.services if s.host in hosts and s.id]
        with self._querying:
            counts = databases.report_counts(hosts, ids) if databases and ids else {}
        for host in hosts:
            self._hear(host, counts)

    def _hear(self, host: str, counts: dict[str, int]) -> None:
        now = self._clock.now()
        heard = dict(self._memory(host).heartbeats)
        for service in self._view.services:
            if service.host != host or service.id is None:
                continue
            # The counter is the better witness: updated_at also moves when nova or anybody
            # changes the row, as our own disabling does.
            count = counts.get(service.id)
            value = f"updated_at {service.updated_at}" if count is None else f"count {count}"
            before = heard.get(service.id)
            heard[service.id] = (
                before.seen(value, now)
                if before
                else Heartbeat(service.id, service.binary, value, since=now, until=now)
            )
        self._remember(host, heartbeats=heard)

    def _look_at_unit(self, host: str) -> None:
        """Ask the host over ssh, until its unit was seen to be off."""
        known = self._memory(host).unit
        over_ssh = self._request.stop_with is StopWith.SSH and not self._request.offline
        if not over_ssh or (known and known.is_off):
            return
        try:
            unit = self._clients.remote.unit(host)
        except ChangeFailedError:
            if self._slice(host).service is not None:
                raise
            # Nothing says that the host still lives, so that it must be asked.
            unit = Unit("nova-compute", active=False, enabled=False, reached=False)
        self._remember(host, unit=unit)


def _no_images(_images: Sequence[Image]) -> None:
    """Nothing is written without a place for the before-images."""
    raise WriteRefusedError("a write without a journal")
