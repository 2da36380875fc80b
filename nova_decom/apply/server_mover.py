# SPDX-License-Identifier: Apache-2.0
"""Servers moved off a host: several at once, each with a bound, all watched by one poll.

A poll sends two requests, whatever the number of servers: for the newest migrations of the host,
and for the servers of one host, this one or one on which a server arrives. A third one asks for
the progress of one live migration that takes long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from nova_decom.apply.change_runner import ChangeRunner
from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.move_attempt import MoveAttempts
from nova_decom.apply.move_limits import MoveLimits, too_late
from nova_decom.apply.move_log import MoveLog
from nova_decom.apply.move_progress import ProgressReader
from nova_decom.apply.source_answer import SourceAnswer
from nova_decom.clock import Clock
from nova_decom.errors import (
    NovaDecomError,
    RunInterruptedError,
    UnavailableError,
    WaitTimeoutError,
)
from nova_decom.model.change import Change, Status
from nova_decom.model.cloud import Action, MoveSnapshot
from nova_decom.model.host import HostFacts
from nova_decom.model.step import Cloud, Step
from nova_decom.moves.eligibility import moves_of
from nova_decom.moves.move import FINISHED, MOVING, Move
from nova_decom.moves.status import (
    Kind,
    MoveInProgress,
    NextStep,
    Phase,
    goes_on,
    next_step,
    own_migration,
)

#: Readings without a server, one after the other, that count as an empty host.
EMPTY_READINGS = 2


@dataclass(slots=True)
class ServerMover:
    """Moves the servers of one host; used once."""

    step: Step
    cloud: Cloud
    changes: ChangeRunner
    interrupts: Interrupts
    clock: Clock
    limits: MoveLimits
    facts: HostFacts
    #: Renews the claim when that is due; raises where another run has taken the host over.
    keep_claim: Callable[[], None]
    source: SourceAnswer
    log: MoveLog = field(init=False)
    attempts: MoveAttempts = field(init=False)
    #: Changes that wait for a free slot, moves in progress, hosts on which servers arrive.
    queue: deque[Change] = field(default_factory=deque)
    moving: dict[str, MoveInProgress] = field(default_factory=dict)
    arriving_on: deque[str] = field(default_factory=deque)
    snapshot: MoveSnapshot = field(default_factory=MoveSnapshot)
    answered: float = 0.0
    progress: ProgressReader = field(init=False)

    def __post_init__(self) -> None:
        """Count the time of all moves from now."""
        self.answered = self.clock.now()
        self.log = MoveLog(self.facts.host, self.changes, self.clock, self.answered)
        self.attempts = MoveAttempts(self.step, self.cloud, self.log, self.moving)
        self.progress = ProgressReader(self.cloud, self.clock)

    def run(self) -> None:
        """Move until two readings in a row show no server.

        :raises ChangeFailedError: some could not be moved; the others were.
        :raises WaitTimeoutError: the bound for all ran out.
        :raises RunInterruptedError: asked to stop. Moves in progress were waited for, unless
            asked twice.
        """
        with self.interrupts.patient():
            try:
                self._move_all()
            except NovaDecomError:
                self._give_up(self.moving.values())
                raise
            finally:
                self.limits.give_back(self.facts.host)
        self.log.raise_if_failed()

    def _move_all(self) -> None:
        bound = self.limits.bound(len({c.server for c in moves_of(self.facts)}))
        empty = 0
        while True:
            self.keep_claim()
            if self._read():
                self._advance_all()
                self._queue_new()
                if not self.queue and not self.moving:
                    empty += self._shows_this_host
                    if empty == EMPTY_READINGS:
                        return
                elif self.limits.is_late():
                    # Those in progress are waited for; it is too late for those in the queue.
                    if not self.moving:
                        raise too_late(self.facts.host, len(self.queue))
                else:
                    empty = 0
                    self._begin_queued()
            if self.interrupts.asked is not None:
                self._stop(self.interrupts)
            self._raise_if_late(bound)
            self.progress.read_one(self.moving.values())
            self.log.show(tuple(self.moving.values()), len(self.queue))
            self.clock.sleep(self.limits.every)

    def _raise_if_late(self, bound: float) -> None:
        if self.clock.now() - self.log.since > bound:
            left = len(self.queue) + len(self.moving)
            raise WaitTimeoutError(
                f"{self.facts.host}: {left} servers still to be moved after {bound:g} s",
                "find out what holds or sends them there, then run again",
            )

    def _stop(self, interrupts: Interrupts) -> None:
        """Begin no more moves, and give up those that only wait for somebody else's."""
        self._give_up([m for m in self.moving.values() if m.action is None])
        if not self.moving and interrupts.asked is not None:
            raise RunInterruptedError(interrupts.asked)

    def _give_up(self, moves: Iterable[MoveInProgress]) -> None:
        """End these moves and the queue; moves that nova has begun go on without the run."""
        for move in tuple(moves):
            del self.moving[move.id]
            if move.action is None or (move.refusal and not move.refusal.is_lost):
                self.log.end(move.change, Status.PENDING)
            else:
                text = goes_on(move, own_migration(move, self.snapshot))
                self.log.end(move.change, Status.IN_PROGRESS, error=text)
        self.log.give_up(self.queue)
        self.queue.clear()

    @property
    def _shows_this_host(self) -> bool:
        """True when the last reading was of the servers that are still on this host."""
        return self.snapshot.looked == self.facts.host

    def _read(self) -> bool:
        """Read this host, or every other time one on which servers arrive; False: no answer."""
        host = self.facts.host
        is_other = self.arriving_on and self._shows_this_host
        try:
            self.snapshot = self.cloud.watch(
                host, self.arriving_on.popleft() if is_other else host
            )
        except UnavailableError:
            # Moves go on without us; a night's drain outlives a restart of the API.
            if self.clock.now() - self.answered > self.limits.api_outage_limit:
                raise
            return False
        self.answered = self.clock.now()
        here = self.snapshot.servers if self._shows_this_host else self.facts.servers
        active = tuple(m for m in self.snapshot.migrations if not m.is_over)
        self.facts = replace(self.facts, migrations=active, servers=here)
        return True

    def _queue_new(self) -> None:
        """Queue servers that arrived late, or came back."""
        if not self._shows_this_host:
            return
        known = {*self.moving, *self.log.failed, *(c.target for c in self.queue)}
        self.queue += [c for c in self.step.changes(self.facts) if c.target not in known]

    def _begin_queued(self) -> None:
        """Begin as many moves as the limits allow; a server that is only waited for takes none."""
        if self.queue and not self.source.is_known(self.facts):
            return
        moves = {m.server: m for m in moves_of(self.facts)}
        on_their_way = len(_on_their_way(self.facts, self.moving.values()))
        free = self.limits.free_slots(self.facts.host, on_their_way, len(self.queue))
        for change in tuple(self.queue):
            move = moves.get(change.target)
            asks = isinstance(move, Move) and move.action is not None
            if self.interrupts.asked is None and (free > 0 if asks else self._shows_this_host):
                self.queue.remove(change)
                self.attempts.begin(change, move, self.facts, self.snapshot)
                free -= asks

    def _advance_all(self) -> None:
        """Take each move a step further, by the last reading."""
        for move in tuple(self.moving.values()):
            migration = own_migration(move, self.snapshot)
            move.to = migration.destination if migration else move.to
            move.migration = migration
            bound = self.limits.move_timeout
            step = next_step(move, self.snapshot, self.facts.request, self.answered, bound)
            self._advance(move, step)

    def _advance(self, move: MoveInProgress, step: NextStep) -> None:
        if step.kind is Kind.LOOK and step.host is not None:
            self._expect_on(step.host, move)
        elif step.kind is Kind.ASK and step.action is not None:
            if step.action is not Action.CONFIRM or self.source.is_known(self.facts):
                self.attempts.ask_next(move, step.action)
        elif step.kind is Kind.AGAIN:
            self._queue_again(move)
        elif step.kind is Kind.DONE:
            self._end(move, Status.DONE, to=step.host)
        elif step.kind is Kind.GONE:
            self._end(move, Status.NOT_NEEDED)
        elif step.kind is Kind.FAILED:
            self._retry_or_fail(move, step)

    def _expect_on(self, host: str, move: MoveInProgress) -> None:
        """Read that host next: the server must be there."""
        if move.arriving_on is None:
            move.phase = Phase.ARRIVING
        move.arriving_on = host
        if host not in self.arriving_on:
            self.arriving_on.append(host)

    def _queue_again(self, move: MoveInProgress) -> None:
        """Begin anew, before all others, by the server's state of then."""
        del self.moving[move.id]
        self.queue.appendleft(move.change)

    def _retry_or_fail(self, move: MoveInProgress, step: NextStep) -> None:
        """Try once more on another host, where the host that failed is known."""
        history = self.log.histories[move.id]
        if step.host is None or move.action not in MOVING or history.avoid is not None:
            del self.moving[move.id]
            self.log.fail(move.change, step.text)
            return
        history.avoid, history.why = step.host, f"{step.text}, on {step.host}"
        self._queue_again(move)

    def _end(self, move: MoveInProgress, status: Status, to: str | None = None) -> None:
        del self.moving[move.id]
        self.log.end(move.change, status, to=to)


def _on_their_way(facts: HostFacts, moving: Iterable[MoveInProgress]) -> set[str]:
    """The servers on their way, by nova's records, and those just begun.

    A resize of a user's that only waits to be confirmed is not on its way.
    """
    ours = {m.id for m in moving if m.takes_slot}
    active = (m for m in facts.migrations if m.status != FINISHED)
    return ours | {m.server for m in active if m.leaves(facts.host)}
