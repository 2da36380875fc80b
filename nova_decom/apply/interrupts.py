# SPDX-License-Identifier: Apache-2.0
"""Signals that ask a run to stop, obeyed at the next safe point."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from nova_decom.clock import Clock
from nova_decom.errors import RunInterruptedError
from nova_decom.exit_codes import ExitCode


class Interrupts:
    """The requests by signal to stop a run; ``asked`` is the exit code of the last one.

    ``announce`` is called with the name of each signal, in a thread of its own.
    """

    def __init__(self) -> None:
        self.asked: ExitCode | None = None
        self.announce: Callable[[str], None] = lambda _signal: None
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


CODES = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.TERMINATED,
}


def obeyed() -> Iterator[signal.Signals]:
    """The signals that end a run; SIGHUP only where the program was not started by nohup."""
    for number in CODES:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            yield number


@contextmanager
def signals() -> Iterator[Interrupts]:
    """Interrupts that note the signals within; the former handlers come back after it."""
    interrupts = Interrupts()
    # A handler interrupts its thread anywhere, perhaps in a lock of stderr's: another one writes.
    heard: SimpleQueue[str | None] = SimpleQueue()

    def note(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number)
        interrupts.ask(CODES[name])
        heard.put(name.name)

    def announce() -> None:
        while (name := heard.get()) is not None:
            interrupts.announce(name)

    speaker = threading.Thread(target=announce, daemon=True)
    speaker.start()
    before = {number: signal.signal(number, note) for number in obeyed()}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        heard.put(None)
        speaker.join(1.0)
