# SPDX-License-Identifier: Apache-2.0
"""One change at a time: written down, made, checked, written down. For removal and restore."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from nova_decom.apply.observers import Journal, Progress, change_record
from nova_decom.clock import Clock
from nova_decom.errors import (
    BusyError,
    NovaDecomError,
    RefusedError,
    RunHaltedError,
    RunInterruptedError,
    StalePlanError,
    UnexpectedError,
    UnsupportedError,
)
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Plan
from nova_decom.model.report import HostReport, Result, failed


def as_bug(error: Exception) -> UnexpectedError:
    """A bug as an error for the operator."""
    return UnexpectedError(f"unexpected {type(error).__name__}: {error}", "please report it")


@dataclass(slots=True)
class ChangeRunner:
    """The changes of one host: each is in the journal before it begins and when it has ended."""

    host: str
    journal: Journal
    progress: Progress
    clock: Clock
    #: Makes an error for the operator out of a bug.
    on_bug: Callable[[Exception], NovaDecomError] = as_bug
    outcomes: list[Outcome] = field(default_factory=list)
    _begun: dict[tuple[str, str, str, int | None], Change] = field(default_factory=dict)

    def run(
        self, change: Change, apply: Callable[[], str | None], check: Callable[[], None]
    ) -> None:
        """Make the change by ``apply``; it is done when ``check`` returns.

        :raises NovaDecomError: it failed, or was interrupted. A change that the service never
            makes has failed too, but raises nothing: the run goes on and names what is left.
        """
        self.begin(change)
        since = self.clock.now()
        request_id = None
        try:
            request_id = apply()
            check()
        except RunInterruptedError:
            self.end(Outcome(change, Status.PENDING, request_id, begun=True))
            raise
        except UnsupportedError as error:
            self.end(Outcome(change, Status.FAILED, request_id, str(error)))
            return
        except NovaDecomError as error:
            self.end(Outcome(change, Status.FAILED, request_id, str(error), begun=True))
            raise
        seconds = self.clock.now() - since
        self.end(Outcome(change, Status.DONE, request_id, begun=True, seconds=seconds))

    def skip_others(self, reviewed: Iterable[Change], needed: Iterable[Change]) -> None:
        """Write down each reviewed change that is not needed any more."""
        keys = {c.key for c in needed}
        for change in reviewed:
            if change.key not in keys:
                self.end(Outcome(change, Status.NOT_NEEDED))

    def begin(self, change: Change) -> None:
        """Write down, then show, that the change begins."""
        self.journal.event("started", host=self.host, **change_record(change))
        self._begun[change.key] = change
        self.progress.change(self.host, change, "started")

    def end(self, outcome: Outcome) -> None:
        """Keep the outcome, write it down and show it."""
        self.outcomes.append(outcome)
        self._begun.pop(outcome.change.key, None)
        self.journal.event(
            outcome.status.value,
            host=self.host,
            request_id=outcome.request_id,
            error=outcome.error,
            seconds=outcome.seconds,
            to=outcome.to,
            **change_record(outcome.change),
        )
        note = outcome.error or (f"to {outcome.to}" if outcome.to else "")
        self.progress.change(self.host, outcome.change, outcome.status.value, note)

    @property
    def has_changed(self) -> bool:
        """True when a change was made, or may have been."""
        return any(o.begun and not o.change.only_waits for o in self.outcomes)

    def failed(self, plan: Plan, error: Exception) -> HostReport:
        """The report of a host that the error has ended; changes not begun are pending.

        A refusal is one only while nothing was changed. After a bug, the outcome of the changes
        in progress is not known: they are pending, and may have been made.
        """
        if not isinstance(error, NovaDecomError):
            error = self.on_bug(error)
        for change in [*self._begun.values()]:
            with suppress(Exception):
                self.end(Outcome(change, Status.PENDING, error=str(error), begun=True))
        result, code = self._ended_by(error)
        return failed(plan, error, self.outcomes, result, code)

    def _ended_by(self, error: NovaDecomError) -> tuple[Result, ExitCode]:
        if isinstance(error, RunInterruptedError):
            return Result.INTERRUPTED, error.code
        if isinstance(error, RunHaltedError):
            return Result.INTERRUPTED, error.exit_code
        if isinstance(error, RefusedError | StalePlanError):
            if self.has_changed:
                return Result.FAILED, ExitCode.FAILED
            return Result.REFUSED, error.exit_code
        is_refused = isinstance(error, BusyError) and not self.has_changed
        return Result.REFUSED if is_refused else Result.FAILED, error.exit_code

    def record(self, report: HostReport) -> HostReport:
        """Write the end of the host down; a report that cannot be written is one of a failure."""
        try:
            self.journal.event(
                "result",
                host=report.host,
                result=report.result,
                exit_code=int(report.exit_code),
                error=report.error,
                remedy=report.remedy,
                leftovers=[asdict(trace) for trace in report.leftovers],
                unchecked=list(report.unchecked),
            )
        except Exception as error:  # noqa: BLE001 - what the host has done must be reported
            known = error if isinstance(error, NovaDecomError) else self.on_bug(error)
            # The outcomes stay as they are: what was done was done.
            return replace(
                report,
                result=Result.FAILED,
                error=str(known),
                remedy=known.remedy,
                exit_code=known.exit_code,
            )
        return report
