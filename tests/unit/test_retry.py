# SPDX-License-Identifier: Apache-2.0
"""Waiting and retrying, on a clock that moves only when somebody sleeps."""

from __future__ import annotations

import time

import pytest

from nova_decom.apply.interrupts import Interrupts
from nova_decom.clock import Clock
from nova_decom.errors import RunInterruptedError, WaitTimeoutError
from nova_decom.exit_codes import ExitCode
from nova_decom.retry import RETRY_WITHIN, poll_until, retry
from tests.unit.world import Time


def wait(condition, clock, timeout=10.0):
    """Wait for it, a second at a time."""
    poll_until(condition, what="the thing", timeout=timeout, every=1.0, clock=clock.clock)


def test_what_is_true_is_not_waited_for():
    """The first answer is enough."""
    clock = Time()

    wait(lambda: True, clock)

    assert clock.now() == 1000


def test_waiting_ends_when_it_becomes_true():
    """It is asked again after each pause."""
    clock = Time()

    wait(lambda: clock.now() >= 1003, clock)

    assert clock.now() == 1003


@pytest.mark.parametrize("timeout", [0.0, 10.0])
def test_waiting_has_a_bound(timeout):
    """When it runs out, the error says what was waited for, how long, and what to do."""
    clock = Time()

    with pytest.raises(WaitTimeoutError, match=f"thing: timed out after {timeout:g} s$") as raised:
        wait(lambda: False, clock, timeout)

    assert clock.now() == 1000 + timeout
    assert "--timeout" in raised.value.remedy


def test_a_failure_while_asking_is_no_reason_to_ask_again():
    """What the condition raises comes out as it is."""
    with pytest.raises(ZeroDivisionError):
        wait(lambda: 1 / 0, Time())


def failing(*failures):
    """Something that fails in these ways, one after the other, and then succeeds."""
    left = list(failures)

    def attempt():
        if left:
            raise left.pop(0)
        return "done"

    return attempt


def retry_os_errors(attempt, clock, attempts=3):
    """Try again after an OSError."""
    return retry(
        attempt, when=lambda e: isinstance(e, OSError), attempts=attempts, clock=clock.clock
    )


def test_a_passing_failure_is_tried_again():
    """With a pause in between."""
    clock = Time()

    assert retry_os_errors(failing(OSError(), OSError()), clock) == "done"
    assert 1000 <= clock.now() <= 1010


def test_the_last_failure_is_raised_as_it_is():
    """So many attempts and no more."""
    last = OSError("the third")

    with pytest.raises(OSError, match="the third") as raised:
        retry_os_errors(failing(OSError(), OSError(), last), Time())

    assert raised.value is last


def test_another_failure_is_not_tried_again():
    """Only what may pass by itself."""
    with pytest.raises(ValueError, match="for good"):
        retry_os_errors(failing(ValueError("for good")), Time())


def test_an_interrupt_is_obeyed_when_it_is_asked_about():
    """A signal handler only notes it."""
    interrupts = Interrupts()
    interrupts.check()

    interrupts.ask(ExitCode.TERMINATED)

    with pytest.raises(RunInterruptedError) as raised:
        interrupts.check()
    assert raised.value.code is ExitCode.TERMINATED


def test_the_real_clock_sleeps_as_long_as_it_is_told():
    """Tick by tick."""
    clock = Interrupts().clock(tick=0.001)
    start = clock.now()

    clock.sleep(0.01)

    assert clock.now() - start >= 0.01


def test_an_interrupt_wakes_the_sleeper():
    """An hour of settle time is no reason to ignore Ctrl-C."""
    interrupts = Interrupts()
    interrupts.ask(ExitCode.INTERRUPTED)

    with pytest.raises(RunInterruptedError):
        interrupts.clock().sleep(3600)


def test_an_interrupt_during_the_sleep_wakes_the_sleeper(monkeypatch):
    """Within one tick."""
    interrupts = Interrupts()
    monkeypatch.setattr(time, "sleep", lambda _s: interrupts.ask(ExitCode.INTERRUPTED))

    with pytest.raises(RunInterruptedError):
        interrupts.clock(tick=0.001).sleep(3600)


def test_without_more_a_clock_is_the_monotonic_one():
    """Setting the time of day moves no bound."""
    assert Clock().now is time.monotonic


def test_the_pause_is_as_long_as_the_failure_asks_for():
    """A service may say when it can be asked again."""
    clock, patient = Time(), OSError()
    patient.retry_after = 30.0

    assert retry_os_errors(failing(patient), clock) == "done"
    assert clock.now() == 1030


def test_patience_has_an_end():
    """What fails slowly is not tried again as often as what fails fast."""
    clock, tried = Time(), []

    def attempt():
        tried.append(clock.now())
        clock.sleep(RETRY_WITHIN + 1)
        raise OSError("slow")

    with pytest.raises(OSError, match="slow"):
        retry_os_errors(attempt, clock, attempts=9)

    assert tried == [1000]


def test_who_is_patient_stops_when_asked_twice():
    """The first time shows in ``asked``; outside, once is enough."""
    interrupts = Interrupts()
    with interrupts.patient():
        interrupts.ask(ExitCode.INTERRUPTED)
        interrupts.check()
        assert interrupts.asked is ExitCode.INTERRUPTED
        interrupts.ask(ExitCode.TERMINATED)
        with pytest.raises(RunInterruptedError) as raised:
            interrupts.check()

    assert raised.value.code is ExitCode.TERMINATED


def test_patience_ends_with_what_it_is_for():
    """Having been asked once is obeyed right after it."""
    interrupts = Interrupts()
    with interrupts.patient():
        interrupts.ask(ExitCode.INTERRUPTED)

    with pytest.raises(RunInterruptedError):
        interrupts.check()
