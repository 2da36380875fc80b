# SPDX-License-Identifier: Apache-2.0
"""The kinds of failure, each with its exit code.

::

    NovaDecomError
    ├── ConfigurationError      2   an option, a file or a URL makes no sense
    ├── RefusedError            4   a guard refused; nothing was changed
    ├── WaitTimeoutError        5   a wait timed out
    ├── StalePlanError          7   the cloud no longer fits the reviewed plan
    ├── UnconfirmedError       13   not confirmed
    ├── UnavailableError       69   the API or the database cannot be reached
    │   ├── MissingRightError  69   the token lacks a right, so that an answer is not complete
    │   └── NoAnswerError      69   no usable answer; whether a write was made is not known
    ├── BusyError              75   another run holds the host
    ├── RunHaltedError          1   another host of the run failed
    ├── UnexpectedError        70   a bug; a report of it is in the state directory
    ├── RunInterruptedError   130   SIGINT, or SIGTERM or SIGHUP (143)
    └── ChangeFailedError       1   a change failed
        ├── RowCountError       1   a statement touched another number of rows
        ├── BadRequestError     1   a service answered 400
        ├── NotFoundError       1   a service answered 404
        ├── TransientError      1   a service answered 429 or 5xx: another attempt may succeed
        │   └── ConflictError   1   a service answered 409
        ├── UnsupportedError    1   a service never makes this change; the run continues
        └── JournalError        1   the journal cannot be written

Only :func:`nova_decom.cli.main.main` turns them into the exit code of the process.
"""

from __future__ import annotations

from typing import ClassVar

from nova_decom.exit_codes import ExitCode


class NovaDecomError(Exception):
    """A failure with a message for the operator.

    ``str()`` states what was found and what was not changed, ``remedy`` what to type next.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


class ConfigurationError(NovaDecomError):
    """An option, a file or a URL makes no sense."""

    exit_code = ExitCode.USAGE


class RefusedError(NovaDecomError):
    """A guard refused; nothing was changed."""

    exit_code = ExitCode.REFUSED


class WaitTimeoutError(NovaDecomError):
    """A wait timed out."""

    exit_code = ExitCode.TIMEOUT


class StalePlanError(NovaDecomError):
    """The cloud no longer fits the reviewed plan."""

    exit_code = ExitCode.STALE


class UnconfirmedError(NovaDecomError):
    """A change needs a confirmation that was not given."""

    exit_code = ExitCode.UNCONFIRMED


class UnavailableError(NovaDecomError):
    """The API or the database cannot be reached, or refuses the credentials."""

    exit_code = ExitCode.UNAVAILABLE


class MissingRightError(UnavailableError):
    """The token lacks a right; what it may not see is not taken for what is not there."""


class NoAnswerError(UnavailableError):
    """No usable answer; another attempt may get one. Whether a write was made is not known."""

    def __init__(self, message: str, remedy: str | None = None, retry_after: float = 0.0) -> None:
        """``retry_after``: the seconds that the service asked for, 0 when it did not."""
        super().__init__(message, remedy)
        self.retry_after = retry_after


class BusyError(NovaDecomError):
    """Another run holds this host."""

    exit_code = ExitCode.BUSY


class RunHaltedError(NovaDecomError):
    """Another host of the run failed, so this one does not begin or continue."""


class UnexpectedError(NovaDecomError):
    """A bug of nova-decom."""

    exit_code = ExitCode.BUG


class RunInterruptedError(NovaDecomError):
    """The operator or the system asked the run to stop."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, code: ExitCode) -> None:
        """Keep the exit code of the signal, which is that of the run."""
        super().__init__(
            f"interrupted by {'SIGTERM or SIGHUP' if code is ExitCode.TERMINATED else 'SIGINT'}",
            "run the same command again to continue; finished work is detected",
        )
        self.code = code


class ChangeFailedError(NovaDecomError):
    """A change was tried and was not made."""


class RowCountError(ChangeFailedError):
    """A statement touched another number of rows than planned; all was rolled back."""


class BadRequestError(ChangeFailedError):
    """A service answered 400: it never makes this change."""


class NotFoundError(ChangeFailedError):
    """A service answered 404: the object to change does not exist any more."""


class TransientError(ChangeFailedError):
    """A service answered 429 or 5xx: another attempt may succeed, once the cloud is read again."""

    def __init__(self, message: str, remedy: str | None = None, retry_after: float = 0.0) -> None:
        """``retry_after``: the seconds that the service asked for, 0 when it did not."""
        super().__init__(message, remedy)
        self.retry_after = retry_after


class ConflictError(TransientError):
    """A service answered 409: its object has changed since it was read."""


class UnsupportedError(ChangeFailedError):
    """A service never makes this change; the run continues, and its report names what is left."""


class JournalError(ChangeFailedError):
    """The journal cannot be written; without it nothing is changed."""


class WriteRefusedError(RuntimeError):
    """A read-only client was asked to write, which is a bug of nova-decom."""
