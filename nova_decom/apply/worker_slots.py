# SPDX-License-Identifier: Apache-2.0
"""Hosts that leave together: so many at work at a time, all waits shared.

Each host has a thread and runs the same code as a host alone. It holds a slot while it works,
and gives it back while it only waits: twenty hosts wait for their heartbeats at the same time,
and for one reading that serves them all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from nova_decom.apply.interrupts import Interrupts
from nova_decom.errors import RunHaltedError

T = TypeVar("T")
R = TypeVar("R")
#: Seconds after which a thread that waits for its turn looks whether it still shall.
POLL_SECONDS = 0.2


@dataclass(slots=True)
class WorkerSlots:
    """What the hosts of one run share; one host alone needs nothing of it."""

    jobs: int = 1
    hosts: int = 1
    interrupts: Interrupts = field(default_factory=Interrupts)
    halted: bool = False
    _slots: threading.Semaphore = field(init=False)
    _passed: set[str] = field(default_factory=set)
    _ended: set[str] = field(default_factory=set)
    _idle: int = 0
    _held: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        """So many slots as jobs."""
        self._slots = threading.Semaphore(self.jobs)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Within: the host holds a slot.

        :raises RunHaltedError: another host failed and no more are to begin.
        :raises RunInterruptedError: the run was asked to stop.
        """
        while not self._slots.acquire(timeout=POLL_SECONDS):
            self.raise_if_halted()
            self.interrupts.check()
        try:
            self.raise_if_halted()
            yield
        finally:
            self._slots.release()

    @contextmanager
    def slot_released(self) -> Iterator[None]:
        """Within: the host, which works, only waits; others may work."""
        self._slots.release()
        try:
            with self._counted(held=0):
                yield
        finally:
            # It must hold its slot again whatever happened, to give it back in working().
            self._slots.acquire()

    @contextmanager
    def slot_kept(self) -> Iterator[None]:
        """Within: the host waits and keeps its slot."""
        with self._counted(held=1):
            yield

    @contextmanager
    def _counted(self, held: int) -> Iterator[None]:
        """Within: one more host waits, which holds so many slots."""
        self._count(1, held)
        try:
            yield
        finally:
            self._count(-1, -held)

    def _count(self, idle: int, held: int) -> None:
        with self._changed:
            self._idle += idle
            self._held += held
            self._changed.notify_all()

    def wait_for_peers(self, most: float) -> None:
        """Until no host works, and none can before one that waits goes on.

        At most so many seconds. Who is about to read for many waits so for those that will soon
        want the same.
        """
        with self._changed:
            self._changed.wait_for(self._is_still, most)

    def _is_still(self) -> bool:
        return self._idle + len(self._ended) >= self.hosts or self._held >= self.jobs

    def ended(self, host: str) -> None:
        """Nothing more is done with the host."""
        with self._changed:
            self._ended.add(host)
            self._changed.notify_all()

    def halt(self) -> None:
        """No other host is to begin or to go on."""
        self.halted = True

    def raise_if_halted(self) -> None:
        """Stop here if another host failed.

        :raises RunHaltedError: one did, and no more are to begin.
        """
        if self.halted:
            raise RunHaltedError(
                "ended because another host of the run failed",
                "run again for this host, or give --on-failure continue",
            )

    def mark_disabled(self, host: str) -> None:
        """The host is disabled, or has ended before that."""
        with self._changed:
            self._passed.add(host)
            self._changed.notify_all()

    def wait_for_all(self) -> None:
        """Until every host is disabled: no server may move to one that leaves too."""
        if self.hosts == 1:
            return
        with self.slot_released(), self._changed:
            while len(self._passed) < self.hosts and not self.halted:
                self.interrupts.check()
                self._changed.wait(POLL_SECONDS)


def run_in_threads(work: Callable[[T], R], things: Sequence[T], *, in_threads: bool) -> list[R]:
    """The results in order, one made after the other, or each in a thread of its own.

    Signals reach the main thread, which only waits. What waits for another thing needs threads.
    """
    if not in_threads or len(things) == 1:
        return [work(thing) for thing in things]
    with ThreadPoolExecutor(max_workers=len(things)) as pool:
        futures = [pool.submit(work, thing) for thing in things]
        while wait(futures, timeout=POLL_SECONDS).not_done:
            # A wait without end would keep Python from running signal handlers.
            pass
        return [future.result() for future in futures]
