# SPDX-License-Identifier: Apache-2.0
"""The exit codes of the command line, in one place."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """An exit code of a command, with its meaning."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Attach the meaning, which the documentation prints."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    SUCCESS = 0, "done, or nothing to do"
    FAILED = 1, "a change failed; the journal has its error; run again to resume"
    USAGE = 2, "invalid command line or configuration"
    CHANGES = 3, "something is to be done (with --detailed-exitcode) or is left (verify, remove)"
    REFUSED = 4, "a guard refused; nothing was changed"
    TIMEOUT = 5, "a wait timed out; safe to run again"
    PARTIAL = 6, "several hosts, some done, some not"
    STALE = 7, "the cloud no longer fits the reviewed plan; nothing was changed"
    REAPPEARED = 8, "everything was deleted and something came back within the settle time"
    UNCONFIRMED = 13, "not confirmed; nothing was changed"
    UNAVAILABLE = 69, "the API or the database cannot be reached or refuses the credentials"
    BUG = 70, "an unexpected error; a report was written to the state directory"
    BUSY = 75, "another run works on this host"
    INTERRUPTED = 130, "interrupted by SIGINT; safe to run again"
    TERMINATED = 143, "interrupted by SIGTERM or SIGHUP; safe to run again"


def combined(codes: Iterable[int]) -> int:
    """The exit code of a run over several hosts: an interrupt's, the common one, else 6."""
    found = {int(code) for code in codes}
    for interrupt in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        if interrupt in found:
            return int(interrupt)
    return found.pop() if len(found) == 1 else int(ExitCode.PARTIAL)
