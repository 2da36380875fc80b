# SPDX-License-Identifier: Apache-2.0
"""What became of a move: every fate, by what nova shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.model.change import Change
from nova_decom.model.cloud import Action, MoveSnapshot
from nova_decom.moves.status import (
    AGAIN,
    BEGIN_WITHIN,
    GONE,
    RUNNING,
    WITHOUT_MOVE,
    Kind,
    MoveInProgress,
    NextStep,
    Phase,
    Refusal,
    goes_on,
    next_step,
    own_migration,
    status_wanted,
    ways_to_end,
)
from tests.unit.build import HOST, migration, request, server

LIVE, COLD, EVACUATE = Action.LIVE, Action.COLD, Action.EVACUATE
CONFIRM, OFFLOAD, START, STOP = Action.CONFIRM, Action.OFFLOAD, Action.START, Action.STOP
MARK, BOUND = 6, 3600.0
LOOK = NextStep(Kind.LOOK, host="node2")
DONE_HERE, DONE = NextStep(Kind.DONE), NextStep(Kind.DONE, host="node2")
CONFIRMS = NextStep(Kind.ASK, action=CONFIRM)


def flight(action=LIVE, **what):
    """A move of the server web that has just begun."""
    change = Change("move-servers", "move", "id-of-web", "live-migrate")
    usual = {"server": server(), "earlier": frozenset({migration(MARK).key})}
    return MoveInProgress(change, HOST, action, **usual | what)


def sight(*servers, of=HOST, migrations=()):
    """A look at one host."""
    return MoveSnapshot(tuple(migrations), of, tuple(servers))


def there(status="ACTIVE", **what):
    """The server on its new host."""
    return sight(server(host="node2", status=status, **what), of="node2")


def going(status, **what):
    """A look at this host, with a migration of the server."""
    return sight(server(), migrations=(migration(status=status, **what),))


def over(status, *servers, of=HOST, to="node2"):
    """A look at one host when the migration has ended."""
    return sight(*servers, of=of, migrations=(migration(status=status, destination=to),))


def of(moving, seen, *, after=1.0, **asked):
    """Its fate so many seconds after it began."""
    return next_step(moving, seen, request(**asked), moving.began + after, BOUND)


IDLE = sight(server())
BUSY = sight(server(task_state="migrating"))
ELSEWHERE = sight(of="node2")
LANDED = {"phase": Phase.ARRIVING, "arriving_on": "node2"}
POWERING = LANDED | {"phase": Phase.POWERING}
CONFIRMING = {"phase": Phase.CONFIRMING}
COLD_OF_SHUTOFF = flight(COLD, server=server(status="SHUTOFF"), **LANDED)
REFUSED = {"refusal": Refusal(LIVE, "HTTP 409")}
REFUSED_ONCE = {"refusal": Refusal(LIVE, "HTTP 409", may_repeat=True)}
LOST = {"refusal": Refusal(LIVE, "no answer", is_lost=True)}
LOST_ONCE = {"refusal": Refusal(LIVE, "no answer", is_lost=True, may_repeat=True)}
LATE = BEGIN_WITHIN + 1
BUILT = server(status="BUILD", updated_at="long ago")

#: what is the case, the move, what is seen, what becomes of it
FATES = [
    ("not begun yet", flight(), IDLE, RUNNING),
    ("looked elsewhere", flight(), ELSEWHERE, RUNNING),
    ("under way", flight(), going("running"), RUNNING),
    ("over: to be seen on its host", flight(), going("completed"), LOOK),
    ("evacuated", flight(EVACUATE), going("done"), LOOK),
    ("somebody else's, over", flight(None), going("completed"), LOOK),
    ("waits to be confirmed", flight(COLD), going("finished"), CONFIRMS),
    ("a user's resize, to be confirmed", flight(CONFIRM), going("finished"), CONFIRMS),
    ("an operator's, waited for", flight(None), going("finished", type="migration"), CONFIRMS),
    ("confirmed, not yet heard", flight(COLD, **CONFIRMING), going("finished"), RUNNING),
    ("confirm refused", flight(COLD, refusal=Refusal(CONFIRM, "HTTP 409")), going("finished"),
     NextStep(Kind.FAILED, text="HTTP 409")),
    ("confirm refused, to be asked again",
     flight(COLD, refusal=Refusal(CONFIRM, "HTTP 409", may_repeat=True)), going("finished"),
     CONFIRMS),
    ("confirm refused, and yet confirming",
     flight(COLD, refusal=Refusal(CONFIRM, "HTTP 409")), going("confirming"), RUNNING),
    ("the move's answer lost, and it waits to be confirmed",
     flight(COLD, refusal=Refusal(COLD, "no answer", is_lost=True)), going("finished"), CONFIRMS),
    ("confirming", flight(COLD, **CONFIRMING), going("confirming"), RUNNING),
    ("confirmed", flight(COLD, **CONFIRMING), going("confirmed"), LOOK),
    ("arrived here", flight(None), going("completed", source="node2", destination=HOST), AGAIN),
    ("somebody else's, failed", flight(None), going("error"), AGAIN),
    ("failed, looked elsewhere", flight(), over("error", of="node2"), RUNNING),
    ("failed, going back", flight(), over("error", server(task_state="x")), RUNNING),
    ("failed, still passing", flight(), over("error", server(status="MIGRATING")), RUNNING),
    ("failed, and yet it left", flight(), over("error"), LOOK),
    ("failed before a host was found, and gone", flight(), over("error", to=None), GONE),
    ("failed, and broken", flight(), over("error", server(status="ERROR")),
     NextStep(Kind.FAILED, text="live-migration 7 left it in ERROR")),
    ("evacuation failed", flight(EVACUATE), over("error", server(status="ERROR")),
     NextStep(Kind.FAILED, host="node2", text="live-migration 7 ended as error")),
    # by the server alone
    ("deleted", flight(), sight(), GONE),
    ("deleted while it was waited for", flight(None), sight(), GONE),
    ("offloaded", flight(OFFLOAD), sight(), DONE_HERE),
    ("being offloaded", flight(OFFLOAD), BUSY, RUNNING),
    ("busy", flight(None), BUSY, RUNNING),
    ("being built", flight(None), sight(server(status="BUILD")), RUNNING),
    ("built", flight(None, server=server(status="BUILD")), IDLE, AGAIN),
    ("what was waited for is over", flight(None), IDLE, AGAIN),
    ("not yet offloaded", flight(OFFLOAD, server=server(status="SHELVED")),
     sight(server(status="SHELVED")), RUNNING),
    ("stopped", flight(STOP), sight(server(status="SHUTOFF")), DONE_HERE),
    ("stopped, its answer lost", flight(STOP, refusal=Refusal(STOP, "lost", is_lost=True)),
     sight(server(status="SHUTOFF")), DONE_HERE),
    ("being stopped", flight(STOP), sight(server(task_state="powering-off")), RUNNING),
    ("to be stopped, and broken", flight(STOP), sight(server(status="ERROR")), AGAIN),
    ("started", flight(START, server=server(status="SHUTOFF")), IDLE, DONE_HERE),
    ("unshelved meanwhile", flight(OFFLOAD, server=server(status="SHELVED")), IDLE, AGAIN),
    ("a resize within the host, confirmed",
     flight(CONFIRM, server=server(status="VERIFY_RESIZE")), IDLE, AGAIN),
    # nova did not accept it
    ("refused, to be asked again", flight(**REFUSED_ONCE), IDLE, AGAIN),
    ("refused", flight(**REFUSED), IDLE, NextStep(Kind.FAILED, text="HTTP 409")),
    ("refused, being deleted", flight(**REFUSED), sight(server(task_state="deleting")), RUNNING),
    ("refused, and gone", flight(**REFUSED), sight(), GONE),
    ("refused, not looked at", flight(**REFUSED), ELSEWHERE, RUNNING),
    ("refused, and yet it moves", flight(**REFUSED), going("running"), RUNNING),
    ("answer lost", flight(**LOST_ONCE), IDLE, RUNNING),
    ("answer lost, and it moves", flight(**LOST), going("completed"), LOOK),
    # where it lands
    ("landed, not looked at", flight(**LANDED), IDLE, LOOK),
    ("landed, as it was", flight(**LANDED), there(), DONE),
    ("landed, with a task", flight(**LANDED), there(task_state="x"), LOOK),
    ("landed, passing", flight(**LANDED), there("REBOOT"), LOOK),
    ("landed, not yet confirmed", COLD_OF_SHUTOFF, there("VERIFY_RESIZE"), LOOK),
    ("landed, stopped as it was", COLD_OF_SHUTOFF, there("SHUTOFF"), DONE),
    ("landed, in another state", flight(**LANDED), there("SHUTOFF"),
     NextStep(Kind.FAILED, text="is SHUTOFF on node2, and was ACTIVE")),
    ("landed in error", flight(**LANDED), there("ERROR"),
     NextStep(Kind.FAILED, text="is ERROR on node2, and was ACTIVE")),
    ("landed, and deleted", flight(**LANDED), ELSEWHERE, GONE),
    ("confirmed, in whatever state", flight(CONFIRM, **LANDED), there("SHUTOFF"), DONE),
    ("somebody else's, in whatever state", flight(None, **LANDED), there("SHUTOFF"), DONE),
    ("evacuated, stopped", flight(EVACUATE, **LANDED), there("SHUTOFF"),
     NextStep(Kind.ASK, action=START)),
    ("evacuated, start refused",
     flight(EVACUATE, refusal=Refusal(START, "HTTP 400"), **LANDED), there("SHUTOFF"),
     NextStep(Kind.FAILED, text="HTTP 400")),
    ("evacuated, being started", flight(EVACUATE, **POWERING), there("SHUTOFF"),
     LOOK),
    ("evacuated, started", flight(EVACUATE, **POWERING), there(), DONE),
    ("evacuated, start failed", flight(EVACUATE, **POWERING), there("ERROR"),
     NextStep(Kind.FAILED, text="is ERROR on node2, and was ACTIVE")),
    ("evacuated, was an error", flight(EVACUATE, server=server(status="ERROR"), **LANDED), there(),
     DONE),
    ("evacuated, paused", flight(EVACUATE, **LANDED), there("PAUSED"),
     NextStep(Kind.FAILED, text="is PAUSED on node2, and was ACTIVE")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("moving", "seen", "wanted"), [pytest.param(m, s, w, id=case) for case, m, s, w in FATES]
)
def test_fate(moving, seen, wanted):
    """By the migration and the server together, never by one of them alone."""
    assert of(moving, seen) == wanted


@pytest.mark.parametrize("status", sorted(WITHOUT_MOVE))
def test_a_migration_that_ended_without_a_move_has_failed(status):
    """The host that failed is told, so that another can be tried."""
    found = of(flight(), going(status))

    assert (found.kind, found.host) == (Kind.FAILED, "node2")
    assert found.text == f"live-migration 7 ended as {status}"


def test_a_resize_that_began_meanwhile_is_not_confirmed_unasked():
    """It is its user's."""
    found = of(flight(None), going("finished", type="resize"))
    asked = of(flight(None), going("finished", type="resize"), confirm_resizes=True)

    assert (found.kind, asked) == (Kind.FAILED, CONFIRMS)
    assert "--confirm-resizes" in found.text


@pytest.mark.parametrize(
    ("moving", "wanted"),
    [
        (flight(), NextStep(Kind.FAILED, text="nova accepted os-migrateLive and did nothing")),
        (
            flight(OFFLOAD),
            NextStep(Kind.FAILED, text="nova accepted shelveOffload and did nothing"),
        ),
        (flight(**LOST), NextStep(Kind.FAILED, text="no answer")),
        (flight(**LOST_ONCE), AGAIN),
    ],
)
def test_what_nova_does_not_begin_is_not_waited_for_for_long(moving, wanted):
    """A call whose answer was lost is asked again, once."""
    assert of(moving, IDLE, after=LATE) == wanted
    assert of(moving, BUSY, after=LATE) == RUNNING
    assert of(moving, IDLE, after=BEGIN_WITHIN) == RUNNING


#: the move, the server now, seconds since the move began; the next step
UNCHANGED = [
    (flight(None, server=BUILT), BUILT, 600, RUNNING),
    (flight(None, server=BUILT), BUILT, 601, NextStep(Kind.FAILED, text=(
        "'web' id-of-web (BUILD), BUILD, unchanged since long ago; delete it, or openstack server "
        "set --state error --auto-approve, then rebuild it"))),
    (flight(None, server=BUILT), replace(BUILT, updated_at="later"), 601, RUNNING),
    (flight(None, server=None), BUILT, 601, RUNNING),
    (flight(None), server(), 601, AGAIN),
    (flight(), server(task_state="migrating"), 601, RUNNING),
]  # fmt: skip


@pytest.mark.parametrize(("moving", "now", "after", "wanted"), UNCHANGED)
def test_a_state_that_does_not_pass_is_not_waited_for_for_long(moving, now, after, wanted):
    """While another's doing is waited for, and nova does not change the server's record."""
    assert of(moving, sight(now), after=after) == wanted


BOUNDED = [
    ("under way", flight(), going("running")),
    ("busy", flight(None), BUSY),
    ("landed, never looked at", flight(**LANDED), IDLE),
    ("landed, for ever with a task", flight(**LANDED), there(task_state="x")),
]


@pytest.mark.parametrize(("moving", "seen"), [pytest.param(m, s, id=c) for c, m, s in BOUNDED])
def test_every_wait_is_bounded(moving, seen):
    """Whatever it is waited for; what goes on without us is told with its cure."""
    in_time, late = of(moving, seen, after=BOUND), of(moving, seen, after=BOUND + 1)

    assert in_time.kind in {Kind.RUNNING, Kind.LOOK}
    assert (late.kind, late.host) == (Kind.FAILED, None)
    assert late.text.startswith("timed out after 3600 s")
    assert ("migration abort id-of-web 7" in late.text) is bool(seen.migrations)


@pytest.mark.parametrize(
    ("type_", "status", "remedy"),
    [
        ("live-migration", "running", "openstack server migration abort id-of-web 7"),
        ("migration", "migrating", "openstack server resize revert id-of-web"),
        ("evacuation", "accepted", "cannot be aborted"),
        ("live-migration", "completed", "openstack server migration list --server id-of-web"),
    ],
)
def test_a_move_that_nova_goes_on_with_names_the_command_that_nova_accepts(type_, status, remedy):
    """Only live migrations can be aborted."""
    text = goes_on(flight(), migration(7, type=type_, status=status))

    assert text.endswith(remedy)
    assert ("migration abort" in text) == (remedy.startswith("openstack server migration abort"))


@pytest.mark.parametrize(
    ("record", "is_live"),
    [
        (migration(7), True),
        (migration(7, status="preparing"), False),
        (migration(7, type="migration"), False),
        (None, False),
    ],
)
def test_only_a_live_migration_that_runs_can_be_ended(record, is_live):
    """Nova refuses the commands for others."""
    text = ways_to_end(flight(migration=record))

    assert bool(text) is is_live
    if is_live:
        assert "openstack server migration force complete id-of-web 7 " in text
        assert text.endswith("openstack server migration abort id-of-web 7")


def test_a_server_that_is_being_stopped_has_no_migration():
    """It is looked at itself."""
    assert goes_on(flight(STOP), None).endswith("openstack server show id-of-web")


def test_what_is_done_late_is_done():
    """The bound is on waiting, not on arriving."""
    assert of(flight(**LANDED), there(), after=BOUND + 1) == DONE


def test_only_newer_migrations_are_its_own():
    """An earlier one of the same server says nothing about this move."""
    older = migration(MARK, status="error")
    other = migration(9, server="id-of-other")
    newer, newest = migration(7, status="error"), migration(8)

    assert own_migration(flight(), sight(migrations=(older, other))) is None
    assert own_migration(flight(), sight(migrations=(newest, older, newer, other))) == newest


def test_a_new_migration_may_have_a_lower_id_than_one_of_another_cell():
    """Ids are counted in each cell."""
    elsewhere = migration(900, server="id-of-other", source="node2", destination=HOST)
    own = migration(7)

    assert own_migration(flight(), sight(migrations=(elsewhere, own))) == own


WANTED = [
    (flight(), {}, "ACTIVE"),
    (flight(server=server(status="PAUSED")), {}, "PAUSED"),
    (flight(server=None), {}, "any"),
    (flight(EVACUATE), {}, "ACTIVE"),
    (flight(EVACUATE), {"leave_stopped": True}, "SHUTOFF"),
    (flight(COLD), {"leave_stopped": True}, "ACTIVE"),
    (flight(EVACUATE, server=server(status="ERROR")), {}, "any"),
]


@pytest.mark.parametrize(("moving", "asked", "wanted"), WANTED)
def test_the_state_that_a_server_must_have(moving, asked, wanted):
    """The one that it had, unless it was to be left stopped."""
    assert status_wanted(moving, request(**asked)) == wanted


def test_an_evacuated_server_that_runs_is_stopped_when_that_is_wanted():
    """A nova before 2.95 starts it."""
    found = of(flight(EVACUATE, **LANDED), there(), leave_stopped=True)

    assert found == NextStep(Kind.ASK, action=STOP)
