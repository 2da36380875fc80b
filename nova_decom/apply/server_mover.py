# SPDX-License-Identifier: Apache-2.0
"""Moves that go side by side: so many at once, each bounded, all watched by one poll per tick.

A tick asks twice, whatever the number of servers: for the newest migrations of the host, and for
the servers of one host, this one or one on which a server has landed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nova_decom.apply.change_runner import ChangeRunner
from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.move_log import MoveLog
from nova_decom.clock import Clock
from nova_decom.errors import (
    ChangeFailedError,
    NotFoundError,
    NovaDecomError,
    RunInterruptedError,
    TransientError,
    UnavailableError,
    WaitTimeoutError,
)
from nova_decom.model.api_call import server_action
from nova_decom.model.change import Change, Status
from nova_decom.model.cloud import Action, MoveSnapshot
from nova_decom.model.host import HostFacts
from nova_decom.moves.capacity import another_target
from nova_decom.moves.eligibility import FINISHED, Blocker, Move, moves_of
from nova_decom.moves.status import (
    MOVING,
    Kind,
    MoveInProgress,
    NextStep,
    next_step,
    own_migration,
)
from nova_decom.steps import Cloud, Step

#: A move that failed is tried once more, on another host; so is a call that nova refused.
MOVE_ATTEMPTS = 2
#: So many readings without a server, one after the other, count as empty.
EMPTY_READINGS = 2


class RunMoveLimit:
    """So many moves at once over all hosts of a run."""

    def __init__(self, most: int) -> None:
        """Nothing moves yet."""
        self._most = most
        self._counts: dict[str, int] = {}
        self._turn = threading.Lock()

    def grant(self, host: str, moving: int, wanted: int) -> int:
        """Of the moves that a host wants to begin beside those in progress, how many it may."""
        with self._turn:
            others = sum(count for name, count in self._counts.items() if name != host)
            granted = max(0, min(wanted, self._most - others - moving))
            self._counts[host] = moving + granted
            return granted


@dataclass(frozen=True, slots=True)
class MoveLimits:
    """How many moves at once per host, the bound of each in seconds, seconds between polls.

    ``blind`` are the seconds for which nova's API may stay silent while moves go on.
    """

    at_once: int = 4
    move_timeout: float = 3600.0
    every: float = 2.0
    api_outage_limit: float = 300.0
    total: RunMoveLimit | None = None

    def free_slots(self, host: str, moving: int, wanted: int) -> int:
        """How many more may begin on the host, where so many move and so many want to."""
        room = min(wanted, self.at_once - moving)
        return room if self.total is None else self.total.grant(host, moving, max(0, room))

    def give_back(self, host: str) -> None:
        """Nothing of the host moves any more; others may."""
        if self.total is not None:
            self.total.grant(host, moving=0, wanted=0)

    def bound(self, servers: int) -> float:
        """Seconds for all: each round may take its time for each attempt, and one to spare."""
        rounds = -(-servers // self.at_once) + 1
        return rounds * MOVE_ATTEMPTS * self.move_timeout


@dataclass(slots=True)
class ServerMover:
    """Moves the servers of one host; used once."""

    step: Step
    cloud: Cloud
    changes: ChangeRunner
    interrupts: Interrupts
    clock: Clock
    pacing: MoveLimits
    facts: HostFacts
    log: MoveLog = field(init=False)
    queue: deque[Change] = field(default_factory=deque)
    flights: dict[str, MoveInProgress] = field(default_factory=dict)
    to_look: deque[str] = field(default_factory=deque)
    sight: MoveSnapshot = field(default_factory=MoveSnapshot)
    seen: float = 0.0

    def __post_init__(self) -> None:
        """Time begins to count."""
        self.seen = self.clock.now()
        self.log = MoveLog(self.facts.host, self.changes, self.clock, self.seen)

    def run(self) -> None:
        """Move until two readings in a row show nothing left to move.

        :raises ChangeFailedError: some could not be moved; the others were.
        :raises WaitTimeoutError: the bound for all ran out.
        :raises RunInterruptedError: asked to stop. Moves in progress were waited for, unless
            asked twice.
        """
        with self.interrupts.patient():
            try:
                self._move_all()
            except NovaDecomError:
                self._give_up(self.flights.values())
                raise
            finally:
                self.pacing.give_back(self.facts.host)
        failed = self.log.failed
        if failed:
            named = "; ".join(f"{server}: {why}" for server, why in failed.items())
            raise ChangeFailedError(
                f"{self.facts.host}: {len(failed)} servers could not be moved: {named}",
                "mend what is named, then run again",
            )

    def _move_all(self) -> None:
        bound = self.pacing.bound(len({c.server for c in moves_of(self.facts)}))
        empty = 0
        while True:
            if self._look():
                self._settle_all()
                self._queue_new()
                if not self.queue and not self.flights:
                    empty += self._is_fresh
                    if empty == EMPTY_READINGS:
                        return
                else:
                    empty = 0
                    self._launch()
            if self.interrupts.asked is not None:
                self._stop(self.interrupts)
            self._raise_if_late(bound)
            self.log.show(tuple(self.flights.values()), len(self.queue))
            self.clock.sleep(self.pacing.every)

    def _raise_if_late(self, bound: float) -> None:
        if self.clock.now() - self.log.since > bound:
            left = len(self.queue) + len(self.flights)
            raise WaitTimeoutError(
                f"{self.facts.host}: {left} servers still to be moved after {bound:g} s",
                "find out what holds or sends them there, then run again",
            )

    def _stop(self, interrupts: Interrupts) -> None:
        """Begin nothing more, and no longer wait for what others do."""
        self._give_up([f for f in self.flights.values() if f.action is None])
        if not self.flights and interrupts.asked is not None:
            raise RunInterruptedError(interrupts.asked)

    def _give_up(self, flights: Iterable[MoveInProgress]) -> None:
        changes = [f.change for f in flights] + list(self.queue)
        self.queue.clear()
        for change in changes:
            self.flights.pop(change.target, None)
        self.log.give_up(changes)

    # Looking

    @property
    def _is_fresh(self) -> bool:
        """True when the last reading was of the servers that are still here."""
        return self.sight.looked == self.facts.host

    def _look(self) -> bool:
        """One reading: of this host, or every other time of one where servers have landed."""
        host = self.facts.host
        look = self.to_look.popleft() if self.to_look and self._is_fresh else host
        try:
            self.sight = self.cloud.watch(host, look)
        except UnavailableError:
            # Moves go on without us; a night's drain outlives a restart of the API.
            if self.clock.now() - self.seen > self.pacing.api_outage_limit:
                raise
            return False
        self.seen = self.clock.now()
        here = self.sight.servers if self._is_fresh else self.facts.servers
        active = tuple(m for m in self.sight.migrations if not m.is_over)
        self.facts = replace(self.facts, migrations=active, servers=here)
        return True

    def _queue_new(self) -> None:
        """Whatever is here and not yet known: servers arrive late, and come back."""
        if not self._is_fresh:
            return
        known = {*self.flights, *self.log.failed, *(c.target for c in self.queue)}
        self.queue += [c for c in self.step.changes(self.facts) if c.target not in known]

    # Beginning

    def _launch(self) -> None:
        """Begin as many as there is room for; what only waits for others takes none."""
        ways = {c.server: c for c in moves_of(self.facts)}
        moving = len(self._in_progress())
        room = self.pacing.free_slots(self.facts.host, moving, len(self.queue))
        for change in tuple(self.queue):
            way = ways.get(change.target)
            asks = isinstance(way, Move) and way.action is not None
            if self.interrupts.asked is None and (room > 0 if asks else self._is_fresh):
                self.queue.remove(change)
                self._begin(change, way)
                room -= asks

    def _in_progress(self) -> set[str]:
        """The servers on their way: by nova's own records, and those just begun.

        A resize of a user's that only waits to be confirmed is not on its way.
        """
        ours = {
            f.id for f in self.flights.values() if f.arriving_on is None and f.action is not None
        }
        active = (m for m in self.facts.migrations if m.status != FINISHED)
        return ours | {m.server for m in active if m.leaves(self.facts.host)}

    def _begin(self, change: Change, way: Move | Blocker | None) -> None:
        """Ask nova to begin the move that the server's state of now allows."""
        story = self.log.story(change)
        if way is None:
            self.log.end(change, Status.NOT_NEEDED)
            return
        if isinstance(way, Blocker):
            self.log.fail(change, f"{way.text}; {way.remedy}")
            return
        server = next((s for s in self.facts.servers if s.id == way.server), None)
        asked = self.facts
        if way.action in MOVING and server is not None:
            if story.before is None or server.status != "ERROR":
                story.before = server
            server = story.before
            if story.avoid is not None:
                target = another_target(self.facts, server, {story.avoid})
                if target is None:
                    self.log.fail(change, "there is no other host for it")
                    return
                self.log.note(change.target, f"{story.why}; once more, to {target}")
                asked = replace(asked, request=replace(asked.request, target=target))
        newest = max((m.id for m in self.sight.migrations), default=0)
        flight = MoveInProgress(
            change,
            self.facts.host,
            way.action,
            server=server,
            newest_migration_before=way.migration.id - 1 if way.migration else newest,
            began=self.clock.now(),
            confirming=way.action is Action.CONFIRM,
        )
        self.flights[flight.id] = flight
        if way.action is not None:
            self._ask(flight, asked)

    def _ask(self, flight: MoveInProgress, facts: HostFacts) -> None:
        """What nova answers is not the end of it: what it shows from now on tells."""
        story = self.log.stories[flight.id]
        story.is_asked = True
        try:
            story.request_id = flight.request_id = self.step.apply(
                flight.change, self.cloud, facts
            )
        except UnavailableError as error:
            flight.refusal, flight.is_lost = str(error), True
        except ChangeFailedError as error:
            flight.refusal = str(error)
            flight.may_repeat = isinstance(error, TransientError)
        if flight.refusal is not None:
            story.refusals += 1
            can_repeat = flight.is_lost or flight.may_repeat
            flight.may_repeat = can_repeat and story.refusals < MOVE_ATTEMPTS
            flight.confirming = False

    # Settling

    def _settle_all(self) -> None:
        """What the reading means for every move."""
        for flight in tuple(self.flights.values()):
            migration = own_migration(flight, self.sight)
            flight.to = migration.destination if migration else flight.to
            bound = self.pacing.move_timeout
            found = next_step(flight, self.sight, self.facts.request, self.seen, bound)
            self._settle(flight, found)

    def _settle(self, flight: MoveInProgress, found: NextStep) -> None:
        """Do what the fate of a move asks for."""
        if found.kind is Kind.LOOK and found.host is not None:
            flight.arriving_on = found.host
            if found.host not in self.to_look:
                self.to_look.append(found.host)
        elif found.kind is Kind.ASK and found.action is not None:
            self._ask_next(flight, found.action)
        elif found.kind is Kind.AGAIN:
            self._again(flight)
        elif found.kind is Kind.DONE:
            self._end(flight, Status.DONE, to=found.host)
        elif found.kind is Kind.GONE:
            self._end(flight, Status.NOT_NEEDED)
        elif found.kind is Kind.FAILED:
            self._retry_or_fail(flight, found)

    def _ask_next(self, flight: MoveInProgress, action: Action) -> None:
        """Ask for what ends the move; unanswered, it is asked again after the next reading."""
        story = self.log.stories[flight.id]
        story.is_asked = True
        try:
            self.cloud.send(server_action(flight.id, action))
        except UnavailableError:
            return
        except NotFoundError:
            # Deleted by its owner: nova ends the migration with it.
            flight.confirming = True
            return
        except ChangeFailedError as error:
            story.refusals += 1
            if not isinstance(error, TransientError) or story.refusals >= MOVE_ATTEMPTS:
                self._fail(flight, str(error))
            return
        flight.confirming = flight.confirming or action is Action.CONFIRM
        flight.powering = action in {Action.START, Action.STOP}

    def _again(self, flight: MoveInProgress) -> None:
        """Its state is another one: ask again, first of all, which way it leaves."""
        del self.flights[flight.id]
        self.queue.appendleft(flight.change)

    def _retry_or_fail(self, flight: MoveInProgress, found: NextStep) -> None:
        """Once more elsewhere, if the host that failed is known."""
        story = self.log.stories[flight.id]
        if found.host is None or flight.action not in MOVING or story.avoid is not None:
            self._fail(flight, found.text)
            return
        story.avoid, story.why = found.host, f"{found.text}, on {found.host}"
        del self.flights[flight.id]
        self.queue.appendleft(flight.change)

    def _fail(self, flight: MoveInProgress, why: str) -> None:
        del self.flights[flight.id]
        self.log.fail(flight.change, why)

    def _end(self, flight: MoveInProgress, status: Status, to: str | None = None) -> None:
        del self.flights[flight.id]
        self.log.end(flight.change, status, to=to)
