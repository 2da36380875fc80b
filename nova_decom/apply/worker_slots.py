# SPDX-License-Identifier: Apache-2.0
"""Slots for the hosts of one run: the option ``--jobs`` limits how many work at once.

Each host has a thread, which holds a slot while it works and gives it back while it waits.
Twenty hosts wait for their heartbeats at the same time, and for one reading that serves them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from nova_decom.apply.interrupts import Interrupts
from nova_decom.errors import NovaDecomError, RunHaltedError

T = TypeVar("T")
R = TypeVar("R")
#: Seconds between two checks, by a thread that waits, for an interrupt or a halt.
POLL_SECONDS = 0.2
#: With each so many hosts of a run, a host that waits for a slot checks less often.
MANY = 50


@dataclass(slots=True)
class WorkerSlots:
    """The slots of a run, and which of its hosts are disabled, wait or have ended."""

    jobs: int = 1
    hosts: int = 1
    interrupts: Interrupts = field(default_factory=Interrupts)
    halted: bool = False
    #: True from the time on at which no host and no move begins any more.
    is_late: Callable[[], bool] = field(default=lambda: False)
    _slots: threading.Semaphore = field(init=False)
    _disabled: set[str] = field(default_factory=set)
    _ended: set[str] = field(default_factory=set)
    _own: threading.local = field(default_factory=threading.local)
    _idle: int = 0
    _held: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        """Make as many slots as there are jobs."""
        self._slots = threading.Semaphore(self.jobs)

    @property
    def _poll(self) -> float:
        """Seconds between two checks of a host that waits for a slot.

        Hundreds of them that check five times a second would leave no time for the others.
        """
        return POLL_SECONDS * max(1, self.hosts // MANY)

    @contextmanager
    def slot(self, keep: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Hold a slot within the context.

        ``keep`` is called again and again while this thread waits for the slot that it gave back:
        hosts whose servers move may have all slots for hours, and a claim is valid for one.

        :raises RunHaltedError: another host failed and no more are to begin.
        :raises RunInterruptedError: the run was asked to stop.
        """
        while not self._slots.acquire(timeout=self._poll):
            self.raise_if_halted()
            self.interrupts.check()
        try:
            self.raise_if_halted()
            if self.is_late():
                raise RunHaltedError("not started: it is later than --until", "run it again")
            self._own.keep = keep
            yield
        finally:
            self._slots.release()

    @contextmanager
    def slot_released(self) -> Iterator[None]:
        """Give the slot of the host back within the context, while it only waits."""
        self._slots.release()
        try:
            with self._counted(held=0):
                yield
        finally:
            # Whatever happened, the host must hold its slot again: slot() gives it back.
            while not self._slots.acquire(timeout=self._poll):
                with suppress(NovaDecomError):
                    self._own.keep()

    @contextmanager
    def slot_kept(self) -> Iterator[None]:
        """Count the host as waiting within the context, though it keeps its slot."""
        with self._counted(held=1):
            yield

    @contextmanager
    def _counted(self, held: int) -> Iterator[None]:
        """Count one more waiting host, and the slots that it has ``held``, within the context."""
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
        """Wait until every host is idle or all slots are held by waiting hosts.

        At most ``most`` seconds. A reading for many hosts waits so for those that will soon ask
        for the same.
        """
        with self._changed:
            self._changed.wait_for(self._is_still, most)

    def _is_still(self) -> bool:
        return self._idle + len(self._ended) >= self.hosts or self._held >= self.jobs

    def ended(self, host: str) -> None:
        """Note that the host has ended."""
        with self._changed:
            self._ended.add(host)
            self._changed.notify_all()

    def halt(self) -> None:
        """Keep the other hosts from beginning or going on."""
        self.halted = True

    def raise_if_halted(self) -> None:
        """Stop if another host has failed.

        :raises RunHaltedError: one did, and no more are to begin.
        """
        if self.halted:
            raise RunHaltedError(
                "ended because another host of the run failed",
                "run again for this host, or give --on-failure continue",
            )

    def mark_disabled(self, host: str) -> None:
        """Note that the host is disabled, or has ended before that."""
        with self._changed:
            self._disabled.add(host)
            self._changed.notify_all()

    def wait_for_all(self) -> None:
        """Wait until every host is disabled, so that no server moves to a host that leaves too."""
        if self.hosts == 1:
            return
        with self.slot_released(), self._changed:
            while len(self._disabled) < self.hosts and not self.halted:
                self.interrupts.check()
                self._changed.wait(POLL_SECONDS)


def run_in_threads(work: Callable[[T], R], things: Sequence[T], *, in_threads: bool) -> list[R]:
    """The results of ``work`` in the order of ``things``, made one by one or in threads.

    Signals reach the main thread, which only waits. Hosts that wait for each other need threads.
    """
    if not in_threads or len(things) == 1:
        return [work(thing) for thing in things]
    with ThreadPoolExecutor(max_workers=len(things)) as pool:
        futures = [pool.submit(work, thing) for thing in things]
        for future in futures:
            # A wait without end would keep Python from running signal handlers; one for all
            # futures takes long where there are hundreds.
            while wait((future,), timeout=POLL_SECONDS).not_done:
                pass
        return [future.result() for future in futures]
