# SPDX-License-Identifier: Apache-2.0
"""A cloud of one host behind our own ``Cloud`` protocol, with its own idea of what nova does.

It knows one host and the ids it was given; everything else it is asked for fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nova_decom.errors import JournalError
from nova_decom.guards import is_known
from nova_decom.model import (
    API_DATABASE,
    NOVA_COMPUTE,
    PLANNED_PARTS,
    DatabaseFacts,
    Heartbeat,
    HostFacts,
    Part,
    ResourceProvider,
    StopWith,
    Transaction,
    Unit,
)
from nova_decom.waiting import Clock
from tests.unit import rows

UNIT = "nova-compute.service"
FIELDS = {
    Part.SERVICES: "services",
    Part.COMPUTE_NODES: "compute_nodes",
    Part.SERVERS: "servers",
    Part.MIGRATIONS: "migrations",
    Part.AGGREGATES: "aggregates",
    Part.PROVIDERS: "providers",
    Part.ALLOCATIONS: "allocations",
    Part.AGENTS: "agents",
    Part.DATABASE: "database",
}


class Kill(Exception):  # noqa: N818 - no failure of ours: the process dies
    """The process dies here."""


@dataclass
class Time:
    """A clock that stands still until somebody sleeps; events happen at their time."""

    seconds: float = 1000.0
    events: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def at(self, later: float, event: Callable[[], object]) -> None:
        """Let something happen so many seconds from now."""
        self.events.append((self.seconds + later, event))
        self.events.sort(key=lambda entry: entry[0])

    def now(self) -> float:
        """The time."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        end = self.seconds + seconds
        while self.events and self.events[0][0] <= end:
            self.seconds, event = self.events.pop(0)
            event()
        self.seconds = end

    @property
    def clock(self) -> Clock:
        """What the code under test takes."""
        return Clock(self.now, self.sleep)


class World:
    """What is really there. Changes happen to it, by us or by others."""

    def __init__(self, truth: HostFacts) -> None:
        """Start with these facts."""
        self.time = Time()
        self.truth = truth
        self.unit = Unit(UNIT, active=True, enabled=True)
        self.beating = bool(truth.service and truth.service.is_up)
        self.obeys = True
        self.on_stop: Callable[[], object] | None = None
        self.writes: list[str] = []
        self.failures: dict[int, BaseException] = {}
        self.answer_lost = False
        self._silent_since = self.time.now()

    def change(self, **what: object) -> None:
        """Something happens to the host."""
        self.truth = replace(self.truth, **what)

    def beat(self) -> str:
        """The counter of the heartbeat."""
        moment = self.time.now() if self.beating else self._silent_since
        return f"count {int(moment / self.truth.request.report_interval)}"

    def fall_silent(self) -> None:
        """nova-compute ends, and nova notices."""
        if self.beating:
            self.beating, self._silent_since = False, self.time.now()
        self.change(
            services=tuple(
                replace(s, state="down") if s.binary == NOVA_COMPUTE else s
                for s in self.truth.services
            )
        )

    def write(self, name: str, effect: Callable[[], None]) -> str:
        """One write; it may fail or be the last thing that the process did."""
        self.writes.append(name)
        failure = self.failures.get(len(self.writes))
        if failure is None or self.answer_lost:
            effect()
        if failure is not None:
            raise failure
        return f"req-{len(self.writes)}"

    def fail(self, number: int, failure: BaseException, *, answer_lost: bool = False) -> None:
        """Plan a failure of the write with this number, before or after it took effect."""
        self.failures = {number: failure}
        self.answer_lost = answer_lost

    def delete_service(self, uuid: str) -> None:
        """What nova does on DELETE /os-services/UUID."""
        gone = next(s for s in self.truth.services if s.id == uuid)
        self.change(services=tuple(s for s in self.truth.services if s is not gone))
        base = self.truth.database
        if base is not None:
            deleted = tuple(
                replace(r, deleted=r.id) if r.uuid == uuid else r for r in base.services
            )
            self.change(database=replace(base, services=deleted))
        if gone.binary == NOVA_COMPUTE:
            self._forget_host()

    def _forget_host(self) -> None:
        truth, base = self.truth, self.truth.database
        self.change(aggregates=(), providers=self._providers_left(), compute_nodes=())
        if base is None:
            return
        nodes = tuple(
            replace(r, deleted=r.id) if r.host == truth.host and not r.deleted else r
            for r in base.compute_nodes
        )
        self.change(
            database=replace(
                self.truth.database, compute_nodes=nodes, aggregate_hosts=(), host_mapping=None
            )
        )

    def _providers_left(self) -> tuple[ResourceProvider, ...]:
        """Leaf by leaf, as far as placement allows."""
        left = list(self.truth.providers)
        trees = {n.uuid for n in self.truth.compute_nodes}
        used = {a.provider for a in self.truth.allocations}
        while True:
            parents = {p.parent for p in left}
            leaf = next(
                (p for p in left if p.root in trees and p.uuid not in used | parents), None
            )
            if leaf is None:
                return tuple(left)
            left.remove(leaf)


class FakeCloud:
    """The world as one process sees it: only what it read, as old as its last look."""

    def __init__(self, world: World, *, was_known: bool = False) -> None:
        """Nothing was seen yet."""
        self.world = world
        truth = world.truth
        self._seen = HostFacts(truth.host, truth.request, was_known=was_known or truth.was_known)

    def facts(self, host: str) -> HostFacts:
        """Everything, read anew."""
        return self.refresh(host, PLANNED_PARTS)

    def refresh(self, host: str, parts: frozenset[Part]) -> HostFacts:
        """Only these parts are read anew."""
        truth = self.world.truth
        assert host == truth.host, f"asked for {host!r}, told only of {truth.host!r}"
        names = {FIELDS[p] for p in parts if p in FIELDS}
        if Part.HEARTBEATS in parts:
            names.add("services")
        self._see(fleet=truth.fleet, **{name: getattr(truth, name) for name in names})
        if parts & {Part.HEARTBEATS, Part.SERVICES, Part.DATABASE}:
            self._see(heartbeats=tuple(self._hear()))
        asks = truth.request.stop_with is StopWith.SSH and not truth.request.offline
        if Part.UNIT in parts and asks:
            self._see(unit=self.world.unit)
        self._see(was_known=is_known(self._seen))
        return self._seen

    def disable_service(self, service: str, reason: str) -> str | None:
        """The service of the host, with our claim."""
        here = self.world.truth.service
        assert here is not None
        assert (service, reason) == (here.id, self.world.truth.request.claim)
        disabled = replace(here, status="disabled", disabled_reason=reason)
        others = tuple(s for s in self.world.truth.services if s is not here)
        return self._write("disable", lambda: self.world.change(services=(disabled, *others)))

    def stop_unit(self, host: str) -> None:
        """The unit of the host; whether the process really ends is the world's matter."""
        assert host == self.world.truth.host
        self._write("stop", self._stop)

    def delete_service(self, service: str) -> str | None:
        """A service of the host."""
        assert service in {s.id for s in self.world.truth.services}
        return self._write("delete", lambda: self.world.delete_service(service))

    def release_allocations(self, consumer: str, providers: frozenset[str]) -> str | None:
        """A consumer of the host's providers lets go of them."""
        truth = self.world.truth
        assert providers == {p.uuid for p in truth.providers}
        assert consumer in {a.consumer for a in truth.allocations}
        rest = tuple(a for a in truth.allocations if a.consumer != consumer)
        return self._write("release", lambda: self.world.change(allocations=rest))

    def create_provider(self, uuid: str, name: str) -> str | None:
        """A root provider; names and uuids are unique."""
        found = self.world.truth.providers
        assert not {(p.uuid, p.name) for p in found if p.uuid == uuid or p.name == name}
        new = (*found, ResourceProvider(uuid, name, root=uuid))
        return self._write("create", lambda: self.world.change(providers=new))

    def delete_provider(self, uuid: str) -> str | None:
        """A provider of the host without children and allocations."""
        truth = self.world.truth
        assert uuid in {p.uuid for p in truth.providers}
        assert uuid not in {p.parent for p in truth.providers}
        assert uuid not in {a.provider for a in truth.allocations}
        rest = tuple(p for p in truth.providers if p.uuid != uuid)
        return self._write("provider", lambda: self.world.change(providers=rest))

    def delete_agent(self, agent: str) -> str | None:
        """A dead agent of the host."""
        agents = self.world.truth.agents
        assert agent in {a.id for a in agents if not a.alive}
        rest = tuple(a for a in agents if a.id != agent)
        return self._write("agent", lambda: self.world.change(agents=rest))

    def run(self, transaction: Transaction) -> None:
        """A transaction on the host's cell, or on the API database."""
        base = self.world.truth.database
        assert base is not None
        assert transaction.cell in {base.cell, API_DATABASE}
        assert transaction.host == self.world.truth.host
        self._write("purge", lambda: self._run(transaction, base))

    def _run(self, transaction: Transaction, base: DatabaseFacts) -> None:
        self.world.change(database=rows.run(transaction, base))
        if not self.world.truth.database.aggregate_hosts:
            self.world.change(aggregates=())

    def _stop(self) -> None:
        if self.world.on_stop is not None:
            self.world.on_stop()
            return
        self.world.unit = Unit(UNIT, active=False, enabled=False)
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
            heard.append(known.get(service.id, first).seen(value, now))
        return heard

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
