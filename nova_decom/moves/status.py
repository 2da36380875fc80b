# SPDX-License-Identifier: Apache-2.0
"""What became of a move, by what nova shows at the moment. Pure.

A server has moved when its migration is over *and* it was read on another host, in the state
that it had. Neither alone is enough: a live migration that failed leaves the server ACTIVE,
where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nova_decom.model.change import Change
from nova_decom.model.cloud import Action, Migration, MoveSnapshot, Server
from nova_decom.model.request import Request
from nova_decom.moves.eligibility import FINISHED, TRANSIENT_STATES, may_confirm

#: Ends of a migration after which the server is where it was.
WITHOUT_MOVE = {"error", "failed", "cancelled", "reverted"}
#: Actions that move a server by a migration of their own.
MOVING = {Action.LIVE, Action.COLD, Action.EVACUATE}
#: Seconds within which nova shows that it does what it was asked.
BEGIN_WITHIN = 60.0
#: How the state before is called when it is not known, or does not matter.
ANY = "any"


class Kind(StrEnum):
    """What is to be done about a move next."""

    RUNNING = "running"
    LOOK = "look"  # read the servers of ``host``
    ASK = "ask"  # ask nova for ``action``
    AGAIN = "again"  # its state changed: ask again which way it leaves
    DONE = "done"
    GONE = "gone"  # not here any more, by nothing that we know
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next thing about one move."""

    kind: Kind
    host: str | None = None
    action: Action | None = None
    text: str = ""


RUNNING, AGAIN, GONE = NextStep(Kind.RUNNING), NextStep(Kind.AGAIN), NextStep(Kind.GONE)


@dataclass(slots=True)
class MoveInProgress:
    """A move in progress; seconds of a monotonic clock.

    Migrations of the server with an id above ``newest_migration_before`` are its own.
    ``server`` is the server before the move. ``arriving_on`` is the host on which it is to be
    found since its migration is over;
    ``to`` where it goes, for the display. ``refusal`` is what came instead of an answer that
    accepts it; ``is_lost`` when nova may have heard it all the same, ``may_repeat`` when it may
    be asked once more.
    """

    change: Change
    host: str
    action: Action | None
    server: Server | None = None
    newest_migration_before: int = 0
    began: float = 0.0
    confirming: bool = False
    powering: bool = False
    arriving_on: str | None = None
    to: str | None = None
    request_id: str | None = None
    refusal: str | None = None
    is_lost: bool = False
    may_repeat: bool = False

    @property
    def id(self) -> str:
        """The server's."""
        return self.change.target


def next_step(
    flight: MoveInProgress, sight: MoveSnapshot, request: Request, now: float, bound: float
) -> NextStep:
    """What to do about the move now; never waits longer than ``bound`` seconds."""
    migration = own_migration(flight, sight)
    found = _fate(flight, migration, sight, request, now)
    if found.kind in {Kind.RUNNING, Kind.LOOK} and now - flight.began > bound:
        text = f"not within {bound:g} s"
        if migration is not None and not migration.is_over:
            text += (
                f"; {migration.type} {migration.id} goes on ({migration.status}): "
                f"openstack server migration abort {flight.id} {migration.id}"
            )
        return NextStep(Kind.FAILED, text=text)
    return found


def own_migration(flight: MoveInProgress, sight: MoveSnapshot) -> Migration | None:
    """The newest migration of the server that began with this move, or that it waits for."""
    own = [
        m
        for m in sight.migrations
        if m.server == flight.id and m.id > flight.newest_migration_before
    ]
    return max(own, key=lambda m: m.id, default=None)


def _fate(
    flight: MoveInProgress,
    migration: Migration | None,
    sight: MoveSnapshot,
    request: Request,
    now: float,
) -> NextStep:
    if flight.arriving_on is not None:
        return _landed(flight, sight, request)
    if migration is None:
        return _without_migration(flight, sight, now)
    if not migration.is_over:
        if migration.status == FINISHED and not flight.confirming:
            return _unconfirmed(flight, migration, request)
        return RUNNING
    if not migration.leaves(flight.host):
        return AGAIN
    if migration.status in WITHOUT_MOVE:
        return _not_moved(flight, migration, sight)
    return NextStep(Kind.LOOK, host=migration.destination)


def _unconfirmed(flight: MoveInProgress, migration: Migration, request: Request) -> NextStep:
    if flight.action in {Action.COLD, Action.CONFIRM} or may_confirm(request, migration):
        return NextStep(Kind.ASK, action=Action.CONFIRM)
    text = f"{migration.type} {migration.id} waits to be confirmed: --confirm-resizes"
    return NextStep(Kind.FAILED, text=text)


def _not_moved(flight: MoveInProgress, migration: Migration, sight: MoveSnapshot) -> NextStep:
    """Where the server is tells whether it may be tried again, or was lost on the way."""
    if sight.looked != flight.host:
        return RUNNING
    here = sight.server(flight.id)
    if here is None:
        gone = migration.destination is None
        return GONE if gone else NextStep(Kind.LOOK, host=migration.destination)
    if here.task_state is not None or here.status in TRANSIENT_STATES:
        return RUNNING
    if flight.action is None:
        return AGAIN  # it was somebody else's; now it is ours to begin
    if here.status == "ERROR" and flight.action is not Action.EVACUATE:
        return NextStep(Kind.FAILED, text=f"{migration.type} {migration.id} left it in ERROR")
    text = f"{migration.type} {migration.id} ended as {migration.status}"
    return NextStep(Kind.FAILED, host=migration.destination, text=text)


def _without_migration(flight: MoveInProgress, sight: MoveSnapshot, now: float) -> NextStep:
    """Offloading, building and the like show by the server alone; so does nothing at all."""
    if sight.looked != flight.host:
        return RUNNING
    here = sight.server(flight.id)
    if here is None:
        return NextStep(Kind.DONE) if flight.action is Action.OFFLOAD else GONE
    if here.task_state is not None or here.status in TRANSIENT_STATES:
        return RUNNING
    return _idle(flight, flight.action, here.status, now - flight.began)


def _idle(flight: MoveInProgress, action: Action | None, status: str, since: float) -> NextStep:
    """It is here, and nothing goes on: what was waited for is over, or nothing has begun."""
    if action is None:
        return AGAIN
    if action not in MOVING and flight.server and status != flight.server.status:
        return AGAIN
    if since <= BEGIN_WITHIN and (flight.refusal is None or flight.is_lost):
        return RUNNING
    if flight.may_repeat:
        return AGAIN
    text = flight.refusal or f"nova accepted {action.value} and did nothing"
    return NextStep(Kind.FAILED, text=text)


def _landed(flight: MoveInProgress, sight: MoveSnapshot, request: Request) -> NextStep:
    """Its migration is over: read it on its new host, in the state that it had."""
    look = NextStep(Kind.LOOK, host=flight.arriving_on)
    if sight.looked != flight.arriving_on:
        return look
    there = sight.server(flight.id)
    if there is None:
        return GONE  # deleted by its owner, or moved on by somebody else
    if (
        there.task_state is not None
        or there.status in TRANSIENT_STATES
        or there.status == "VERIFY_RESIZE"
    ):
        return look
    wanted = status_wanted(flight, request)
    if there.status != "ERROR":
        if wanted in {ANY, there.status}:
            return NextStep(Kind.DONE, host=there.host)
        powered = {"ACTIVE": Action.START, "SHUTOFF": Action.STOP}.get(wanted)
        if flight.powering:
            return look
        if flight.action is Action.EVACUATE and powered and there.status in {"ACTIVE", "SHUTOFF"}:
            return NextStep(Kind.ASK, action=powered)
    return NextStep(Kind.FAILED, text=f"is {there.status} on {there.host}, and was {wanted}")


def status_wanted(flight: MoveInProgress, request: Request) -> str:
    """The status that the server must have where it arrives.

    From 2.95 nova leaves evacuated servers stopped (nova 27, api/openstack/compute/evacuate.py).
    """
    if flight.action is Action.EVACUATE and request.leave_stopped:
        return "SHUTOFF"
    if flight.server is None or flight.action not in MOVING or flight.server.status == "ERROR":
        return ANY
    return flight.server.status
