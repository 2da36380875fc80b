# SPDX-License-Identifier: Apache-2.0
"""Polling and retrying, each with a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nova_decom.clock import Clock
from nova_decom.errors import WaitTimeoutError

T = TypeVar("T")
#: Seconds in which something that failed may be tried again.
RETRY_WITHIN = 60.0


def poll_until(
    condition: Callable[[], bool], *, what: str, timeout: float, every: float, clock: Clock
) -> None:
    """Ask until it is true.

    :raises WaitTimeoutError: it was not, for ``timeout`` seconds.
    """
    from tenacity import RetryError, Retrying, retry_if_result, wait_fixed

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
            f"{what}: timed out after {timeout:g} s",
            "run the same command again when the cause is gone, or give a longer --timeout",
        ) from None


def retry(
    attempt: Callable[[], T],
    *,
    when: Callable[[BaseException], bool],
    attempts: int,
    clock: Clock,
) -> T:
    """The result of ``attempt``, tried again with a growing random pause while ``when`` allows.

    The pause is at least the ``retry_after`` of the failure, if it has one. No attempt begins
    later than some :data:`RETRY_WITHIN` after the first. The last failure is raised as it is.
    """
    from tenacity import (
        RetryCallState,
        Retrying,
        retry_if_exception,
        wait_random_exponential,
    )

    end = clock.now() + RETRY_WITHIN
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
