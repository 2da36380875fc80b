# SPDX-License-Identifier: Apache-2.0
"""One run per host on this machine: a lock that the kernel releases when the run dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nova_decom.errors import BusyError, JournalError


@contextmanager
def host_lock(state_dir: Path, host: str, run: str) -> Iterator[None]:
    """Hold the host for this run.

    :raises BusyError: another run holds it; the message names that run.
    :raises JournalError: the lock cannot be made.
    """
    digest = hashlib.sha256(host.encode("utf-8", "surrogateescape")).hexdigest()
    path = state_dir / "locks" / digest
    with _made(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with _made(path):
            _take(handle, host)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"run {run}, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(handle)


@contextmanager
def _made(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "make room for it, then run again"
        raise JournalError(f"the lock {path}: {error.strerror}", remedy) from error


def _take(handle: int, host: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 200, 0).decode("utf-8", "replace")
        raise BusyError(
            f"{host} is held by another run on this machine: {holder}",
            "wait until it has ended",
        ) from None
