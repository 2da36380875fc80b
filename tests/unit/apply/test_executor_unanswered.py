# SPDX-License-Identifier: Apache-2.0
"""Writes whose answer is lost, or that a service refuses in passing: read again, then decide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.errors import ConflictError, NoAnswerError, TransientError, UnavailableError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.report import Result
from nova_decom.model.step import CHANGE_ATTEMPTS
from tests.unit import build
from tests.unit.build import facts
from tests.unit.states import ALL_STATES
from tests.unit.world import World

PASSING = {
    "no answer": NoAnswerError("no answer", "look"),
    "unavailable": TransientError("HTTP 503", "look"),
    "too many requests": TransientError("HTTP 429", "look", retry_after=7.0),
    "conflict": ConflictError("HTTP 409", "look"),
}
STORIES = ("in order", "with a dead agent", "nobody's allocation on two", "a tree of ghosts")
#: disable, stop, delete, purge
WRITES = (1, 2, 3, 4)


def passing():
    """Each way in which a write may fail in passing."""
    return pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)


@pytest.mark.parametrize("story", STORIES)
@passing()
def test_a_write_whose_answer_was_lost_is_not_repeated(run, story, failure):
    """It took effect, as is read again; so it is done, and made once."""
    undisturbed = World(ALL_STATES[story])
    run(undisturbed).go()
    for number in range(1, len(undisturbed.writes) + 1):
        world = World(ALL_STATES[story])
        world.fail(number, failure, answer_lost=True)

        report = run(world).go()

        assert (report.result, report.exit_code) == (Result.REMOVED, ExitCode.SUCCESS)
        assert {o.status for o in report.outcomes} <= {Status.DONE, Status.NOT_NEEDED}
        assert world.writes == undisturbed.writes
        assert world.truth == undisturbed.truth


@pytest.mark.parametrize("number", WRITES)
@passing()
def test_a_write_that_took_no_effect_is_made_again(run, number, failure):
    """Once more is enough, and every failure is in the journal."""
    world = World(facts())
    world.fail(number, failure)
    process = run(world)

    report = process.go()

    assert report.result is Result.REMOVED
    assert len(world.writes) == len(WRITES) + 1
    told = [data for kind, data in process.journal.events if kind == "unanswered"]
    assert [data["error"] for data in told] == [str(failure)]


@pytest.mark.parametrize("number", WRITES)
@passing()
def test_a_write_that_never_takes_effect_is_given_up(run, number, failure):
    """After so many attempts the run ends in the service's own words, and so does the journal."""
    world = World(facts())
    world.failures = dict.fromkeys(range(number, number + 9), failure)
    process = run(world)

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, failure.exit_code)
    assert report.error == str(failure)
    assert len(world.writes) == number - 1 + CHANGE_ATTEMPTS
    assert process.journal.kinds[-2:] == ["failed", "result"]
    assert [o.status for o in report.outcomes].count(Status.FAILED) == 1


def test_the_pause_is_what_the_service_asks_for(run):
    """Retry-After of an answer 429 is obeyed."""
    world = World(facts())
    world.fail(1, PASSING["too many requests"])
    process = run(world)
    begin, times = world.time.now(), []
    original = world.write

    def write(name, effect):
        times.append(world.time.now() - begin)
        return original(name, effect)

    world.write = write
    process.go()

    assert times[:2] == [0, 7]


def test_a_service_that_asks_for_too_much_patience_ends_the_run(run):
    """An hour is not waited for; the change has failed."""
    world = World(facts())
    world.fail(1, TransientError("HTTP 503", "look", retry_after=3600.0))

    report = run(world).go()

    assert (report.exit_code, world.writes) == (ExitCode.FAILED, ["disable"])
    assert world.time.now() == 1000


def test_guards_are_asked_again_before_a_write_is_repeated(run):
    """A server lands while nova refuses: it is not asked again."""
    world = World(facts())
    process = run(world)

    def land():
        rows = world.truth.database
        landed = (build.instance_row(),)
        world.change(servers=(build.server(),), database=replace(rows, instances=landed))

    original = world.write

    def write(name, effect):
        if name == "delete":
            world.writes.append(name)
            land()
            raise PASSING["conflict"]
        return original(name, effect)

    world.write = write
    report = process.go()

    assert world.writes == ["disable", "stop", "delete"]
    assert report.exit_code == ExitCode.FAILED
    assert "servers-present" in report.error


def test_when_it_cannot_be_read_again_nobody_knows(run):
    """The answer is lost, and then everything is: the run says that it does not know."""
    world = World(facts())
    world.fail(3, PASSING["no answer"], answer_lost=True)
    process = run(world)
    refresh = process.execution.cloud.refresh

    def fail_after_the_delete(host, parts):
        if "delete" in world.writes:
            raise UnavailableError("all is dark")
        return refresh(host, parts)

    process.execution.cloud.refresh = fail_after_the_delete
    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.UNAVAILABLE)
    assert report.error.startswith("no answer; it could not be read again, so it is not known")
    assert report.error.endswith("all is dark")
    assert world.writes == ["disable", "stop", "delete"]
    assert report.changed


def test_an_error_that_is_not_passing_is_not_tried_again(run):
    """Refused credentials stay refused."""
    world = World(facts())
    world.fail(1, UnavailableError("HTTP 401", "look"))

    report = run(world).go()

    assert (report.exit_code, world.writes) == (ExitCode.UNAVAILABLE, ["disable"])
