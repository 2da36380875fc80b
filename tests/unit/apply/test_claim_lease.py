# SPDX-License-Identifier: Apache-2.0
"""Two runs on one host from two machines: at most one goes on."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from nova_decom.apply.claim_lease import RENEW_AFTER, RENEW_AGAIN, ClaimLease
from nova_decom.apply.move_limits import MoveLimits
from nova_decom.apply.refresh import FreshFacts
from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.clock import Clock
from nova_decom.errors import UnavailableError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.claim import EFFECTIVE_AFTER
from nova_decom.model.report import Result
from nova_decom.model.request import Servers
from nova_decom.plan.jobs import DRAIN
from tests.unit.build import database, facts, ghost, node_row, request, service, service_row
from tests.unit.fake import FakeCloud, FakeJournal
from tests.unit.moving_states import WEB, occupied
from tests.unit.nova import WELL
from tests.unit.world import World

OURS = "nova-decom OURS by ops@here until 2026-11-24T12:00:00Z: old"
THEIRS = "nova-decom THEIRS by ops@far until 2026-11-24T12:00:00Z: old"
HELD = "run THEIRS by ops@far holds the host"


def state(**what):
    """A host in order, and a claim of ours that has an end."""
    return facts(request=request(claim=OURS, **what))


def take(world, reason=THEIRS, status="disabled"):
    """Somebody else writes into the service."""
    (now,) = world.truth.services
    world.change(services=(replace(now, status=status, disabled_reason=reason),))


def test_a_host_that_was_taken_since_the_plan_is_left(run):
    """Exit 75, nothing written."""
    world = World(state())
    process = run(world)
    take(world)

    report = process.go()

    assert (report.result, report.exit_code) == (Result.REFUSED, ExitCode.BUSY)
    assert HELD in report.error
    assert "--skip-guard foreign-disable" in report.remedy
    assert world.writes == []


@pytest.mark.parametrize("after", [1.0, 10.0, 19.0])
def test_who_claimed_last_goes_on_and_the_other_one_stops(run, after):
    """Both had looked before either wrote; nothing was deleted, and their claim is left alone."""
    world = World(state())
    process = run(world)
    world.time.at(after, lambda: take(world))

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.BUSY)
    assert HELD in report.error
    assert "delete" not in world.writes
    assert world.truth.service.disabled_reason == THEIRS


@pytest.mark.parametrize(
    ("reason", "status"), [(None, "enabled"), ("mine", "disabled"), (None, "disabled")]
)
def test_a_claim_that_somebody_removed_holds_nothing(run, reason, status):
    """Before anything that cannot be taken back, it must still be there."""
    world = World(state(skip_guards=frozenset({"foreign-disable"})))
    process = run(world)
    world.time.at(10, lambda: take(world, reason, status))

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert "delete-service not begun, as this is no longer done: disable-service" in report.error
    assert "delete" not in world.writes


def test_skipping_the_guard_does_not_let_two_runs_go_on(run):
    """It takes a claim over; one that is written later takes it back."""
    world = World(state(skip_guards=frozenset({"foreign-disable"})))
    process = run(world)
    world.time.at(10, lambda: take(world))

    assert process.go().result is Result.FAILED

    assert "delete" not in world.writes


def test_a_claim_stands_before_anything_is_deleted(run):
    """Also where no heartbeat has to be waited for: the host was silent for long."""
    world = World(state())
    world.beating = False
    world.fall_silent()
    first = run(world)
    world.time.sleep(60)
    begun = world.time.now()
    moments = []
    delete = world.delete_service
    world.delete_service = lambda uuid: (moments.append(world.time.now()), delete(uuid))

    assert first.go().result is Result.REMOVED

    assert moments[0] - begun >= EFFECTIVE_AFTER


def test_a_run_that_fails_lets_go(run):
    """The service stays disabled and says by whom; the claim no longer counts."""
    world = World(state())
    world.fail(2, UnavailableError("no answer"))
    process = run(world)

    report = process.go()

    assert report.result is Result.FAILED
    assert world.truth.service.status == "disabled"
    assert world.truth.service.disabled_reason == "nova-decom OURS by ops@here: old"
    assert process.journal.kinds[-2:] == ["released", "result"]
    assert run(world).go().result is Result.REMOVED


def test_a_host_is_let_go_of_before_its_slot_is(run):
    """Else one host more than ``--jobs`` would work meanwhile."""
    world, slots = World(state()), []
    world.fail(2, UnavailableError("no answer"))
    process = run(world)
    was = world.change

    def change(**what):
        slots.append(process.execution.slots._slots._value)
        was(**what)

    world.change = change
    process.go()

    assert process.journal.kinds[-2:] == ["released", "result"]
    assert set(slots) == {0}


def test_a_run_that_cannot_let_go_ends_all_the_same(run):
    """Its claim lapses by time."""
    world = World(state())
    world.failures = {n: UnavailableError("no answer") for n in (2, 3)}
    process = run(world)

    report = process.go()

    assert (report.result, report.error) == (Result.FAILED, "no answer")
    assert world.truth.service.disabled_reason == OURS


def test_what_was_foreign_is_not_let_go(run):
    """A service whose reason is not ours is not written to."""
    world = World(facts(service=service(), request=request(claim=OURS)))
    process = run(world)
    world.fail(1, UnavailableError("no answer"))

    process.go()

    assert world.writes == ["disable"]
    assert world.truth.service.disabled_reason is None


@pytest.mark.parametrize("stage", [1.0, 5.0, 19.0])
def test_a_service_that_another_run_deleted_ends_this_one(run, stage):
    """It was quicker, or its claim went with the service: nothing further is done here."""
    world = World(state())
    process = run(world)
    world.time.at(stage, lambda: world.change(services=()))

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.BUSY)
    assert "was deleted by somebody else meanwhile" in report.error
    assert world.writes == ["disable", "stop"]


@pytest.mark.parametrize("shown", [False, True, None])
def test_rows_without_what_the_run_has_written_end_it(run, shown):
    """A replica that is behind has the service enabled still; nothing is deleted then."""
    rows = database(services=(service_row(disabled=shown),), compute_nodes=(node_row(),))
    world = World(replace(state(), database=rows))
    process = run(world)

    report = process.go()

    if shown is False:
        assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.UNAVAILABLE)
        assert "the database has services 3 enabled, which this run has disabled" in report.error
        assert world.writes == ["disable", "stop", "disable"]  # the claim, at the end its release
    else:
        assert report.exit_code == ExitCode.SUCCESS


def hold_of(world):
    """The hold of a process that has just looked at its host."""
    cloud, journal = FakeCloud(world), FakeJournal()
    fresh = FreshFacts("node1", cloud, world.time.clock)
    return ClaimLease(cloud, journal, world.time.clock, fresh), cloud.facts("node1"), journal


@pytest.mark.parametrize("lapsed", [True, False])
def test_a_claim_that_has_lapsed_is_written_anew_and_stands(lapsed):
    """After hours of moving servers; whoever took it over meanwhile would have written last."""
    world = World(facts(service=service(status="disabled", disabled_reason=OURS)))
    world.change(request=request(claim=OURS))
    hold, seen, journal = hold_of(world)
    before = world.time.now()

    hold.renew_if_expired(replace(seen, claim_is_over=lapsed), frozenset())

    assert journal.kinds == (["renewed"] if lapsed else [])
    assert (world.time.now() - before >= EFFECTIVE_AFTER) == lapsed
    if lapsed:
        assert " until TIME: old" in world.truth.service.disabled_reason


@pytest.mark.parametrize("what", ["settled", "release"])
def test_a_host_that_is_taken_over_while_we_wait_for_it_is_left(what):
    """The other run's claim is not written over."""
    world = World(facts(service=service(status="disabled", disabled_reason=OURS)))
    world.change(request=request(claim=OURS))
    world.beating = False
    hold, seen, journal = hold_of(world)
    world.time.at(10, lambda: take(world))
    world.time.at(20, world.fall_silent)

    if what == "settled":
        now = hold.renew_if_expired(replace(seen, claim_is_over=True), frozenset())
        assert now.service.disabled_reason == THEIRS
    else:
        hold.release()

    assert (journal.kinds, world.writes) == ([], [])
    assert world.truth.service.disabled_reason == THEIRS


class Waits:
    """A progress that keeps what is waited for."""

    def __init__(self):
        self.waits = []

    def waiting(self, *what):
        """Keep it."""
        self.waits.append(what)


def dying(world, *, beating, down_after=None):
    """A nova-compute that nova takes for up; whether it lives, and when nova knows that not."""
    world.beating = beating
    if down_after is not None:
        world.time.at(down_after, world.fall_silent)
    hold, seen, _ = hold_of(world)
    shown = Waits()
    hold.progress = shown
    before = world.time.now()

    hold.wait_for_service_answer(seen)

    return world.time.now() - before, shown.waits


def test_a_service_is_not_disabled_anew_while_a_dead_nova_compute_is_taken_for_up():
    """Nova would leave a question in its queue, and it would obey when it comes back."""
    waited, told = dying(World(state()), beating=False, down_after=40.5)

    assert waited == 41.0
    assert told == [("node1", "nova-compute answers, or nova marks it down", 75.0)]


def test_a_nova_compute_that_lives_is_asked_as_soon_as_it_beats():
    """One report interval at most."""
    waited, _ = dying(World(state()), beating=True)

    assert 0 < waited <= request().report_interval


def test_a_nova_compute_that_nova_takes_for_down_is_not_waited_for():
    """Nova asks it nothing."""
    world = World(state())
    world.fall_silent()

    assert dying(world, beating=False) == (0, [])


def test_a_service_that_is_gone_is_not_waited_for():
    """There is nothing to disable."""
    assert dying(World(ghost()), beating=False) == (0, [])


def test_a_nova_compute_of_which_nothing_is_known_holds_up_nobody_for_ever():
    """After a bound the service is disabled all the same."""
    waited, _ = dying(World(state()), beating=False)

    assert 75.0 <= waited <= 76.0


@pytest.mark.parametrize(("status", "waits"), [("enabled", False), ("disabled", True)])
def test_an_enabled_service_is_disabled_at_once(run, status, waits):
    """The scheduler would send servers meanwhile; what is disabled already gets none."""
    world = World(
        facts(
            services=(service(status=status, disabled_reason=None),), request=request(claim=OURS)
        )
    )
    world.beating = False
    process = run(world)
    begun = world.time.now()
    disabled = []
    was = world.change
    world.change = lambda **what: (disabled.append(world.time.now() - begun), was(**what))

    process.go()

    assert (disabled[0] >= 75.0) == waits


def test_a_claim_that_still_has_to_stand_keeps_no_other_host_from_work():
    """All hosts of a run wait for their claims at the same time, whatever the number of jobs."""
    world = World(facts(service=service(status="disabled", disabled_reason=OURS)))
    together, others = WorkerSlots(jobs=1, hosts=2), []

    def sleep(seconds):
        # Another host of the run takes the only slot.
        others.append(together._slots.acquire(blocking=False))
        together._slots.release()
        world.time.clock.sleep(seconds)

    cloud, clock = FakeCloud(world), Clock(world.time.now, sleep)
    hold = ClaimLease(cloud, FakeJournal(), clock, FreshFacts("node1", cloud, clock, together))
    hold.written()

    with together.slot():
        hold.wait_until_effective()

    assert others == [True]


def test_a_host_without_a_service_is_not_held():
    """There is nothing to write a claim into, and nothing to let go."""
    world = World(ghost())
    hold, seen, journal = hold_of(world)
    hold.watch_service(seen)

    hold.renew_if_expired(seen, frozenset())
    hold.raise_if_overtaken(seen, ())
    hold.release()

    assert (journal.kinds, world.writes) == ([], [])


HOUR = 3600.0


def moving_for(hours, **what):
    """A drain of a host whose only server takes so long to move, and its times of renewal."""
    world = World(occupied(WEB, request=request(claim=OURS, servers=Servers.AUTO), **what))
    world.nova.script("id-of-web", WELL, takes=hours * HOUR)
    times = []
    send = world.write

    def write(name, effect):
        if name == "disable":
            times.append(world.time.now())
        return send(name, effect)

    world.write = write
    return world, times


SLOW = MoveLimits(move_timeout=24 * HOUR, every=20.0)


def test_a_claim_is_renewed_before_half_of_its_hour_is_over_while_servers_move(run):
    """Another controller and ``enable`` refuse such a host."""
    world, times = moving_for(5)

    process = run(world, job=DRAIN, pacing=SLOW)
    report = process.go()

    assert report.result is Result.DRAINED
    assert len(times) >= 5 * HOUR / RENEW_AFTER
    assert max(b - a for a, b in pairwise([*times, world.time.now()])) < HOUR / 2
    assert process.journal.kinds.count("renewed") == len(times) - 1


def test_a_renewal_without_an_answer_is_tried_again_a_minute_later(run):
    """The moves go on."""
    world, times = moving_for(1)
    world.fail(3, UnavailableError("no answer"))

    report = run(world, job=DRAIN, pacing=SLOW).go()

    assert report.result is Result.DRAINED
    assert RENEW_AGAIN <= times[2] - times[1] < 2 * RENEW_AGAIN


def test_a_host_that_is_taken_over_while_servers_move_is_left_to_the_other_run(run):
    """Its claim is not written over, and the move goes on in nova."""
    world, _ = moving_for(5)
    world.time.at(2 * HOUR, lambda: take(world))

    report = run(world, job=DRAIN, pacing=SLOW).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.BUSY)
    assert HELD in report.error
    assert world.truth.service.disabled_reason == THEIRS
    assert world.time.now() - 1000 < 3 * HOUR
    (move,) = [o for o in report.outcomes if o.change.step == "move-servers"]
    assert move.status is Status.IN_PROGRESS


def test_a_claim_whose_service_may_be_dead_is_not_renewed_yet():
    """Nova would leave a question in the queue of its nova-compute."""
    world = World(facts(service=service(status="disabled", disabled_reason=OURS)))
    world.change(request=request(claim=OURS))
    world.beating = False
    hold, _, journal = hold_of(world)
    hold.written()
    world.time.sleep(RENEW_AFTER)

    assert hold.keep() is not None
    assert (hold.keep(), journal.kinds) == (None, [])
    world.fall_silent()
    world.time.sleep(RENEW_AGAIN)
    hold.keep()

    assert journal.kinds == ["renewed"]


def test_a_service_that_nova_shows_without_an_id_is_not_written_to():
    """There is nothing to send the claim to; the moves go on."""
    world = World(facts(service=service(id=None, status="disabled", disabled_reason=OURS)))
    world.change(request=request(claim=OURS))
    hold, _, journal = hold_of(world)
    hold.written()
    world.fall_silent()
    world.time.sleep(RENEW_AFTER)

    assert hold.keep() is not None
    assert (journal.kinds, world.writes) == ([], [])
