# SPDX-License-Identifier: Apache-2.0
"""One run per host on this machine: a lock that the kernel releases when the run dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nova_decom.clock import Clock
from nova_decom.errors import BusyError, JournalError
from nova_decom.state.directory import open_private

#: Seconds before a lock that is taken is tried once more: :func:`holder` has it for less.
POLL_SECONDS = 0.05


@contextmanager
def host_lock(state_dir: Path, host: str, run: str, cloud: str = "") -> Iterator[None]:
    """Hold the host for this run; ``cloud`` is the key of its cloud.

    :raises BusyError: another run holds it; the message names that run.
    :raises JournalError: the lock cannot be made.
    """
    path = _path(state_dir, host, cloud)
    with _made(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = open_private(path, os.O_RDWR)
    try:
        with _made(path):
            _take(handle, host)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"run {run}, process {os.getpid()}".encode(), 0)
        try:
            yield
        finally:
            # The file of a free lock must name no holder.
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder(state_dir: Path, host: str, cloud: str = "") -> str | None:
    """The id of the run that holds the host on this machine, None when it is free.

    A holder that died leaves its name in the file; the lock itself is what counts.
    """
    try:
        handle = os.open(_path(state_dir, host, cloud), os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.pread(handle, 200, 0).decode("utf-8", "replace").split()
        return words[1].removesuffix(",") if len(words) > 1 else ""
    else:
        return None
    finally:
        os.close(handle)


def _path(state_dir: Path, host: str, cloud: str) -> Path:
    name = f"{cloud}\n{host}" if cloud else host
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return state_dir / "locks" / digest


@contextmanager
def _made(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "make room for it, then run again"
        raise JournalError(f"the lock {path}: {error.strerror}", remedy) from error


def _take(handle: int, host: str) -> None:
    for pause in (POLL_SECONDS, 0):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            Clock().sleep(pause)
        else:
            return
    named = os.pread(handle, 200, 0).decode("utf-8", "replace")
    raise BusyError(
        f"{host} is held by another run on this machine: {named}",
        "wait until it has ended",
    )
