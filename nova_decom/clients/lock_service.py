# SPDX-License-Identifier: Apache-2.0
"""A lock shared by several machines, by tooz: etcd, ZooKeeper, Redis, Kubernetes, a file.

It is an extra, and no run relies on it: two runs meet there before either reads the cloud.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING

from nova_decom.errors import BusyError, ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from tooz.coordination import CoordinationDriver


MISSING = "--lock-url needs tooz and its driver's client"
INSTALL = "pip install 'nova-decom[lock]' and the client of that backend, or leave the option out"


@contextmanager
def shared_lock(url: str | None, host: str, run: str) -> Iterator[None]:
    """Lock the host at the lock service for this run; without a URL, do nothing.

    The backend keeps the lock for as long as the run lives and sends its heartbeats.

    :raises BusyError: another run holds it.
    :raises ConfigurationError: the URL makes no sense, or its driver is not installed.
    :raises UnavailableError: the lock service cannot be reached.
    """
    if url is None:
        yield
        return
    coordinator = _coordinator(url, run)
    with _answering():
        coordinator.start(start_heart=True)
    try:
        lock = coordinator.get_lock(f"nova-decom:{host}".encode("utf-8", "surrogateescape"))
        with _answering():
            is_ours = lock.acquire(blocking=False)
        if not is_ours:
            raise BusyError(
                f"{host} is held by another run, at the lock service of --lock-url",
                "wait until it has ended; a run that died lets go of it when its lease ends",
            )
        try:
            yield
        finally:
            with _unlocking():
                lock.release()
    finally:
        with _unlocking():
            coordinator.stop()


def _coordinator(url: str, run: str) -> CoordinationDriver:
    """Connect; errors are not passed on, for they may show the URL with its password."""
    try:
        from tooz import coordination  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(f"{MISSING}: no module {error.name}", INSTALL) from None
    try:
        return coordination.get_coordinator(url, run.encode())
    except ImportError as error:
        raise ConfigurationError(f"{MISSING}: no module {error.name}", INSTALL) from None
    except (RuntimeError, ValueError, coordination.ToozError):
        # A scheme that no driver has is a RuntimeError of stevedore.
        raise ConfigurationError(
            "--lock-url is no URL that tooz understands",
            "give one such as etcd3+https://HOST:2379, zookeeper://HOST, file:///DIRECTORY",
        ) from None


def _unlocking() -> AbstractContextManager[None]:
    """Ignore a lock service that has died: the lock lapses, and the run still reports."""
    from tooz.coordination import ToozError  # noqa: PLC0415 - an extra

    return suppress(ToozError, OSError)


@contextmanager
def _answering() -> Iterator[None]:
    from tooz.coordination import ToozError  # noqa: PLC0415 - an extra

    try:
        yield
    except (ToozError, OSError) as error:
        raise UnavailableError(
            f"the lock service of --lock-url does not answer ({type(error).__name__})",
            "look at it, or leave the option out: no run relies on it",
        ) from None
