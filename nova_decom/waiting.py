# SPDX-License-Identifier: Apache-2.0
"""The only waiting and retrying; clock and sleep can be replaced, so no test sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from nova_decom.errors import ExitCode, RunInterruptedError, WaitTimeoutError

T = TypeVar("T")

#: Seconds in which something that failed may be tried again.
PATIENCE = 60.0
LONG_AGO = float("-inf")


@dataclass(frozen=True, slots=True)
class Clock:
    """A monotonic clock in seconds and the way to let time pass."""

    now: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)


def until(
    condition: Callable[[], bool], *, what: str, timeout: float, every: float, clock: Clock
) -> None:
    """Ask until it is true.

    :raises WaitTimeoutError: it was not, for ``timeout`` seconds.
    """
    from tenacity import RetryError, Retrying, retry_if_result, wait_fixed  # noqa: PLC0415

    end = clock.now() + timeout
    ask = Retrying(
        retry=retry_if_result(lambda true: not true),
        stop=lambda _state: clock.now() >= end,
        wait=wait_fixed(every),
        sleep=clock.sleep,
    )
    try:
        ask(condition)
    except RetryError:
        raise WaitTimeoutError(
            f"{what}: not within {timeout:g} s",
            "run the same command again when the cause is gone, or give a longer --timeout",
        ) from None


def retrying(
    attempt: Callable[[], T],
    *,
    when: Callable[[BaseException], bool],
    attempts: int,
    clock: Clock,
) -> T:
    """The result of ``attempt``, tried again with a growing random pause while ``when`` allows.

    The pause is at least the ``retry_after`` of the failure, if it has one. No attempt begins
    later than some :data:`PATIENCE` after the first. The last failure is raised as it is.
    """
    from tenacity import (  # noqa: PLC0415
        RetryCallState,
        Retrying,
        retry_if_exception,
        wait_random_exponential,
    )

    end = clock.now() + PATIENCE
    backoff = wait_random_exponential(multiplier=0.1, max=5)

    def told(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return float(getattr(error, "retry_after", 0.0))

    def is_enough(state: RetryCallState) -> bool:
        return state.attempt_number >= attempts or clock.now() + told(state) > end

    return Retrying(
        retry=retry_if_exception(when),
        stop=is_enough,
        wait=lambda state: max(backoff(state), told(state)),
        sleep=clock.sleep,
        reraise=True,
    )(attempt)


class Interrupts:
    """Asks by signal to stop: noted when they come, obeyed at the next safe point."""

    def __init__(self) -> None:
        """Nobody asked yet."""
        self.asked: ExitCode | None = None
        self._times = 0
        self._own = threading.local()

    def ask(self, code: ExitCode) -> None:
        """Note that the run is to stop; what a signal handler may do safely."""
        self.asked = code
        self._times += 1

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Within, only being asked twice stops this thread; the first time shows in ``asked``."""
        self._own.needed = 2
        try:
            yield
        finally:
            self._own.needed = 1

    def check(self) -> None:
        """Stop here if somebody asked.

        :raises RunInterruptedError: somebody did.
        """
        if self.asked is not None and self._times >= getattr(self._own, "needed", 1):
            raise RunInterruptedError(self.asked)

    def clock(self, tick: float = 0.2) -> Clock:
        """A real clock whose sleep wakes up for an interrupt within ``tick`` seconds."""

        def sleep(seconds: float) -> None:
            end = time.monotonic() + seconds
            self.check()
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(tick, left))
                self.check()

        return Clock(time.monotonic, sleep)
