# SPDX-License-Identifier: Apache-2.0
"""Servers that move side by side, undisturbed: how many at once, how they are watched, the end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from nova_decom.apply.move_limits import MoveLimits
from nova_decom.apply.move_progress import SLOW_AFTER
from nova_decom.apply.server_mover import EMPTY_READINGS
from nova_decom.errors import ChangeFailedError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.cloud import Action, HostCapacity, LiveProgress, ServerGroup
from nova_decom.model.report import Result
from nova_decom.model.request import Servers
from nova_decom.plan.jobs import BRING_BACK, DRAIN, ENABLE
from tests.unit.build import allocation, migration, request, server, service
from tests.unit.moving_states import MIXED, MOVABLE, OFF, WEB, dead, occupied, with_migration
from tests.unit.world import World

DONE, NOT_NEEDED = Status.DONE, Status.NOT_NEEDED
EVERY = MoveLimits().every
#: Polls from the end of a migration to the end of the move, and a little.
MOST_POLLS = 12


def many(number, **what):
    """A host with so many servers."""
    return occupied(*(server(f"s{n:02}") for n in range(number)), **what)


def outcomes(report):
    """What became of each server."""
    return {
        o.change.target: (o.status, o.to)
        for o in report.outcomes
        if o.change.step == "move-servers"
    }


@pytest.mark.parametrize("state", MOVABLE.values(), ids=MOVABLE)
def test_a_drain_leaves_every_server_elsewhere_in_its_old_state(run, state):
    """And the host disabled, with nothing of it deleted."""
    world = World(state)
    before = {s.id: s.status for s in state.servers}

    report = run(world, job=DRAIN).go()

    assert (report.result, report.exit_code, report.error) == (Result.DRAINED, 0, None)
    assert (world.truth.servers, world.truth.migrations) == ((), ())
    assert world.truth.service.status == "disabled"
    assert set(world.writes) <= {"disable", *Action}
    for name, status in before.items():
        assert world.nova.elsewhere[name].status == arrives(state, status)
        assert outcomes(report)[name][0] is DONE


def arrives(state, status):
    """The status with which a server arrives that left with this one."""
    if state.request.leave_stopped:
        return "SHUTOFF"
    kept = {"SHELVED": "SHELVED_OFFLOADED", "BUILD": "ACTIVE", "ERROR": "ACTIVE"}
    return kept.get(status, status)


def test_a_drain_is_planned_with_the_way_of_each_server(run):
    """And nothing more than disabling and moving."""
    plan = run(World(occupied(*MIXED)), job=DRAIN).reviewed

    assert [c.step for c in plan.changes] == ["disable-service"] + ["move-servers"] * len(MIXED)
    labels = [c.label.split(" '")[0] for c in plan.changes[1:]]
    assert labels == [
        "live-migrate",
        "cold-migrate",
        "live-migrate",
        "live-migrate",
        "offload",
        "wait for",
    ]
    assert (plan.leftovers, plan.kept) == ((), ())


def test_draining_again_changes_nothing(run):
    """It is disabled and empty."""
    world = World(occupied(WEB))
    run(world, job=DRAIN).go()
    world.writes.clear()

    again = run(world, job=DRAIN)
    report = again.go()

    assert (again.reviewed.changes, world.writes, report.changed) == ((), [], False)


@pytest.mark.parametrize("at_once", [1, 2, 4, 7])
def test_never_more_than_allowed_at_once(run, at_once):
    """By nova's own records; and a place that is free is taken at the next poll."""
    world = World(many(9))

    report = run(world, job=DRAIN, pacing=MoveLimits(at_once)).go()

    assert report.exit_code == ExitCode.SUCCESS
    assert world.nova.most == at_once


def test_a_free_place_is_taken_at_the_next_poll(run):
    """One long move does not hold up the others."""
    world = World(many(12))
    world.nova.script("id-of-s00", takes=300)
    process = run(world, job=DRAIN, pacing=MoveLimits(at_once=2))
    process.go()

    idle = longest_with_room(process.shown, at_once=2)

    assert world.nova.most == 2
    assert world.time.now() - 1000 < 300 + MOST_POLLS * EVERY
    assert idle <= EVERY


def longest_with_room(shown, at_once):
    """The longest time for which fewer moved than might, while some were left that had not."""
    longest, since = 0.0, None
    for moves in shown:
        flying = [f for f in moves.flights if f.arriving_on is None]
        has_room = len(flying) < at_once and moves.left > len(moves.flights)
        since = (since if since is not None else moves.now) if has_room else None
        longest = max(longest, 0.0 if since is None else moves.now - since)
    return longest


def test_migrations_of_others_take_places_too(run):
    """What nova carries is what counts; when it ends, ours go on."""
    others = tuple(migration(50 + n, server=f"foreign{n}") for n in range(4))
    world = World(many(3, migrations=others))

    report = run(world, job=DRAIN).go()

    assert report.exit_code == ExitCode.SUCCESS
    assert world.nova.most == 4


def test_somebody_who_moves_servers_at_the_same_time_does_not_stop_us(run):
    """All places are taken by moves that nobody planned: they are waited for, not spun on."""
    world = World(many(6))
    process = run(world, job=DRAIN)
    world.time.at(
        0, lambda: [world.nova.act(f"id-of-s0{n}", Action.LIVE, "node3") for n in range(4)]
    )
    world.time.sleep(0)

    report = process.go()

    assert report.exit_code == ExitCode.SUCCESS
    assert world.nova.most == 4
    assert len(world.nova.asked) == 6


def test_a_resize_that_waits_for_its_user_takes_no_place(run):
    """It may wait for days; skipping its guard moves the others, and the host is not empty."""
    waiting = tuple(
        migration(50 + n, server=f"foreign{n}", type="resize", status="finished") for n in range(4)
    )
    skipping = request(servers=Servers.AUTO, skip_guards=frozenset({"migrations-active"}))
    world = World(many(2, migrations=waiting, request=skipping))

    report = run(world, job=DRAIN).go()

    assert [s for s, _ in outcomes(report).values()].count(DONE) == 2
    assert report.exit_code == ExitCode.FAILED
    assert "--confirm-resizes" in report.error
    assert world.time.now() - 1000 < 60


@pytest.mark.parametrize("number", [1, 4, 40])
def test_a_tick_reads_twice_whatever_the_number_of_servers(run, number):
    """One look per poll, each of which is two calls; never one per server."""
    world = World(many(number))

    run(world, job=DRAIN).go()

    times = [at for at, _ in world.nova.looks]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert set(gaps) == {EVERY}


def test_the_host_is_empty_when_two_readings_in_a_row_say_so(run):
    """One may fall between the scheduler's choice and nova's record of it."""
    world = World(occupied(WEB))
    run(world, job=DRAIN).go()

    assert [look for _, look in world.nova.looks[-EMPTY_READINGS:]] == ["node1"] * EMPTY_READINGS


@pytest.mark.parametrize("later", [3.0, 11.0, 15.0])
def test_servers_that_arrive_late_are_moved_too(run, later):
    """They were being scheduled while the host was disabled; they need not wait for others."""
    world = World(occupied(WEB))
    world.nova.script("id-of-web", takes=30)
    world.time.at(later, lambda: world.nova.arrive(server("late")))

    report = run(world, job=DRAIN).go()

    assert outcomes(report) == {"id-of-web": (DONE, "node2"), "id-of-late": (DONE, "node2")}
    assert world.time.now() - 1000 < 45


def test_a_late_server_on_an_empty_host_starts_the_count_anew(run):
    """The second reading is not empty."""
    world = World(occupied(service=service()))
    world.time.at(EVERY / 2, lambda: world.nova.arrive(server("late")))

    report = run(world, job=DRAIN).go()

    assert outcomes(report) == {"id-of-late": (DONE, "node2")}


def test_a_server_that_is_deleted_meanwhile_is_not_needed(run):
    """Before it was begun, and while it moves."""
    world = World(many(6))
    world.time.at(3, lambda: world.nova.delete("id-of-s00"))
    world.time.at(3, lambda: world.nova.delete("id-of-s05"))

    report = run(world, job=DRAIN).go()

    assert report.exit_code == ExitCode.SUCCESS
    assert {s for s, (status, _) in outcomes(report).items() if status is NOT_NEEDED} <= {
        "id-of-s00",
        "id-of-s05",
    }
    assert "id-of-s05" not in {s for s, _, _ in world.nova.asked}


def test_a_server_that_is_deleted_just_before_it_is_asked_for(run):
    """Nova answers that there is none: it is looked at again, and gone."""
    world = World(occupied(WEB))
    process = run(world, job=DRAIN)
    act = world.nova.act

    def too_late(*_what):
        world.nova.delete("id-of-web")
        world.nova.act = act
        raise ChangeFailedError("HTTP 404", "look")

    world.nova.act = too_late

    report = process.go()

    assert (report.exit_code, outcomes(report)) == (0, {"id-of-web": (NOT_NEEDED, None)})


def test_waiting_alone_changes_nothing(run):
    """Whoever reads ``changed: false`` may rely on it."""
    state = with_migration(type="live-migration")
    held = service(status="disabled", disabled_reason=state.request.claim)
    world = World(replace(state, services=(held,)))

    report = run(world, job=DRAIN).go()

    assert (report.exit_code, report.changed, world.nova.asked) == (0, False, [])


def test_outcomes_tell_where_to_and_how_long(run):
    """In JSON and in the journal."""
    world = World(occupied(WEB, OFF))
    process = run(world, job=DRAIN)

    report = process.go()

    moved = [o for o in report.outcomes if o.change.step == "move-servers"]
    assert {o.to for o in moved} == {"node2"}
    assert all(10 <= o.seconds <= 10 + MOST_POLLS * EVERY for o in moved)
    assert all(o.request_id.startswith("req-") for o in moved)
    done = [e for kind, e in process.journal.events if kind == "done" and e["to"] == "node2"]
    assert [e["seconds"] for e in done] == [o.seconds for o in moved]


def test_a_cold_migration_is_confirmed_by_us(run):
    """It ends where the operator wanted it, not where nova stops to ask."""
    world = World(occupied(OFF))

    run(world, job=DRAIN).go()

    assert [a for _, a, _ in world.nova.asked] == [Action.COLD, Action.CONFIRM]


@pytest.mark.parametrize("leaves_stopped", [False, True])
@pytest.mark.parametrize("leave_stopped", [False, True])
def test_evacuated_servers_end_as_asked(run, leaves_stopped, leave_stopped):
    """A nova since 2.95 leaves them stopped, an older one starts them: both are put right."""
    world = World(dead(WEB, OFF, leave_stopped=leave_stopped))
    world.nova.leaves_stopped = leaves_stopped

    report = run(world, job=DRAIN).go()

    assert report.exit_code == ExitCode.SUCCESS
    wanted = "SHUTOFF" if leave_stopped else "ACTIVE"
    assert world.nova.elsewhere["id-of-web"].status == wanted
    assert world.nova.elsewhere["id-of-off"].status == "SHUTOFF"


def test_removing_a_dead_host_clears_what_evacuation_left(run):
    """The allocations on its provider were planned to be cleared, and are."""
    world = World(dead(WEB, OFF))
    process = run(world)

    report = process.go()

    cleared = [c.target for c in process.reviewed.changes if c.step == "clear-allocations"]
    assert cleared == ["id-of-web", "id-of-off"]
    assert (report.result, world.truth.allocations) == (Result.REMOVED, ())


@pytest.mark.parametrize("closes", [True, False])
def test_evacuations_that_the_run_makes_are_closed_as_asked(run, closes):
    """No plan shows them: their records have no ids before."""
    world = World(dead(WEB, close_evacuations=closes))
    made = migration(41, type="evacuation", status="done", cell="cell1")

    def evacuated():
        rows = replace(world.truth.database, evacuations=(made,))
        world.change(database=rows, evacuations=(made,))

    world.time.at(3, evacuated)
    process = run(world)
    report = process.go()

    done = [o.change.target for o in report.outcomes if o.change.step == "close-evacuations"]
    (record,) = world.truth.database.evacuations
    assert "close-evacuations" not in {c.step for c in process.reviewed.changes}
    assert done == (["cell1: migrations 41"] if closes else [])
    assert (report.result, record.status) == (Result.REMOVED, "completed" if closes else "done")


SUSPENDED, STUCK = server("asleep", status="SUSPENDED"), server("stuck", status="PAUSED")


def partial(state):
    """The same host, with --partial."""
    return replace(state, request=replace(state.request, partial=True, may_be_partial=True))


def test_what_can_move_moves_and_the_rest_is_named(run):
    """With --partial; the host stays disabled, and the exit code is 1."""
    world = World(partial(occupied(WEB, SUSPENDED, OFF)))

    report = run(world, job=DRAIN).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert "1 server could not be moved: id-of-asleep: 'asleep'" in report.error
    (failed,) = [o for o in report.outcomes if o.status is Status.FAILED]
    assert failed.error.startswith("'asleep' id-of-asleep (SUSPENDED)")
    assert set(world.nova.elsewhere) == {"id-of-web", "id-of-off"}
    assert world.truth.servers == (SUSPENDED,)
    assert world.truth.service.status == "disabled"


def test_nothing_of_a_dead_host_is_deleted_while_a_server_is_left(run):
    """The others do not wait for it."""
    world = World(partial(dead(WEB, STUCK, OFF)))

    report = run(world).go()

    assert report.exit_code == ExitCode.FAILED
    assert set(world.nova.elsewhere) == {"id-of-web", "id-of-off"}
    assert set(world.writes) <= {"disable", *Action}
    assert world.truth.servers == (STUCK,)


def test_a_host_that_partial_has_emptied_is_removed(run):
    """All could move."""
    report = run(World(partial(dead(WEB, OFF)))).go()

    assert (report.result, report.exit_code) == (Result.REMOVED, 0)


def test_nova_is_not_asked_to_evacuate_where_no_host_may_take_the_server(run):
    """It would put the server into ERROR; the others are evacuated."""
    group = ServerGroup("g", "affinity", ("id-of-web",))
    world = World(replace(partial(dead(WEB, OFF)), groups=(group,)))

    report = run(world).go()

    assert "server group 'g'" in report.error
    assert [server for server, *_ in world.nova.asked] == ["id-of-off"]
    assert world.truth.servers == (WEB,)


@pytest.mark.parametrize(("free", "left"), [(1, {"id-of-web"}), (2, set())])
def test_nova_is_not_asked_to_evacuate_what_has_room_nowhere(run, free, left):
    """By placement; the others are evacuated."""
    rooms = (HostCapacity("node2", (("VCPU", free),)),)
    held = (allocation(consumer="id-of-off", resources=(("VCPU", 1),)), allocation())
    world = World(replace(partial(dead(WEB, OFF)), rooms=rooms, allocations=held))

    report = run(world, job=DRAIN).go()

    assert {s.id for s in world.truth.servers} == left
    assert ("has room on no other host" in (report.error or "")) is bool(left)


def test_only_the_chosen_servers_move(run):
    """The host is disabled, the others stay, and that is what was asked for."""
    chosen = request(servers=Servers.AUTO, only=frozenset({"id-of-off"}))
    world = World(occupied(WEB, OFF, SUSPENDED, request=chosen))

    report = run(world, job=DRAIN).go()

    assert (report.result, report.exit_code) == (Result.DRAINED, 0)
    assert set(world.nova.elsewhere) == {"id-of-off"}
    assert world.truth.servers == (WEB, SUSPENDED)


def test_what_is_shown_adds_up(run):
    """Moved, left and failed; each that moves with where it goes."""
    world = World(many(6))
    world.nova.script("id-of-s03", "no host")
    process = run(world, job=DRAIN)
    process.go()

    first, last = process.shown[0], process.shown[-1]
    assert (first.moved, first.left, first.failed, len(first.flights)) == (0, 6, 0, 4)
    assert (last.moved, last.left, last.failed) == (5, 0, 1)
    assert {f.to for m in process.shown for f in m.flights} == {None, "node2"}


def test_the_progress_of_slow_live_migrations_is_read_one_a_poll(run):
    """Each in its turn, from ten seconds on; a cold migration shows none."""
    world = World(occupied(WEB, server("db"), OFF))
    for name in ("id-of-web", "id-of-db", "id-of-off"):
        world.nova.script(name, "well", takes=60.0)
    world.nova.progress["id-of-web"] = LiveProgress(memory=8, memory_left=2)
    process = run(world, job=DRAIN)
    process.go()

    asked = world.nova.progress_asked
    assert asked[0][0] > world.nova.looks[0][0] + SLOW_AFTER
    assert all(b - a >= EVERY for (a, _), (b, _) in pairwise(asked))
    assert {asked[0][1], asked[1][1]} == {"id-of-web", "id-of-db"}
    assert [name for _, name in asked[2:4]] == [name for _, name in asked[:2]]
    assert {name for _, name in asked} == {"id-of-web", "id-of-db"}
    shown = {(f.id, f.progress) for m in process.shown for f in m.flights}
    assert ("id-of-web", world.nova.progress["id-of-web"]) in shown
    assert {progress for name, progress in shown if name != "id-of-web"} == {None}


def test_a_drain_may_stop_servers_and_a_later_run_starts_them(run):
    """They stay on the host; those that were off before stay off."""
    stopping = request(servers=Servers.STOP)
    world = World(occupied(WEB, OFF, server("new", status="BUILD"), request=stopping))

    report = run(world, job=DRAIN).go()

    assert (report.result, report.exit_code) == (Result.DRAINED, ExitCode.SUCCESS)
    assert {s.id: s.status for s in world.truth.servers} == dict.fromkeys(
        ("id-of-web", "id-of-off", "id-of-new"), "SHUTOFF"
    )
    assert outcomes(report) == dict.fromkeys(("id-of-web", "id-of-new"), (DONE, None))
    assert run(world, job=DRAIN).reviewed.changes == ()
    stopped = frozenset(outcomes(report))
    starting = request(servers=Servers.AUTO, home="node1", target="node1", stopped=stopped)
    world.change(request=starting)

    report = run(world, job=BRING_BACK).go()

    assert (report.result, report.exit_code) == (Result.ENABLED, ExitCode.SUCCESS)
    assert {s.id for s in world.truth.servers if s.status == "ACTIVE"} == stopped
    assert world.truth.service.status == "enabled"


def test_a_server_that_does_not_start_is_named(run):
    """The host is enabled all the same."""
    stopped = frozenset({"id-of-off", "id-of-broken"})
    asked = request(servers=Servers.AUTO, home="node1", target="node1", stopped=stopped)
    broken = server("broken", status="ERROR")
    world = World(occupied(OFF, broken, request=replace(asked, partial=True)))
    world.change(services=(service(status="disabled", disabled_reason=asked.claim),))

    report = run(world, job=BRING_BACK).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert "'broken' id-of-broken (ERROR): nova starts none in this state" in report.error
    assert outcomes(report)["id-of-off"] == (DONE, None)


def test_enabling_takes_back_our_own_disabling(run):
    """Nothing else is touched, and a second time nothing is left to do."""
    world = World(occupied(WEB))
    claim = world.truth.request.claim
    world.change(services=(service(status="disabled", disabled_reason=claim),))

    report = run(world, job=ENABLE).go()

    assert (report.result, report.exit_code) == (Result.ENABLED, ExitCode.SUCCESS)
    assert (world.writes, world.truth.service.disabled_reason) == (["enable"], None)
    assert run(world, job=ENABLE).reviewed.changes == ()


@pytest.mark.parametrize(
    ("here", "words"),
    [
        (service(status="disabled", disabled_reason="broken fan"), "somebody else: 'broken fan'"),
        (service(status="disabled"), "somebody else: 'without a reason'"),
        (None, "no nova-compute service"),
        (
            service(
                status="disabled",
                disabled_reason="nova-decom X by a@b until 2026-11-24T12:00:00Z: old",
            ),
            "run X by a@b is at work on it",
        ),
        (
            service(status="disabled", disabled_reason="nova-decom X by a@b (was disabled): old"),
            "somebody else: 'nova-decom X",
        ),
    ],
)
def test_enabling_refuses_what_is_not_ours(run, here, words):
    """Whoever disabled it has a reason."""
    world = World(occupied())
    world.change(services=(here,) if here else ())

    process = run(world, job=ENABLE)
    report = process.go()

    assert (report.result, world.writes) == (Result.REFUSED, [])
    assert words in report.error
    assert report.remedy


def test_a_server_that_left_after_the_review_is_not_needed(run):
    """Somebody else was faster; a server that came since is moved, too: that was asked for."""
    world = World(occupied(WEB))
    process = run(world)
    world.nova.land("id-of-web", "node3", "ACTIVE")
    world.nova.arrive(server("late"))

    report = process.go()

    assert (report.result, report.exit_code) == (Result.REMOVED, ExitCode.SUCCESS)
    assert outcomes(report) == {"id-of-web": (NOT_NEEDED, None), "id-of-late": (DONE, "node2")}


def test_from_the_end_of_the_window_on_no_move_begins(run):
    """Those in progress end; the others are counted, and the host stays disabled."""
    world = World(many(3))
    world.nova.script("id-of-s00", takes=30)
    late = MoveLimits(1, is_late=lambda: world.time.now() > 1010)

    report = run(world, job=DRAIN, pacing=late).go()

    assert report.exit_code == ExitCode.TIMEOUT
    assert "2 servers not moved, as it is later than --until" in report.error
    assert set(world.nova.elsewhere) == {"id-of-s00"}
    assert world.truth.service.status == "disabled"
