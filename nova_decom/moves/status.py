# SPDX-License-Identifier: Apache-2.0
"""The next step of a server's move, decided from what nova shows. Pure.

A server has moved when its migration is over *and* it was read on another host, in the state
that it had. Neither alone is enough: a live migration that failed leaves the server ACTIVE,
where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nova_decom.model.change import Change
from nova_decom.model.cloud import Action, LiveProgress, Migration, MoveSnapshot, Server
from nova_decom.model.request import Request
from nova_decom.moves.eligibility import may_confirm
from nova_decom.moves.move import FINISHED, MOVING, POWERED
from nova_decom.moves.passing import TRANSIENT_STATES, stuck

#: Final states of a migration that leave the server on its source.
WITHOUT_MOVE = {"error", "failed", "cancelled", "reverted"}
#: Types of migrations.
LIVE, EVACUATION = "live-migration", "evacuation"
#: Seconds within which nova must show that it does what it accepted.
BEGIN_WITHIN = 60.0
#: Stands for the status before the move where it is not known, or does not matter.
ANY = "any"


class Kind(StrEnum):
    """The kinds of a next step."""

    RUNNING = "running"
    LOOK = "look"  # read the servers of ``host``
    ASK = "ask"  # ask nova for ``action``
    AGAIN = "again"  # its state changed: choose its way anew
    DONE = "done"
    GONE = "gone"  # not on this host any more, and not by this move
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next step of one move."""

    kind: Kind
    host: str | None = None
    action: Action | None = None
    text: str = ""


RUNNING, AGAIN, GONE = NextStep(Kind.RUNNING), NextStep(Kind.AGAIN), NextStep(Kind.GONE)


class Phase(StrEnum):
    """The phases of a move, in their order."""

    BEGUN = "begun"  # nova was asked to move the server, or another's migration is waited for
    CONFIRMING = "confirming"  # nova accepted to confirm its migration
    ARRIVING = "arriving"  # its migration is over; the server is read on ``arriving_on``
    POWERING = "powering"  # nova accepted to start or stop the server there


@dataclass(frozen=True, slots=True)
class Refusal:
    """The error that nova's API gave, instead of accepting ``action``.

    With ``is_lost`` nova may have heard the request; with ``may_repeat`` it may be sent again.
    """

    action: Action | None
    text: str
    is_lost: bool = False
    may_repeat: bool = False


@dataclass(slots=True)
class MoveInProgress:
    """One server's move in progress; times are seconds of a monotonic clock.

    ``server`` is the server before the move. Its migrations that are not among ``earlier`` (their
    keys: ids of two cells may be the same) belong to the move. ``to`` is the destination of that
    migration, for the display, as are ``migration`` itself and its ``progress``. ``refusal`` is
    the answer to the last request that nova did not accept.
    """

    change: Change
    host: str
    action: Action | None
    server: Server | None = None
    earlier: frozenset[str] = frozenset()
    began: float = 0.0
    phase: Phase = Phase.BEGUN
    arriving_on: str | None = None
    to: str | None = None
    refusal: Refusal | None = None
    migration: Migration | None = None
    progress: LiveProgress | None = None

    @property
    def is_live(self) -> bool:
        """True while nova copies the server's memory; then nova can be told to end that."""
        record = self.migration
        return record is not None and record.type == LIVE and record.status == "running"

    @property
    def id(self) -> str:
        """The server's id."""
        return self.change.target

    @property
    def takes_slot(self) -> bool:
        """True when the move counts against ``--max-moves``: begun by this run, not over."""
        return self.action is not None and self.phase in {Phase.BEGUN, Phase.CONFIRMING}

    def refused(self, action: Action) -> Refusal | None:
        """The refusal of ``action``, when it is final."""
        refusal = self.refusal
        if refusal is None or refusal.action is not action:
            return None
        return None if refusal.is_lost or refusal.may_repeat else refusal


def next_step(
    move: MoveInProgress, snapshot: MoveSnapshot, request: Request, now: float, bound: float
) -> NextStep:
    """The next step of ``move`` by ``snapshot``; a failure after ``bound`` seconds of waiting."""
    migration = own_migration(move, snapshot)
    found = _unbounded(move, migration, snapshot, request, now)
    if found.kind in {Kind.RUNNING, Kind.LOOK} and now - move.began > bound:
        text = f"timed out after {bound:g} s"
        if migration is not None and not migration.is_over:
            text += f"; {goes_on(move, migration)}"
        return NextStep(Kind.FAILED, text=text)
    return found


def goes_on(move: MoveInProgress, migration: Migration | None) -> str:
    """The move that nova goes on with, and the command that aborts it, if there is one.

    Nova aborts live migrations only (nova 34.0.0, compute/api.py, live_migrate_abort).
    """
    if move.action in POWERED:
        return f"it goes on: openstack server show {move.id}"
    if migration is None or migration.is_over:
        return f"it goes on: openstack server migration list --server {move.id}"
    now = f"{migration.type} {migration.id} goes on ({migration.status})"
    if migration.type == LIVE:
        return f"{now}: openstack server migration abort {move.id} {migration.id}"
    if migration.type == EVACUATION:
        return f"{now} and cannot be aborted"
    return f"{now}; when it is finished: openstack server resize revert {move.id}"


def ways_to_end(move: MoveInProgress) -> str:
    """The commands that end a live migration early; "" where nova takes none of them."""
    if not move.is_live or move.migration is None:
        return ""
    which = f"{move.id} {move.migration.id}"
    return (
        f"openstack server migration force complete {which} (pauses it until it is there), or "
        f"openstack server migration abort {which}"
    )


def own_migration(move: MoveInProgress, snapshot: MoveSnapshot) -> Migration | None:
    """The newest migration of the server that began with ``move``, or for which it waits."""
    own = [m for m in snapshot.migrations if m.server == move.id and m.key not in move.earlier]
    return max(own, key=lambda m: (m.created_at or "", m.id), default=None)


def _unbounded(
    move: MoveInProgress,
    migration: Migration | None,
    snapshot: MoveSnapshot,
    request: Request,
    now: float,
) -> NextStep:
    if move.phase in {Phase.ARRIVING, Phase.POWERING}:
        return _arriving(move, snapshot, request)
    if migration is None:
        return _without_migration(move, snapshot, now)
    if not migration.is_over:
        if migration.status == FINISHED and move.phase is not Phase.CONFIRMING:
            return _unconfirmed(move, migration, request)
        return RUNNING
    if not migration.leaves(move.host):
        return AGAIN
    if migration.status in WITHOUT_MOVE:
        return _not_moved(move, migration, snapshot)
    return NextStep(Kind.LOOK, host=migration.destination)


def _unconfirmed(move: MoveInProgress, migration: Migration, request: Request) -> NextStep:
    refusal = move.refused(Action.CONFIRM)
    if refusal is not None:
        return NextStep(Kind.FAILED, text=refusal.text)
    if move.action in {Action.COLD, Action.CONFIRM} or may_confirm(request, migration):
        return NextStep(Kind.ASK, action=Action.CONFIRM)
    text = f"{migration.type} {migration.id} waits to be confirmed: --confirm-resizes"
    return NextStep(Kind.FAILED, text=text)


def _not_moved(move: MoveInProgress, migration: Migration, snapshot: MoveSnapshot) -> NextStep:
    """The step after a migration that failed: by the server, which may be here, or lost."""
    if snapshot.looked != move.host:
        return RUNNING
    here = snapshot.server(move.id)
    if here is None:
        gone = migration.destination is None
        return GONE if gone else NextStep(Kind.LOOK, host=migration.destination)
    if here.task_state is not None or here.status in TRANSIENT_STATES:
        return RUNNING
    if move.action is None:
        return AGAIN  # it was another's migration; now the server is ours to move
    if here.status == "ERROR" and move.action is not Action.EVACUATE:
        return NextStep(Kind.FAILED, text=f"{migration.type} {migration.id} left it in ERROR")
    text = f"{migration.type} {migration.id} ended as {migration.status}"
    return NextStep(Kind.FAILED, host=migration.destination, text=text)


def _without_migration(move: MoveInProgress, snapshot: MoveSnapshot, now: float) -> NextStep:
    """The step by the server alone: offloading and building have no migration record."""
    if snapshot.looked != move.host:
        return RUNNING
    here = snapshot.server(move.id)
    if here is None:
        return NextStep(Kind.DONE) if move.action is Action.OFFLOAD else GONE
    if here.task_state is None and move.action and here.status == POWERED.get(move.action):
        return NextStep(Kind.DONE)
    before = move.server.updated_at if move.server else None
    is_same = before is not None and before == here.updated_at
    waited = now - move.began if is_same and move.action is None else 0.0
    blocked = stuck(here, waited)
    if blocked is not None:
        return NextStep(Kind.FAILED, text=f"{blocked.text}; {blocked.remedy}")
    if here.task_state is not None or here.status in TRANSIENT_STATES:
        return RUNNING
    return _idle(move, move.action, here.status, now - move.began)


def _idle(move: MoveInProgress, action: Action | None, status: str, since: float) -> NextStep:
    """The step for an idle server on the host: its wait is over, or its move has not begun."""
    refusal = move.refusal
    if action is None:
        return AGAIN
    if action not in MOVING and move.server and status != move.server.status:
        return AGAIN
    if since <= BEGIN_WITHIN and (refusal is None or refusal.is_lost):
        return RUNNING
    if refusal is None:
        return NextStep(Kind.FAILED, text=f"nova accepted {action.value} and did nothing")
    return AGAIN if refusal.may_repeat else NextStep(Kind.FAILED, text=refusal.text)


def _arriving(move: MoveInProgress, snapshot: MoveSnapshot, request: Request) -> NextStep:
    """The step after its migration: the server is read on its new host, in its old state."""
    look = NextStep(Kind.LOOK, host=move.arriving_on)
    if snapshot.looked != move.arriving_on:
        return look
    there = snapshot.server(move.id)
    if there is None:
        return GONE  # deleted by its owner, or moved on by another
    if (
        there.task_state is not None
        or there.status in TRANSIENT_STATES
        or there.status == "VERIFY_RESIZE"
    ):
        return look
    wanted = status_wanted(move, request)
    if there.status == "ERROR":
        return _arrived_otherwise(there, wanted)
    if wanted in {ANY, there.status}:
        return NextStep(Kind.DONE, host=there.host)
    if move.phase is Phase.POWERING:
        return look
    return _powered(move, there, wanted)


def _powered(move: MoveInProgress, there: Server, wanted: str) -> NextStep:
    """Start or stop an evacuated server, which nova leaves in the other state."""
    action = {"ACTIVE": Action.START, "SHUTOFF": Action.STOP}.get(wanted)
    has_other = move.action is Action.EVACUATE and there.status in {"ACTIVE", "SHUTOFF"}
    if action is None or not has_other:
        return _arrived_otherwise(there, wanted)
    refusal = move.refused(action)
    if refusal is not None:
        return NextStep(Kind.FAILED, text=refusal.text)
    return NextStep(Kind.ASK, action=action)


def _arrived_otherwise(there: Server, wanted: str) -> NextStep:
    return NextStep(Kind.FAILED, text=f"is {there.status} on {there.host}, and was {wanted}")


def status_wanted(move: MoveInProgress, request: Request) -> str:
    """The status that the server must have where it arrives.

    From 2.95 nova leaves evacuated servers stopped (nova 27, api/openstack/compute/evacuate.py).
    """
    if move.action is Action.EVACUATE and request.leave_stopped:
        return "SHUTOFF"
    if move.server is None or move.action not in MOVING or move.server.status == "ERROR":
        return ANY
    return move.server.status
