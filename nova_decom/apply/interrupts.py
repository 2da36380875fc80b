# SPDX-License-Identifier: Apache-2.0
"""Signals that ask a run to stop, obeyed at the next safe point."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from nova_decom.clock import Clock
from nova_decom.errors import RunInterruptedError
from nova_decom.exit_codes import ExitCode


class Interrupts:
    """The requests by signal to stop a run; ``asked`` is the exit code of the last one."""

    def __init__(self) -> None:
        self.asked: ExitCode | None = None
        self._times = 0
        self._own = threading.local()

    def ask(self, code: ExitCode) -> None:
        """Note a request to stop; a signal handler may call this."""
        self.asked = code
        self._times += 1

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Let only a second request stop this thread within the context."""
        self._own.needed = 2
        try:
            yield
        finally:
            self._own.needed = 1

    def check(self) -> None:
        """Stop if a signal has asked for it.

        :raises RunInterruptedError: one has.
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


@contextmanager
def signals() -> Iterator[Interrupts]:
    """Interrupts that note SIGINT and SIGTERM within; the former handlers come back after it."""
    interrupts = Interrupts()
    codes = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}

    def note(number: int, _frame: FrameType | None) -> None:
        interrupts.ask(codes[signal.Signals(number)])

    before = {number: signal.signal(number, note) for number in codes}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
