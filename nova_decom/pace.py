# SPDX-License-Identifier: Apache-2.0
"""Moves that go side by side: so many at once, each bounded, all watched by one poll per tick.

A tick asks twice, whatever the number of servers: for the newest migrations of the host, and for
the servers of one host, this one or one on which a server has landed.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from nova_decom.errors import (
    ChangeFailedError,
    ConflictError,
    NovaDecomError,
    PassingError,
    RunInterruptedError,
    UnavailableError,
    WaitTimeoutError,
)
from nova_decom.model import Action, Change, HostFacts, Outcome, Sight, Status
from nova_decom.moving.courses import Obstacle, courses
from nova_decom.moving.fates import Fate, Flight, Kind, fate, own_migration
from nova_decom.moving.room import another_target
from nova_decom.steps.base import Cloud
from nova_decom.steps.move_servers import MoveServers, course_of
from nova_decom.waiting import Clock, Interrupts

#: A move that failed is tried once more, on another host.
ATTEMPTS = 2
MOVING = {Action.LIVE, Action.COLD, Action.EVACUATE}
#: So many readings without a server, one after the other, count as empty.
EMPTY_READINGS = 2


@dataclass(frozen=True, slots=True)
class Pacing:
    """How many moves at once per host, the bound of each in seconds, seconds between polls.

    ``blind`` are the seconds for which nova's API may stay silent while moves go on.
    """

    at_once: int = 4
    move_timeout: float = 3600.0
    every: float = 2.0
    blind: float = 300.0


@dataclass(frozen=True, slots=True)
class Moves:
    """How all moves of one host stand, for the display."""

    host: str
    flights: tuple[Flight, ...]
    moved: int
    left: int
    failed: int
    now: float
    since: float


class Watcher(Protocol):
    """Who writes down and shows what begins and ends."""

    def began(self, host: str, change: Change) -> None:
        """A change is about to be asked for."""

    def ended(self, host: str, outcome: Outcome) -> None:
        """A change has ended."""

    def noted(self, host: str, what: str) -> None:
        """Something worth to be known that ends nothing."""

    def moves(self, moves: Moves) -> None:
        """How all of them stand, once per tick."""


@dataclass(slots=True)
class Pace:
    """Moves the servers of one host; used once."""

    step: MoveServers
    cloud: Cloud
    watcher: Watcher
    interrupts: Interrupts
    clock: Clock
    pacing: Pacing
    since: float = 0.0
    seen: float = 0.0
    queue: deque[Change] = field(default_factory=deque)
    flights: dict[str, Flight] = field(default_factory=dict)
    to_look: deque[str] = field(default_factory=deque)
    attempts: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, float] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    sight: Sight = field(default_factory=Sight)

    def run(self, facts: HostFacts) -> None:
        """Move until two readings in a row show nothing left to move.

        :raises ChangeFailedError: some could not be moved; the others were.
        :raises WaitTimeoutError: servers went on arriving.
        :raises RunInterruptedError: asked to stop. Moves in progress were waited for, unless
            asked twice.
        """
        self.since = self.seen = self.clock.now()
        with self.interrupts.patient():
            try:
                self._move_all(facts)
            except NovaDecomError:
                self._abandon()
                raise
        if self.failed:
            named = "; ".join(f"{server}: {why}" for server, why in self.failed.items())
            raise ChangeFailedError(
                f"{facts.host}: {len(self.failed)} servers could not be moved: {named}",
                "mend what is named, then run again",
            )

    def _move_all(self, facts: HostFacts) -> None:
        self.sight = self.cloud.watch(facts.host, facts.host)
        bound, empty = self._bound(len(facts.servers)), 0
        while True:
            left = [c for c in self.step.changes(facts) if c.target not in self.failed]
            empty = 0 if left else empty + 1
            if empty == EMPTY_READINGS:
                return
            if self.clock.now() - self.since > bound:
                raise WaitTimeoutError(
                    f"{facts.host}: servers go on arriving after {bound:g} s",
                    "find out who sends them there, then run again",
                )
            self.queue.extend(left)
            self._fly(facts)
            self._pause()
            facts = self.cloud.refresh(facts.host, self.step.reads)

    def _bound(self, servers: int) -> float:
        """Seconds for all: each round may take its time for each attempt, and one to spare."""
        rounds = -(-servers // self.pacing.at_once) + 1
        return rounds * ATTEMPTS * self.pacing.move_timeout

    def _fly(self, facts: HostFacts) -> None:
        """Until nothing is queued or in progress; once asked to stop, nothing more begins."""
        while self.queue or self.flights:
            if self.interrupts.asked is None:
                self._launch(facts)
            elif not self.flights:
                raise RunInterruptedError(self.interrupts.asked)
            self._show(facts.host)
            if self.flights or self.queue:
                self._pause()
                facts = self._tick(facts)

    def _pause(self) -> None:
        self.clock.sleep(self.pacing.every)

    def _abandon(self) -> None:
        for flight in self.flights.values():
            outcome = Outcome(flight.change, Status.PENDING, flight.request_id, begun=True)
            self.watcher.ended(flight.host, outcome)
        self.flights.clear()

    # Beginning

    def _launch(self, facts: HostFacts) -> None:
        """Begin as many as there is room for; what only waits for others takes none."""
        for change in tuple(self.queue):
            course = course_of(change, facts)
            waits = course is None or course.action is None
            if waits or len(self._in_progress(facts.host)) < self.pacing.at_once:
                self.queue.remove(change)
                self._begin(change, facts)

    def _in_progress(self, host: str) -> set[str]:
        """The servers on their way: by nova's own records, and those just begun."""
        ours = {f.id for f in self.flights.values() if f.landing is None and f.action is not None}
        return ours | {m.server for m in self.sight.migrations if m.leaves(host) and not m.is_over}

    def _begin(self, change: Change, facts: HostFacts) -> None:
        """Ask nova to begin the move that the server's state of now allows."""
        course = course_of(change, facts)
        if change.target not in self.firsts:
            self.firsts[change.target] = self.clock.now()
            self.watcher.began(facts.host, change)
        if course is None:
            self._without_course(change, facts)
            return
        newest = max((m.id for m in self.sight.migrations), default=0)
        flight = Flight(
            change,
            facts.host,
            course.action,
            server=next((s for s in facts.servers if s.id == course.server), None),
            mark=course.migration.id - 1 if course.migration else newest,
            began=self.clock.now(),
        )
        self.attempts[flight.id] = self.attempts.get(flight.id, 0) + 1
        self.flights[flight.id] = flight
        self._ask(flight, facts)

    def _ask(self, flight: Flight, facts: HostFacts) -> None:
        try:
            flight.request_id = self.step.apply(flight.change, self.cloud, facts)
        except UnavailableError:
            # Whether it was heard is not known: what nova shows from now on tells.
            return
        except (ConflictError, PassingError) as error:
            # Its state is another one by now, or nova had no time; once more, by what is read next.
            self._fail(flight, str(error), again=True)
        except ChangeFailedError as error:
            self._fail(flight, str(error))

    def _without_course(self, change: Change, facts: HostFacts) -> None:
        """It is not here any more, or cannot leave."""
        for obstacle in courses(facts):
            if isinstance(obstacle, Obstacle) and obstacle.server == change.target:
                self.failed[change.target] = f"{obstacle.text}; {obstacle.remedy}"
                error = self.failed[change.target]
                self.watcher.ended(facts.host, Outcome(change, Status.FAILED, error=error))
                return
        self.watcher.ended(facts.host, Outcome(change, Status.NOT_NEEDED))

    # Watching

    def _tick(self, facts: HostFacts) -> HostFacts:
        """One reading, and what it means for every move; the facts as they are now."""
        look = facts.host
        if self.to_look and self.sight.looked == facts.host:
            look = self.to_look.popleft()
        try:
            self.sight = self.cloud.watch(facts.host, look)
        except UnavailableError:
            # Moves go on without us; a night's drain outlives a restart of the API.
            if self.clock.now() - self.seen > self.pacing.blind:
                raise
            return facts
        self.seen = self.clock.now()
        facts = _seen(facts, self.sight)
        for flight in tuple(self.flights.values()):
            migration = own_migration(flight, self.sight)
            flight.to = migration.destination if migration else flight.to
            bound = self.pacing.move_timeout
            found = fate(flight, self.sight, facts.request, self.seen, bound)
            self._settle(flight, found, facts)
        return facts

    def _settle(self, flight: Flight, found: Fate, facts: HostFacts) -> None:
        """Do what the fate of a move asks for."""
        if found.kind is Kind.LOOK and found.host is not None:
            flight.landing = found.host
            if found.host not in self.to_look:
                self.to_look.append(found.host)
        elif found.kind is Kind.ASK and found.action is not None:
            self._ask_next(flight, found.action)
        elif found.kind is Kind.AGAIN:
            self._again(flight)
        elif found.kind is Kind.DONE:
            self._end(flight, Status.DONE, to=found.host)
            self.moved.add(flight.id)
        elif found.kind is Kind.FAILED:
            self._retry_or_fail(flight, found, facts)

    def _ask_next(self, flight: Flight, action: Action) -> None:
        flight.confirming = flight.confirming or action is Action.CONFIRM
        flight.powering = action in {Action.START, Action.STOP}
        if flight.landing is not None:
            self.to_look.append(flight.landing)
        with suppress(UnavailableError):
            try:
                self.cloud.act(flight.id, action, None)
            except ChangeFailedError as error:
                self._fail(flight, str(error))

    def _again(self, flight: Flight) -> None:
        """Its state is another one: ask again, first of all, which way it leaves."""
        del self.flights[flight.id]
        waited = self.clock.now() - self.firsts[flight.id]
        if waited > ATTEMPTS * self.pacing.move_timeout:
            self.flights[flight.id] = flight
            self._fail(flight, f"its state changed again and again for {waited:.0f} s")
            return
        self.queue.appendleft(flight.change)

    def _retry_or_fail(self, flight: Flight, found: Fate, facts: HostFacts) -> None:
        """Once more elsewhere, if the host that failed is known and there is another."""
        is_new = self.attempts[flight.id] < ATTEMPTS and flight.action in MOVING
        if found.host is None or flight.server is None or not is_new:
            self._fail(flight, found.text)
            return
        target = another_target(facts, flight.server, {found.host})
        if target is None:
            self._fail(flight, f"{found.text}, on {found.host}; no other host has room")
            return
        self.watcher.noted(flight.host, f"{flight.id}: {found.text}; once more, to {target}")
        asked = replace(facts, request=replace(facts.request, target=target))
        self._begin(flight.change, asked)

    def _fail(self, flight: Flight, why: str, *, again: bool = False) -> None:
        if again and self.attempts[flight.id] < ATTEMPTS:
            del self.flights[flight.id]
            self.queue.append(flight.change)
            return
        self.failed[flight.id] = why
        self._end(flight, Status.FAILED, error=why)

    def _end(
        self, flight: Flight, status: Status, to: str | None = None, error: str | None = None
    ) -> None:
        del self.flights[flight.id]
        seconds = self.clock.now() - self.firsts[flight.id]
        outcome = Outcome(
            flight.change, status, flight.request_id, error, begun=True, seconds=seconds, to=to
        )
        self.watcher.ended(flight.host, outcome)

    def _show(self, host: str) -> None:
        counts = (len(self.moved), len(self.queue) + len(self.flights), len(self.failed))
        flights = tuple(self.flights.values())
        self.watcher.moves(Moves(host, flights, *counts, self.clock.now(), self.since))


def _seen(facts: HostFacts, sight: Sight) -> HostFacts:
    """The facts with what was read just now."""
    migrations = tuple(m for m in sight.migrations if not m.is_over)
    if sight.looked != facts.host:
        return replace(facts, migrations=migrations)
    return replace(facts, migrations=migrations, servers=sight.servers)
