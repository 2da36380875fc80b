# SPDX-License-Identifier: Apache-2.0
"""Moves that fail, answers that are lost, runs that are interrupted or killed; running again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from nova_decom.apply.move_limits import MoveLimits
from nova_decom.clock import Clock
from nova_decom.errors import (
    BadRequestError,
    ConflictError,
    NoAnswerError,
    NotFoundError,
    TransientError,
    UnavailableError,
)
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.cloud import Action, HostCapacity, ServerGroup
from nova_decom.model.report import Result
from nova_decom.model.request import Servers
from nova_decom.moves.move import MOVING
from nova_decom.moves.status import BEGIN_WITHIN
from nova_decom.plan.jobs import DRAIN
from tests.unit.build import fleet, migration, neighbour, request, server, service
from tests.unit.moving_states import AUTO, MIXED, MOVABLE, OFF, WEB, dead, occupied
from tests.unit.nova import BREAKS, CANCELLED, FAILS, FORGOTTEN, NO_HOST, STUCK
from tests.unit.world import Kill, World

DONE, FAILED, PENDING, NOT_NEEDED = Status.DONE, Status.FAILED, Status.PENDING, Status.NOT_NEEDED
IN_PROGRESS = Status.IN_PROGRESS
TWO = {
    "fleet": fleet(service(), neighbour(), neighbour("node3")),
    "rooms": (
        HostCapacity("node2", (("MEMORY_MB", 9),)),
        HostCapacity("node3", (("MEMORY_MB", 8),)),
    ),
}
QUICK = MoveLimits(move_timeout=60.0)
#: This run holds the host already, so that its first write is the first move.
CLAIMED = service(status="disabled", disabled_reason=request().claim)


def outcomes(report):
    """What became of each server."""
    return {o.change.target: o.status for o in report.outcomes if o.change.step == "move-servers"}


def asked_of(world):
    """What nova was asked to do with servers."""
    return [write for write in world.writes if write != "disable"]


def moves_of(world):
    """How often nova was asked to move each server."""
    return Counter(s for s, action, _ in world.nova.asked if action in MOVING)


@pytest.mark.parametrize("way", [FAILS, CANCELLED])
@pytest.mark.parametrize("of", [WEB, OFF])
def test_a_move_that_failed_is_tried_once_on_another_host(run, way, of):
    """Never on the one that failed."""
    world = World(occupied(of, **TWO))
    world.nova.script(of.id, way)
    process = run(world, job=DRAIN)

    report = process.go()

    assert (report.exit_code, outcomes(report)) == (0, {of.id: DONE})
    assert [to for _, action, to in world.nova.asked if action in MOVING] == [None, "node3"]
    assert world.nova.elsewhere[of.id].host == "node3"
    (note,) = [e["what"] for kind, e in process.journal.events if kind == "note"]
    assert note.startswith(f"{of.id}: ")
    assert note.endswith("on node2; once more, to node3")


def test_a_retry_keeps_its_target_whatever_was_read_last(run):
    """While others land, every other reading is of their host, and ours is a little old."""
    servers = [server(f"s{n}") for n in range(8)]
    world = World(occupied(*servers, **TWO))
    for number, one in enumerate(servers):
        world.nova.script(one.id, *([FAILS] if number % 2 else []), takes=10 + number)

    report = run(world, job=DRAIN).go()

    assert report.exit_code == ExitCode.SUCCESS
    again = [to for s, _, to in world.nova.asked if int(s[-1]) % 2]
    assert sorted(again, key=str) == [None] * 4 + ["node3"] * 4


@pytest.mark.parametrize(
    ("state", "ways", "words"),
    [
        (occupied(WEB, **TWO), [FAILS, FAILS], "ended as error"),
        (occupied(WEB), [FAILS], "then: there is no other host for it"),
        (occupied(WEB), [NO_HOST], "live-migration 101 ended as error"),
        (occupied(OFF), [NO_HOST], "migration 101 ended as error"),
        (occupied(WEB), [STUCK], "openstack server migration abort id-of-web 101"),
        (occupied(WEB), [FORGOTTEN], "nova accepted os-migrateLive and did nothing"),
        (
            occupied(WEB, **TWO, request=replace(AUTO, target="node2")),
            [FAILS],
            "there is no other host for it",
        ),
    ],
)
def test_a_server_that_cannot_be_moved_is_told_and_nothing_is_deleted(run, state, ways, words):
    """The others go on; the host is not empty, so the removal ends there."""
    other = server("other")
    world = World(replace(state, servers=(*state.servers, other)))
    world.nova.script(state.servers[0].id, *ways)

    report = run(world, pacing=QUICK).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert outcomes(report) == {state.servers[0].id: FAILED, "id-of-other": DONE}
    assert words in report.error
    assert not {"stop", "delete", "purge", "release"} & set(asked_of(world))
    assert world.truth.services
    assert moves_of(world)[state.servers[0].id] == len(ways)


def test_a_server_that_is_left_in_error_is_told_with_its_cure(run):
    """It is where it was, but nothing moves it as it is."""
    world = World(occupied(WEB, **TWO))
    world.nova.script("id-of-web", BREAKS)

    report = run(world, job=DRAIN).go()

    assert outcomes(report) == {"id-of-web": FAILED}
    assert "live-migration 101 left it in ERROR" in report.error


def test_an_evacuation_that_failed_is_tried_on_another_host(run):
    """Nova makes the server an ERROR then; that it was ACTIVE is not forgotten."""
    world = World(replace(dead(WEB), **TWO))
    world.nova.leaves_stopped = True
    world.nova.script("id-of-web", FAILS)

    report = run(world, job=DRAIN).go()

    assert outcomes(report) == {"id-of-web": DONE}
    there = world.nova.elsewhere["id-of-web"]
    assert (there.host, there.status) == ("node3", "ACTIVE")


def test_a_server_that_arrives_in_another_state_has_failed(run):
    """It is not here any more, but whoever relied on it must know."""
    world = World(occupied(WEB))
    land = world.nova.land
    world.nova.land = lambda name, host, _status: land(name, host, "ERROR")

    report = run(world, job=DRAIN).go()

    assert outcomes(report) == {"id-of-web": FAILED}
    assert "is ERROR on node2, and was ACTIVE" in report.error


@pytest.mark.parametrize("answer_lost", [False, True], ids=["not heard", "heard"])
@pytest.mark.parametrize("state", [occupied(WEB), occupied(OFF), dead(WEB)])
def test_a_call_whose_answer_is_lost_is_believed_by_what_is_read(run, state, answer_lost):
    """Heard, it is not repeated; not heard, it is asked once more."""
    for number in (1, 2):
        held = replace(state.service, status="disabled", disabled_reason=state.request.claim)
        world = World(replace(state, services=(held,)))
        world.nova.leaves_stopped = True
        world.fail(number, NoAnswerError("no answer", "look"), answer_lost=answer_lost)

        report = run(world, job=DRAIN).go()

        assert (report.exit_code, report.error) == (0, None)
        assert set(outcomes(report).values()) == {DONE}
        assert set(moves_of(world).values()) == {1}
        assert world.time.now() - 1000 < BEGIN_WITHIN + 60


def test_a_call_that_is_never_heard_is_not_asked_for_ever(run):
    """Twice, then it is told."""
    world = World(occupied(WEB, service=CLAIMED))
    world.failures = {n: NoAnswerError("no answer", "look") for n in range(1, 9)}

    report = run(world, job=DRAIN).go()

    assert (outcomes(report), asked_of(world)) == ({"id-of-web": FAILED}, [Action.LIVE] * 2)
    assert "no answer" in report.error


@pytest.mark.parametrize(
    ("failure", "result", "tries"),
    [
        (ConflictError("HTTP 409", "look"), DONE, 2),
        (TransientError("HTTP 503", "look"), DONE, 2),
        (BadRequestError("HTTP 400", "look"), FAILED, 1),
    ],
)
def test_a_refusal_that_may_pass_is_asked_again_after_a_look(run, failure, result, tries):
    """Once; what nova never does is not asked again."""
    world = World(occupied(WEB, service=CLAIMED))
    world.fail(1, failure)

    report = run(world, job=DRAIN).go()

    assert outcomes(report) == {"id-of-web": result}
    assert len(asked_of(world)) == tries
    assert (report.error is None) or str(failure) in report.error


@pytest.mark.parametrize("failure", [ConflictError("HTTP 409", "look"), BadRequestError("x", "y")])
def test_a_confirmation_that_nova_goes_on_refusing_is_told(run, failure):
    """The migration stays where it is; it is not waited for until the bound."""
    world = World(occupied(OFF, service=CLAIMED))
    world.failures = dict.fromkeys(range(2, 9), failure)

    report = run(world, job=DRAIN).go()

    assert outcomes(report) == {"id-of-off": FAILED}
    assert str(failure) in report.error
    assert world.time.now() - 1000 < 60


def test_an_operators_migration_whose_confirmation_is_refused_once(run):
    """It is asked again by what is read next."""
    going = migration(server="gone", type="migration", status="finished")
    state = occupied(service=CLAIMED, migrations=(going,))
    world = World(state)
    world.fail(1, ConflictError("HTTP 409", "look"))

    report = run(world, job=DRAIN).go()

    assert (outcomes(report), asked_of(world)) == ({"gone": DONE}, [Action.CONFIRM] * 2)


@pytest.mark.parametrize("silent", [10.0, 100.0, 290.0])
@pytest.mark.parametrize("since", [0.0, 5.0, 13.0])
def test_a_silent_api_is_outlasted(run, since, silent):
    """Moves go on without us; nothing is begun blindly, and nothing twice."""
    world = World(occupied(WEB, OFF))
    process = run(world, job=DRAIN)
    world.time.at(since, lambda: setattr(world.nova, "silent_until", world.time.now() + silent))

    report = process.go()

    assert (report.exit_code, set(outcomes(report).values())) == (0, {DONE})
    assert set(moves_of(world).values()) == {1}


def test_an_api_that_stays_silent_ends_the_run(run):
    """Within a bound; nova goes on with the move."""
    world = World(occupied(WEB))
    world.time.at(5, lambda: setattr(world.nova, "silent_until", 1e9))

    report = run(world, job=DRAIN).go()

    assert report.exit_code == ExitCode.UNAVAILABLE
    assert outcomes(report) == {"id-of-web": IN_PROGRESS}
    assert world.time.now() - 1000 < MoveLimits().api_outage_limit + 30


def test_moves_of_others_that_never_end_do_not_hold_the_run_for_ever(run):
    """All places are taken: there is a bound for all."""
    others = tuple(migration(50 + n, server=f"foreign{n}") for n in range(4))
    world = World(occupied(WEB))
    world.nova.records |= {m.id: m for m in others}
    world.change(migrations=others)

    report = run(world, job=DRAIN, pacing=QUICK).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.TIMEOUT)
    assert moves_of(world) == {}
    assert world.time.now() - 1000 <= QUICK.bound(5) + 2 * QUICK.every


def obey_interrupts(process, world):
    """Give the process a clock that wakes up for an interrupt, as the real one does."""

    def sleep(seconds):
        process.interrupts.check()
        world.time.sleep(seconds)
        process.interrupts.check()

    process.execution.clock = Clock(world.time.now, sleep)


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.TERMINATED])
def test_interrupted_once_it_begins_nothing_more_and_waits_for_what_moves(run, code):
    """Nothing is left half-way; running again goes on from there."""
    world = World(occupied(*(server(f"s{n}") for n in range(9))))
    process = run(world, job=DRAIN)
    obey_interrupts(process, world)
    world.time.at(5, lambda: process.interrupts.ask(code))

    report = process.go()

    counted = Counter(outcomes(report).values())
    assert (report.result, report.exit_code) == (Result.INTERRUPTED, code)
    assert (counted, world.truth.migrations) == ({DONE: 4, PENDING: 5}, ())
    assert run(world, job=DRAIN).go().exit_code == ExitCode.SUCCESS
    assert set(moves_of(world).values()) == {1}


def test_interrupted_twice_it_abandons_what_moves(run):
    """It goes on in nova: in progress, with the command that aborts it."""
    world = World(occupied(*(server(f"s{n}") for n in range(9))))
    process = run(world, job=DRAIN)
    obey_interrupts(process, world)
    for later in (5, 6):
        world.time.at(later, lambda: process.interrupts.ask(ExitCode.INTERRUPTED))

    report = process.go()

    assert report.exit_code == 130
    assert Counter(outcomes(report).values()) == {IN_PROGRESS: 4, PENDING: 5}
    going = [o for o in report.outcomes if o.status is IN_PROGRESS]
    aborts = {o.error.partition(": ")[2] for o in going}
    assert aborts == {
        f"openstack server migration abort {m.server} {m.id}" for m in world.truth.migrations
    }
    assert all(o.begun for o in going)
    assert len(world.truth.migrations) == 4
    assert world.time.now() - 1000 < 10
    host, left, *moves = report.to_do
    assert host == (
        "node1 stays disabled by this run: nova-decom drain node1 goes on, nova-decom enable "
        "node1 --bring-back takes it back"
    )
    assert left.startswith("9 servers are not moved: openstack server list --all-projects")
    assert {move.rpartition(": ")[2] for move in moves} == aborts
    assert run(world, job=DRAIN).go().exit_code == ExitCode.SUCCESS
    assert set(moves_of(world).values()) == {1}


def test_an_interrupt_does_not_wait_for_what_others_do(run):
    """A server that is being built may be so for an hour."""
    world = World(occupied(server("new", status="BUILD")))
    process = run(world, job=DRAIN)
    obey_interrupts(process, world)
    world.time.at(3, lambda: process.interrupts.ask(ExitCode.INTERRUPTED))

    report = process.go()

    assert (report.exit_code, outcomes(report)) == (130, {"id-of-new": PENDING})
    assert world.time.now() - 1000 < 6
    assert not any(o.begun for o in report.outcomes[1:])


def test_a_move_that_fails_after_an_interrupt_is_not_tried_again(run):
    """Nothing more is begun."""
    world = World(occupied(WEB, **TWO))
    world.nova.script("id-of-web", FAILS)
    process = run(world, job=DRAIN)
    obey_interrupts(process, world)
    world.time.at(5, lambda: process.interrupts.ask(ExitCode.INTERRUPTED))

    report = process.go()

    assert (report.exit_code, outcomes(report)) == (130, {"id-of-web": PENDING})
    assert moves_of(world) == {"id-of-web": 1}


@pytest.mark.parametrize("answer_lost", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("state", MOVABLE.values(), ids=MOVABLE)
def test_killed_at_any_write_and_run_again_no_server_moves_twice(run, state, answer_lost):
    """The cloud says what is done."""
    world = World(state)
    run(world, job=DRAIN).go()
    writes, end, there = len(asked_of(world)), world.truth, places(world)
    for number in range(1, writes + 1):
        world = World(state)
        world.fail(number, Kill(), answer_lost=answer_lost)
        with pytest.raises(Kill):
            run(world, job=DRAIN).go()
        world.failures = {}

        report = run(world, job=DRAIN).go()

        assert (report.exit_code, report.error) == (0, None)
        assert places(world).keys() == there.keys()
        assert (world.truth.servers, world.truth.migrations) == (end.servers, end.migrations)
        assert set(moves_of(world).values()) <= {1}


def places(world):
    """Where each server that left is, and how."""
    return {(s.id, s.host): s.status for s in world.nova.elsewhere.values()}


@pytest.mark.parametrize("poll", range(14))
def test_killed_at_any_poll_and_run_again_no_server_moves_twice(run, poll):
    """Whatever was under way is found, waited for and ended as it should."""
    world = World(occupied(*MIXED))
    watch = world.nova.watch

    def dies(*what):
        if len(world.nova.looks) == poll:
            world.nova.watch = watch
            raise Kill
        return watch(*what)

    world.nova.watch = dies
    with pytest.raises(Kill):
        run(world, job=DRAIN).go()

    report = run(world, job=DRAIN).go()

    assert (report.exit_code, world.truth.servers) == (0, ())
    assert set(moves_of(world).values()) == {1}
    wanted = {s.id: s.status for s in MIXED} | {"id-of-new": "ACTIVE"}
    wanted |= {"id-of-shelved": "SHELVED_OFFLOADED"}
    assert {s.id: s.status for s in world.nova.elsewhere.values()} == wanted


def test_a_server_that_cannot_leave_is_skipped_when_its_guard_is(run):
    """The others go; the host is not empty, and says so."""
    stuck = server("stuck", status="SUSPENDED")
    asked = replace(AUTO, skip_guards=frozenset({"servers-movable"}))
    world = World(occupied(WEB, stuck, request=asked))

    report = run(world).go()

    assert outcomes(report) == {"id-of-web": DONE, "id-of-stuck": FAILED}
    assert "resume it (openstack server resume)" in report.error
    assert (report.exit_code, [s.id for s in world.truth.servers]) == (1, ["id-of-stuck"])


def test_a_server_whose_state_never_rests_is_given_up(run):
    """Waited for, begun, waited for: there is a bound on all of it."""
    world = World(occupied(server("x", status="BUILD")))
    world.time.events.clear()

    def flip():
        here = world.truth.servers[0].task_state
        world.nova.set("id-of-x", status="BUILD", task_state=None if here else "spawning")
        world.time.at(7, flip)

    flip()
    report = run(world, job=DRAIN, pacing=QUICK).go()

    assert outcomes(report) == {"id-of-x": FAILED}
    assert world.time.now() - 1000 < QUICK.bound(1)


def test_a_host_whose_database_still_names_its_servers_is_not_deleted(run):
    """What left by the API alone has not left."""
    asked = request(servers=AUTO.servers)
    world = World(occupied(WEB, request=asked))
    leave = world.nova._leave

    def half(name):
        rows = world.truth.database
        leave(name)
        world.change(database=rows)

    world.nova._leave = half

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert "(database only)" in report.error
    assert "delete" not in world.writes


def test_unavailable_while_beginning_is_not_the_end(run):
    """Credentials that are refused for a moment are like no answer."""
    world = World(occupied(WEB, service=CLAIMED))
    world.fail(1, UnavailableError("HTTP 401", "look"))

    assert run(world, job=DRAIN).go().exit_code == ExitCode.SUCCESS


def test_a_confirmation_of_a_server_that_is_gone_is_no_failure(run):
    """Its owner deleted it between two readings; nova ends its migration with it."""
    world = World(occupied(OFF, service=CLAIMED))
    world.fail(2, NotFoundError("HTTP 404", "look"))
    world.time.at(30.0, lambda: world.nova.delete(OFF.id))

    report = run(world, job=DRAIN).go()

    assert (report.exit_code, report.error) == (0, None)


@pytest.mark.parametrize(("ways", "status"), [((), DONE), ((NO_HOST,), FAILED)])
def test_with_its_guard_skipped_nova_tries_what_only_its_scheduler_knows(run, ways, status):
    """The group may be a stale reading, or the scheduler's filters may be others."""
    group = ServerGroup("g", "affinity", ("id-of-web",))
    skipping = request(servers=Servers.AUTO, skip_guards=frozenset({"servers-movable"}))
    world = World(occupied(WEB, groups=(group,), request=skipping))
    world.nova.script("id-of-web", *ways)

    blocked = run(World(occupied(WEB, groups=(group,))), job=DRAIN).go()
    report = run(world, job=DRAIN).go()

    assert blocked.exit_code == ExitCode.REFUSED
    assert outcomes(report) == {"id-of-web": status}
    assert moves_of(world) == {"id-of-web": 1}
