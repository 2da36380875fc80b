# SPDX-License-Identifier: Apache-2.0
"""A cloud of one host behind our own ``Cloud`` protocol.

It knows one host and the ids it was given; everything else it is asked for fails the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from nova_decom.errors import JournalError, UnsupportedError
from nova_decom.guards.host import is_known, is_named_by_nova
from nova_decom.model.api_call import ApiCall
from nova_decom.model.claim import belongs_to, run_of
from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    Action,
    LiveProgress,
    MoveSnapshot,
    ResourceProvider,
)
from nova_decom.model.heartbeat import Heartbeat
from nova_decom.model.host import HostFacts
from nova_decom.model.machine import StopOrder, SystemdUnit
from nova_decom.model.ownership import has_ended
from nova_decom.model.request import Part, StopWith
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.sql import API_DATABASE, Transaction
from nova_decom.registrars import PLANNED_PARTS, agent_records, queue_records
from tests.unit import build, rows
from tests.unit.world import UNIT, World

FIELDS = {
    Part.SERVICES: "services",
    Part.COMPUTE_NODES: "compute_nodes",
    Part.SERVERS: "servers",
    Part.MIGRATIONS: "migrations",
    Part.AGGREGATES: "aggregates",
    Part.PROVIDERS: "providers",
    Part.ALLOCATIONS: "allocations",
    Part.DATABASE: "database",
}


class FakeCloud:
    """The world as one process sees it: only what it read, as old as its last look."""

    def __init__(self, world: World, *, was_known: bool = False) -> None:
        """Nothing was seen yet."""
        self.world = world
        truth = world.truth
        self._refused: set[str] = set()
        self._seen = HostFacts(truth.host, truth.request, was_known=was_known or truth.was_known)

    def facts(self, host: str) -> HostFacts:
        """Everything, read anew."""
        return self.refresh(host, PLANNED_PARTS)

    def refresh(self, host: str, parts: frozenset[str]) -> HostFacts:
        """Only these parts are read anew."""
        truth = self.world.truth
        assert host == truth.host, f"asked for {host!r}, told only of {truth.host!r}"
        names = {FIELDS[p] for p in parts if p in FIELDS}
        if Part.HEARTBEATS in parts:
            names.add("services")
        self._see(fleet=truth.fleet, **{name: getattr(truth, name) for name in names})
        self._see_registrars(parts)
        if Part.ROOM in parts:
            self._see(rooms=truth.rooms, groups=truth.groups, nova=truth.nova)
            self._see(ports=truth.ports, with_shares=truth.with_shares)
            self._see(fitting=truth.fitting, images=truth.images)
        if parts & {Part.HEARTBEATS, Part.SERVICES, Part.DATABASE}:
            self._see(heartbeats=tuple(self._hear()))
        asks = truth.request.stop_with is StopWith.SSH and not truth.request.offline
        if Part.UNIT in parts and asks:
            self._see(unit=self.world.unit, machine=self.world.machine)
            self._see(heartbeats=tuple(self._noted()))
        self._see(was_known=is_known(self._seen), was_named=is_named_by_nova(self._seen))
        return self._seen

    def send(self, call: ApiCall) -> str | None:
        """One of the requests of the procedure, on an object of the host."""
        body = dict(call.body or {})
        match (call.service, call.method, *call.path.split("/")[1:]):
            case ("compute", "PUT", "os-services", service):
                return self._set_service(service, body["status"], body.get("disabled_reason"))
            case ("compute", "DELETE", "os-services", service):
                assert service in {s.id for s in self.world.truth.services}
                return self._write("delete", lambda: self.world.delete_service(service))
            case ("compute", "POST", "servers", server, "action"):
                ((action, what),) = body.items()
                return self._act(server, Action(action), (what or {}).get("host"))
            case ("placement", "POST", "resource_providers"):
                return self._create_provider(body["uuid"], body["name"])
            case ("placement", "DELETE", "resource_providers", uuid):
                return self._delete_provider(uuid)
            case ("message-queue", "DELETE", "api", "queues", _, name):
                return self._write("queue", lambda: self._delete_queue(name.partition("?")[0]))
            case ("network", "DELETE", "agents", agent):
                return self._delete_agent(agent)
        return self._reschedule(call)

    def _reschedule(self, call: ApiCall) -> str | None:
        match (call.service, call.method, *call.path.split("/")[1:]):
            case ("network", "DELETE", "agents", agent, "l3-routers", router):
                return self._take_router(agent, router)
            case ("network", "POST", "agents", agent, kind):
                ((_, what),) = (call.body or {}).items()
                return self._give(agent, kind, what)
            case ("instance-ha", "PUT", "segments", _, "hosts", record):
                return self._set_record("masakari", record, **(call.body or {})["host"])
            case ("instance-ha", "DELETE", "segments", _, "hosts", record):
                return self._delete_record("masakari", record)
            case ("reservation", "DELETE", "os-hosts", record):
                return self._delete_record("blazar", record)
        raise AssertionError(f"not a request of the procedure: {call}")

    def _set_service(self, service: str, status: str, reason: str | None) -> str:
        here = self.world.truth.service
        assert here is not None
        assert service == here.id
        if status == "disabled":
            assert belongs_to(run_of(self.world.truth.request.claim), reason)
        new = replace(here, status=status, disabled_reason=reason)
        others = tuple(s for s in self.world.truth.services if s is not here)
        name = {"disabled": "disable", "enabled": "enable"}[status]
        return self._write(name, lambda: self.world.change(services=(new, *others)))

    def _act(self, server: str, action: Action, target: str | None) -> str | None:
        nova = self.world.nova
        nova.answer()
        return self._write(action.value, lambda: nova.act(server, action, target))

    def live_progress(self, server: str) -> LiveProgress | None:
        """The progress of a live migration, and a note that it was asked for."""
        self.world.nova.progress_asked.append((self.world.time.now(), server))
        self.world.nova.answer()
        return self.world.nova.progress.get(server)

    def watch(self, host: str, look: str) -> MoveSnapshot:
        """Moves in progress."""
        return self.world.nova.watch(host, look)

    def stop_unit(self, host: str, order: StopOrder | None) -> None:
        """The unit of the host; whether the process really ends is the world's matter."""
        truth, machine = self.world.truth, self.world.machine
        assert host == truth.host
        if truth.request.stop_with is StopWith.SSH:
            assert order == StopOrder((self.world.unit.name,), machine.checksum)
        else:
            assert order is None
        self._write("stop", self._stop)

    def release_allocations(self, consumer: str, providers: frozenset[str]) -> str | None:
        """A consumer of the host's providers lets go of them."""
        truth = self.world.truth
        assert providers == {p.uuid for p in truth.providers}
        assert consumer in {a.consumer for a in truth.allocations}
        rest = tuple(a for a in truth.allocations if a.consumer != consumer)
        return self._write("release", lambda: self.world.change(allocations=rest))

    def _create_provider(self, uuid: str, name: str) -> str | None:
        """A root provider; names and uuids are unique."""
        found = self.world.truth.providers
        assert not {(p.uuid, p.name) for p in found if p.uuid == uuid or p.name == name}
        new = (*found, ResourceProvider(uuid, name, root=uuid))
        return self._write("create", lambda: self.world.change(providers=new))

    def _delete_provider(self, uuid: str) -> str | None:
        """A provider of the host without children and allocations."""
        truth = self.world.truth
        assert uuid in {p.uuid for p in truth.providers}
        assert uuid not in {p.parent for p in truth.providers}
        assert uuid not in {a.provider for a in truth.allocations}
        rest = tuple(p for p in truth.providers if p.uuid != uuid)
        return self._write("provider", lambda: self.world.change(providers=rest))

    def _delete_queue(self, name: str) -> None:
        """A queue of the host; RabbitMQ keeps a classic one with messages by itself."""
        known = queue_records.queues_of(self.world.truth)
        assert name in {q.name for q in known.queues}
        left = replace(known, queues=tuple(q for q in known.queues if q.name != name))
        registrars = {**self.world.truth.registrars, queue_records.NAME: left}
        self.world.change(registrars=registrars)

    def _delete_agent(self, agent: str) -> str | None:
        """A dead agent of the host; neutron keeps those that stand for an OVN chassis."""
        agents = agent_records.agents_of(self.world.truth).own
        assert agent in {a.id for a in agents if not a.alive}
        rest = tuple(a for a in agents if a.id != agent)
        if self.world.has_chassis:
            self._refused.add(agent)
            raise UnsupportedError("HTTP 400: a chassis has it", "look")
        return self._write("agent", lambda: self.world.change(registrars=build.agents(*rest)))

    def _take_router(self, agent: str, router: str) -> str | None:
        """A router leaves the agent that has it."""
        known = agent_records.agents_of(self.world.truth)
        (mine,) = [h for h in known.hosted if h.id == router]
        assert (mine.agent, mine.is_bound) == (agent, True)
        others = tuple(h for h in known.hosted if h is not mine)
        return self._serve("take", (*others, replace(mine, is_bound=False)))

    def _give(self, agent: str, kind: str, what: str) -> str | None:
        """Neutron refuses a router that another agent has."""
        known = agent_records.agents_of(self.world.truth)
        (mine,) = [h for h in known.hosted if h.id == what]
        assert (mine.kind, mine.target) == (kind, agent)
        assert kind == "dhcp-networks" or not mine.is_bound
        return self._serve("give", tuple(h for h in known.hosted if h is not mine))

    def _serve(self, name: str, hosted: tuple[agent_records.Hosted, ...]) -> str:
        after = build.agents(*agent_records.agents_of(self.world.truth).own, hosted=hosted)
        return self._write(name, lambda: self.world.change(registrars=after))

    def _set_record(self, name: str, identity: str, **what: object) -> str:
        """A record of a project that is there."""
        known = self.world.truth.registrars[name].records
        assert identity in {r.id for r in known}
        new = tuple(replace(r, **what) if r.id == identity else r for r in known)
        verb = " ".join(f"{key}={value}" for key, value in what.items())
        return self._write(verb, lambda: self._keep_records(name, new))

    def _delete_record(self, name: str, identity: str) -> str:
        """A record of a project; blazar deletes none of a host that nova does not know."""
        known = self.world.truth.registrars[name].records
        assert identity in {r.id for r in known}
        assert name != "blazar" or self.world.truth.service
        left = tuple(r for r in known if r.id != identity)
        return self._write(name, lambda: self._keep_records(name, left))

    def _keep_records(self, name: str, records: tuple[object, ...]) -> None:
        registrars = self.world.truth.registrars
        new = replace(registrars[name], records=records)
        self.world.change(registrars={**registrars, name: new})

    def run(self, transaction: Transaction) -> None:
        """A transaction on the host's cell, or on the API database."""
        base = self.world.truth.database
        assert base is not None
        assert transaction.cell in {base.cell, API_DATABASE}
        assert transaction.host == self.world.truth.host
        self._write("purge", lambda: self._run(transaction, base))

    def _run(self, transaction: Transaction, base: DatabaseFacts) -> None:
        after = rows.run(transaction, base)
        hidden = {r.uuid for r in after.services if r.deleted}
        # Nova's API shows no service whose row is soft-deleted.
        shown = tuple(s for s in self.world.truth.services if s.id not in hidden)
        self.world.change(database=after, services=shown)
        if not self.world.truth.database.aggregate_hosts:
            self.world.change(aggregates=())

    def _stop(self) -> None:
        if self.world.on_stop is not None:
            self.world.on_stop()
            if self.world.truth.request.stop_with is StopWith.COMMAND:
                # Its end is believed; the heartbeat proves it.
                self._see(unit=SystemdUnit("(command)", active=False, enabled=False))
            return
        self.world.unit = SystemdUnit(UNIT, active=False, enabled=False)
        if self.world.truth.request.stop_with is StopWith.COMMAND:
            self._see(unit=self.world.unit)
        if self.world.obeys:
            self.world.fall_silent()

    def _hear(self) -> list[Heartbeat]:
        known = {h.service: h for h in self._seen.heartbeats}
        now, heard = self.world.time.now(), []
        for service in self._seen.services:
            if service.id is None:
                continue
            value = self.world.beat() if service.binary == NOVA_COMPUTE else "count 7"
            first = Heartbeat(service.id, service.binary, value, since=now, until=now)
            heard.append(known.get(service.id, first).seen(value, now, now))
        return heard

    def _see_registrars(self, parts: frozenset[str]) -> None:
        """The records of these registrars; refusals of neutron are noted."""
        found = {n: f for n, f in self.world.truth.registrars.items() if n in parts}
        seen = {**self._seen.registrars, **found}
        if agent_records.NAME in seen:
            known = seen[agent_records.NAME]
            noted = (replace(a, refused=a.refused or a.id in self._refused) for a in known.own)
            seen |= build.agents(*noted, hosted=known.hosted)
        self._see(registrars=seen)

    def _noted(self) -> Iterator[Heartbeat]:
        ended = has_ended(self._seen)
        for beat in self._seen.heartbeats:
            yield beat.noted(ended=ended) if beat.binary == NOVA_COMPUTE else beat

    def _see(self, **what: object) -> None:
        self._seen = replace(self._seen, **what)

    def _write(self, name: str, effect: Callable[[], None]) -> str:
        return self.world.write(name, effect)


@dataclass
class FakeJournal:
    """Events in memory, as many as there is room for."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    remembered: list[HostFacts] = field(default_factory=list)
    room: int = 1000

    def event(self, kind: str, **data: object) -> None:
        """Keep it."""
        if len(self.events) >= self.room:
            raise JournalError("the journal cannot be written", "make room")
        self.events.append((kind, data))

    def remember(self, facts: HostFacts) -> None:
        """Keep it."""
        self.remembered.append(facts)

    @property
    def kinds(self) -> list[str]:
        """The events by kind, in order."""
        return [kind for kind, _ in self.events]
