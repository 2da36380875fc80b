# SPDX-License-Identifier: Apache-2.0
"""A preparation for nova's delete is taken back where the delete does not happen."""

from __future__ import annotations

import pytest

from nova_decom.errors import (
    ChangeFailedError,
    ConflictError,
    NoAnswerError,
    TransientError,
)
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Result
from tests.unit.states import LEFT_BEHIND
from tests.unit.world import World

FREE, TAKEN = "provider missing", "provider missing, its name taken"
STATES = [pytest.param(LEFT_BEHIND[name], id=name) for name in (FREE, TAKEN)]


def told(report):
    """The changes of the step, and how each ended."""
    return [
        (o.change.action, o.status.value)
        for o in report.outcomes
        if o.change.step == "repair-registration"
    ]


@pytest.mark.parametrize("state", STATES)
def test_the_provider_is_taken_back_when_nova_refuses_the_delete(run, state):
    """HTTP 403: the host keeps its service, and its providers are as they were."""
    world = World(state)
    world.fail(4, ChangeFailedError("HTTP 403", "ask for the right"))

    report = run(world).go()

    assert (report.result, report.error) == (Result.FAILED, "HTTP 403")
    assert world.truth.providers == state.providers
    assert world.truth.service is not None
    assert told(report) == [("create-provider", "done"), ("delete-provider", "done")]
    assert report.remedy == "ask for the right"


def test_the_provider_is_taken_back_when_nova_answers_409_every_time(run):
    """A server or a migration that the guards do not see."""
    world = World(LEFT_BEHIND[FREE])
    world.failures = {n: ConflictError("HTTP 409", "look") for n in (4, 5, 6)}

    report = run(world).go()

    assert world.writes == ["disable", "stop", "create", *["delete"] * 3, "provider"]
    assert (report.error, world.truth.providers) == ("HTTP 409", ())


@pytest.mark.parametrize("state", STATES)
def test_the_provider_is_taken_back_after_ctrl_c(run, state):
    """The signal comes while the provider is made; a second run does the rest."""
    world = World(state)
    process = run(world)
    write = world.write

    def interrupted(name, effect):
        if name == "create":
            process.interrupts.ask(ExitCode.INTERRUPTED)
        return write(name, effect)

    world.write = interrupted
    report = process.go()

    assert (report.result, report.exit_code) == (Result.INTERRUPTED, ExitCode.INTERRUPTED)
    assert world.truth.providers == state.providers
    world.write = write
    assert run(world).go().result is Result.REMOVED


@pytest.mark.parametrize("failure", [TransientError, NoAnswerError])
def test_the_provider_stays_while_nova_may_still_delete(run, failure):
    """Nova answers 500 where the provider goes in the middle of its delete."""
    world = World(LEFT_BEHIND[FREE])
    world.failures = {n: failure("HTTP 504", "look") for n in (4, 5, 6)}

    run(world).go()

    assert len(world.truth.providers) == 1
    assert run(world).go().result is Result.REMOVED


def test_a_provider_that_cannot_be_taken_back_is_in_the_report(run):
    """The error of the run stays that of the delete."""
    world = World(LEFT_BEHIND[FREE])
    world.failures = {4: ChangeFailedError("HTTP 403"), 5: ChangeFailedError("no placement")}

    report = run(world).go()

    assert report.error == "HTTP 403"
    assert told(report) == [("create-provider", "done"), ("delete-provider", "failed")]


def test_a_provider_that_stays_though_placement_says_deleted_is_in_the_report(run):
    """Nothing counts as done that was not read back."""
    world = World(LEFT_BEHIND[FREE])
    world.fail(4, ChangeFailedError("HTTP 403"))
    write = world.write
    world.write = lambda name, effect: write(
        name, (lambda: None) if name == "provider" else effect
    )

    report = run(world).go()

    assert told(report)[-1] == ("delete-provider", "failed")


def test_a_host_without_preparation_is_read_no_more_than_before(run):
    """Nothing is to be taken back."""
    world = World(LEFT_BEHIND["with an agent alive"])
    world.fail(3, ChangeFailedError("HTTP 403"))

    report = run(world).go()

    assert (report.error, world.writes) == ("HTTP 403", ["disable", "stop", "delete"])


def test_a_provider_that_placement_did_not_create_needs_not_be_taken_back(run):
    """Its creation may have been made, so it is looked for."""
    world = World(LEFT_BEHIND[FREE])
    world.fail(3, ChangeFailedError("HTTP 403"))

    report = run(world).go()

    assert told(report) == [("create-provider", "failed")]
    assert world.writes == ["disable", "stop", "create"]
