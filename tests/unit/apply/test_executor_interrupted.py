# SPDX-License-Identifier: Apache-2.0
"""Runs that somebody interrupts by a signal, or that wait in vain."""

from __future__ import annotations

import pytest

from nova_decom.clock import Clock
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.report import Result
from nova_decom.model.request import StopWith
from tests.unit.build import facts, request, service
from tests.unit.states import ALL_STATES
from tests.unit.world import World


def statuses(report):
    """The outcome of each change."""
    return [o.status for o in report.outcomes]


def obey_interrupts(process, world):
    """Give the process a clock that wakes up for an interrupt, as the real one does."""

    def sleep(seconds):
        process.interrupts.check()
        world.time.sleep(seconds)

    process.execution.clock = Clock(world.time.now, sleep)


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.TERMINATED])
def test_an_interrupt_before_the_first_change_writes_nothing(run, code):
    """The signal is obeyed at the next safe point."""
    world = World(facts())
    process = run(world)
    process.interrupts.ask(code)

    report = process.go()

    assert (report.result, report.exit_code) == (Result.INTERRUPTED, code)
    assert statuses(report) == [Status.PENDING] * 5
    assert (world.writes, report.changed) == ([], False)


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.TERMINATED])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_interrupt_during_a_change_lets_it_finish(run, number, code):
    """The change in hand is finished and told; the rest is pending, and running again goes on."""
    world = World(facts())
    process = run(world)
    original = world.write

    def write(name, effect):
        answer = original(name, effect)
        if len(world.writes) == number:
            process.interrupts.ask(code)
        return answer

    world.write = write

    report = process.go()

    assert (report.result, report.exit_code) == (Result.INTERRUPTED, code)
    assert len(world.writes) == number
    assert statuses(report)[0] is Status.DONE
    assert statuses(report)[-1] is Status.PENDING
    assert report.changed
    assert report.remedy.startswith("run the same command again")
    world.write = original
    assert run(world, was_known=True).go().result is Result.REMOVED


def test_an_interrupt_is_obeyed_between_two_changes_of_one_step(run):
    """The second service is not deleted any more."""
    world = World(ALL_STATES["all in one, all binaries, conductor down"])
    process = run(world)
    delete = world.delete_service

    def delete_and_interrupt(uuid):
        delete(uuid)
        process.interrupts.ask(ExitCode.INTERRUPTED)

    world.delete_service = delete_and_interrupt

    report = process.go()

    assert (world.writes, report.exit_code) == (["disable", "stop", "delete"], 130)
    assert statuses(report)[-2:] == [Status.PENDING, Status.PENDING]


def test_an_interrupt_ends_a_wait(run):
    """Nobody has to wait for the bound; what is waited for is pending."""
    world = World(facts())
    process = run(world)
    obey_interrupts(process, world)
    world.time.at(5, lambda: process.interrupts.ask(ExitCode.INTERRUPTED))

    report = process.go()

    assert report.exit_code == ExitCode.INTERRUPTED
    assert world.writes == ["disable", "stop"]
    assert statuses(report) == [Status.DONE] * 2 + [Status.PENDING] * 3
    assert world.time.now() - 1000 < 10


CLAIMED = service(status="disabled", disabled_reason=request().claim)


def test_a_change_that_was_made_counts_even_if_its_effect_was_not_awaited(run):
    """Whoever reads ``changed: false`` may rely on it."""
    world = World(facts(service=CLAIMED))
    process = run(world)
    world.on_stop = lambda: process.interrupts.ask(ExitCode.INTERRUPTED)
    obey_interrupts(process, world)

    report = process.go()

    assert (world.writes, report.exit_code) == (["stop"], ExitCode.INTERRUPTED)
    assert report.changed


def test_waiting_in_vain_changes_nothing(run):
    """A proof only looks: a run that came no further did not change the cloud."""
    state = facts(service=CLAIMED, request=request(stop_with=StopWith.NONE))
    world = World(state)

    report = run(world, timeout=30.0).go()

    assert (world.writes, report.exit_code) == ([], ExitCode.TIMEOUT)
    assert not report.changed
