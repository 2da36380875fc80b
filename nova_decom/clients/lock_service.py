# SPDX-License-Identifier: Apache-2.0
"""Locks shared by several machines, by tooz: etcd, ZooKeeper, Redis, MySQL, a directory.

They are an extra beside the claim. No call into the library waits for ever: each has a daemon
thread, which is left alone when its time is over.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar
from uuid import uuid4

from nova_decom.errors import BusyError, ConfigurationError, NovaDecomError, UnavailableError
from nova_decom.model.names import typed

T = TypeVar("T")
#: Seconds for one call into the library.
SECONDS = 10.0
MISSING = "--lock-url needs tooz and its driver's client"
INSTALL = "pip install tooz and the client of that backend, or leave the option out"


class Lock(Protocol):
    """A lock at the service, as tooz has it."""

    def acquire(self, blocking: bool = True) -> bool:  # noqa: FBT001, FBT002 - tooz's signature
        """Take the lock; False when another has it."""

    def is_still_owner(self) -> bool:
        """Ask the service whether the lock is still ours; many drivers cannot."""

    def release(self) -> bool:
        """Give the lock back."""


class Coordinator(Protocol):
    """A connection to the lock service, as tooz has it."""

    def start(self, start_heart: bool = False) -> None:  # noqa: FBT001, FBT002 - tooz's signature
        """Connect; with a heart, keep the locks alive."""

    def get_lock(self, name: bytes) -> Lock:
        """The lock of this name, not yet taken."""

    def stop(self) -> None:
        """End the connection."""


@dataclass(slots=True)
class SharedLocks:
    """The locks of one run, one for each host; ``seconds`` bounds each call to the service."""

    seconds: float = SECONDS
    _held: dict[str, Lock] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    _is_silent: bool = False

    def take(self, coordinator: Coordinator, hosts: Sequence[str]) -> None:
        """Take the lock of each host that no other run has."""
        self.call(partial(coordinator.start, start_heart=True))
        for host in hosts:
            lock = self.call(partial(coordinator.get_lock, lock_name(host)))
            if self.call(partial(lock.acquire, blocking=False)):
                self._held[host] = lock
            else:
                self._busy.add(host)

    def check(self, host: str) -> None:
        """Ask the service whether this run still has the lock of the host.

        :raises BusyError: another run has it, or it has lapsed.
        :raises UnavailableError: the service gives no answer.
        """
        if host in self._busy:
            raise BusyError(
                f"{host} is held by another run, at the lock service of --lock-url",
                "wait until it has ended; the lock of a crashed run expires with its lease",
            )
        lock = self._held.get(host)
        if lock is not None and not self.call(partial(_is_held, lock)):
            raise BusyError(
                f"{host}: the lock at the lock service of --lock-url has lapsed: another run may "
                "be at work",
                f"{typed('verify', host)}, then run again",
            )

    def release(self, coordinator: Coordinator) -> None:
        """Release all locks; one that cannot be released lapses, and the run still reports."""
        for action in (*(lock.release for lock in self._held.values()), coordinator.stop):
            with suppress(UnavailableError):
                self.call(action)

    def call(self, ask: Callable[[], T]) -> T:
        """The answer of the library; a service that gave none in time is not asked again.

        :raises UnavailableError: it gives no answer in time, or fails.
        """
        answers: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()

        def put() -> None:
            try:
                answers.put((ask(), None))
            except Exception as error:  # noqa: BLE001 - any library may be behind it
                answers.put((None, error))

        if self._is_silent:
            raise _unavailable("no answer before")
        threading.Thread(target=put, daemon=True).start()
        try:
            answer, error = answers.get(timeout=self.seconds)
        except Empty:
            self._is_silent = True
            raise _unavailable(f"no answer within {self.seconds:g} s") from None
        if isinstance(error, NovaDecomError):
            raise error
        if error is not None:
            # Its text is left out: it may show the URL with its password.
            raise _unavailable(type(error).__name__) from None
        return answer  # type: ignore[return-value]


@contextmanager
def shared_locks(
    url: str | None,
    hosts: Sequence[str],
    connect: Callable[[str], Coordinator] | None = None,
    seconds: float = SECONDS,
) -> Iterator[SharedLocks]:
    """The locks of these hosts at the service; without a URL no host has one.

    :raises ConfigurationError: the URL makes no sense, or its driver is not installed.
    :raises UnavailableError: the lock service cannot be reached.
    """
    locks = SharedLocks(seconds)
    if url is None:
        yield locks
        return
    coordinator = locks.call(partial(connect or _coordinator, url))
    try:
        locks.take(coordinator, hosts)
        yield locks
    finally:
        locks.release(coordinator)


def lock_name(host: str) -> bytes:
    """The name of the host's lock: MySQL takes 64 characters and folds case, so it is a hash."""
    digest = hashlib.sha256(host.encode("utf-8", "surrogateescape")).hexdigest()
    return f"nova-decom-{digest[:32]}".encode()


def _is_held(lock: Lock) -> bool:
    """True when the service still has the lock for us; some drivers cannot ask it directly."""
    from tooz import NotImplemented as CannotAsk  # an extra

    with suppress(CannotAsk):
        return lock.is_still_owner()
    # etcd deletes the lock when its lease ends.
    lease = getattr(lock, "_lease", None)
    if lease is not None:
        return bool(lease.ttl() > 0)
    # MySQL and PostgreSQL release the lock when its connection ends.
    connection = getattr(lock, "_conn", None)
    if connection is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    return bool(getattr(lock, "acquired", True))


def _coordinator(url: str) -> Coordinator:
    """Connect; errors are not passed on, for they may show the URL with its password."""
    try:
        from tooz import coordination  # an extra
    except ImportError as error:
        raise ConfigurationError(f"{MISSING}: no module {error.name}", INSTALL) from None
    try:
        return coordination.get_coordinator(url, uuid4().hex.encode())
    except ImportError as error:
        raise ConfigurationError(f"{MISSING}: no module {error.name}", INSTALL) from None
    except (RuntimeError, ValueError, coordination.ToozError):
        # A scheme that no driver has is a RuntimeError of stevedore.
        raise ConfigurationError(
            "--lock-url is no URL that tooz understands",
            "give one such as etcd3+https://HOST:2379, zookeeper://HOST, file:///DIRECTORY",
        ) from None


def _unavailable(why: str) -> UnavailableError:
    return UnavailableError(
        f"the lock service of --lock-url cannot be used ({why})",
        "check it and run again, or leave the option out: the claim excludes other runs too",
    )
