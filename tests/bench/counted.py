# SPDX-License-Identifier: Apache-2.0
"""nova-decom as it is, and how long it did nothing but wait for the proofs.

``python -m tests.bench.counted FILE ARGUMENT…``. Seconds count as waited in which every host
that was begun slept on the run's clock: between two looks at a heartbeat, until the claim has
stood, in the settle time. As soon as one host works, nothing is waited.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.cli.main import run
from nova_decom.clock import Clock


class Waits:
    """How many hosts are begun, how many of them sleep, and how long all of them slept."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._begun = self._asleep = 0
        self._since = time.monotonic()
        self._turn = threading.Lock()

    def change(self, begun: int = 0, asleep: int = 0) -> None:
        with self._turn:
            now = time.monotonic()
            if self._begun and self._begun == self._asleep:
                self.seconds += now - self._since
            self._since = now
            self._begun += begun
            self._asleep += asleep


def watch(waits: Waits) -> None:
    """Have each host and each sleep told to ``waits``."""
    slot, clock = WorkerSlots.slot, Interrupts.clock

    @contextmanager
    def told_slot(self: WorkerSlots, keep: Callable[[], object] = lambda: None) -> Iterator[None]:
        with slot(self, keep):
            waits.change(begun=1)
            try:
                yield
            finally:
                waits.change(begun=-1)

    def told_clock(self: Interrupts, tick: float = 0.2) -> Clock:
        real = clock(self, tick)

        def sleep(seconds: float) -> None:
            waits.change(asleep=1)
            try:
                real.sleep(seconds)
            finally:
                waits.change(asleep=-1)

        return Clock(real.now, sleep)

    WorkerSlots.slot = told_slot  # type: ignore[method-assign]
    Interrupts.clock = told_clock  # type: ignore[method-assign]


def main() -> int:
    """The exit code of nova-decom."""
    target, *arguments = sys.argv[1:]
    waits = Waits()
    watch(waits)
    code = run(arguments)
    Path(target).write_text(str(waits.seconds), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
