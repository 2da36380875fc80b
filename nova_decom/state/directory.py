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
    if problem := access_problem(info):
        raise ConfigurationError(
            f"state directory {path} {problem}",
            f"give --state-dir, or as its owner: chmod 0700 {path}",
        )
    return path


def access_problem(info: os.stat_result, *, root_may_own: bool = False) -> str | None:
    """The reason why another user may have written the path; None when none could."""
    if info.st_uid != os.geteuid() and not (root_may_own and info.st_uid == 0):
        owner = "neither to root nor to you" if root_may_own else "not to you"
        return f"belongs to uid {info.st_uid}, {owner}"
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be written by others"
    return None


def open_private(path: Path, flags: int) -> int:
    """A handle of a file that is created with mode 0600 and is no symbolic link.

    :raises OSError: it cannot be opened.
    """
    return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def write_private(path: Path, text: str) -> None:
    """Replace the file by this text, whole or not at all; it is on the disk at the end.

    :raises OSError: it cannot be written; the old file stays.
    """
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    handle = open_private(scratch, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    sync_directory(path.parent)


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
    """Write the directory's entries to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
