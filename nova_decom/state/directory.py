# SPDX-License-Identifier: Apache-2.0
"""The state directory and the private files in it: owner, mode, whole writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nova_decom.errors import ConfigurationError, JournalError


def open_state_dir(path: Path) -> Path:
    """Create the state directory, or check that nobody else can write to it.

    :raises ConfigurationError: it belongs to somebody else, others may write there, or it
        cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.stat()
    except OSError as error:
        raise ConfigurationError(
            f"state directory {path}: {error.strerror}", "give --state-dir"
        ) from error
    if info.st_uid != os.geteuid():
        raise ConfigurationError(
            f"state directory {path} belongs to uid {info.st_uid}, not to you",
            "give --state-dir, or run as its owner",
        )
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(
            f"state directory {path} can be written by others", f"chmod 0700 {path}"
        )
    return path


@contextmanager
def journal_writing(path: Path) -> Iterator[None]:
    """Raise an :class:`OSError` of the body as a :class:`JournalError`."""
    try:
        yield
    except OSError as error:
        raise JournalError(
            f"the journal {path} cannot be written: {error.strerror}; "
            "nothing is changed without it",
            "make room for it, then run again",
        ) from error


def sync_directory(path: Path) -> None:
    """Make the names in the directory last."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
