# SPDX-License-Identifier: Apache-2.0
"""Carry out a reviewed restore of one host: each change still needed before, there after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.observers import Journal, NullProgress, Progress, change_record
from nova_decom.errors import (
    ChangeFailedError,
    JournalError,
    NovaDecomError,
    RefusedError,
    RunInterruptedError,
    StalePlanError,
)
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Plan
from nova_decom.model.report import HostReport, Result, failed, messages
from nova_decom.model.sql import Transaction
from nova_decom.restore.current import CurrentHost
from nova_decom.restore.plan import plan_restore, result_of
from nova_decom.restore.saved import SavedHost


class RestoringCloud(Protocol):
    """The outside as a restore sees it."""

    def present(self, past: SavedHost) -> CurrentHost:
        """What is there now, read anew."""

    def run(self, transaction: Transaction) -> None:
        """Run one guarded database transaction."""

    def add_to_aggregate(self, aggregate: str, host: str) -> str | None:
        """Make the host a member again; the request id, if there is one."""

    def enable_service(self, service: str) -> str | None:
        """Enable a compute service."""

    def disable_service(self, service: str, reason: str) -> str | None:
        """Disable a compute service with this reason."""


@dataclass(slots=True)
class RestoreExecutor:
    """Carries out one reviewed plan on one host, and reads back what came of it."""

    cloud: RestoringCloud
    journal: Journal
    progress: Progress = field(default_factory=NullProgress)
    interrupts: Interrupts = field(default_factory=Interrupts)
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, past: SavedHost, reviewed: Plan) -> HostReport:
        """Make every change that is still needed; a failure ends it and is in the report."""
        self.outcomes = []
        try:
            self._begin(past, reviewed)
            for change in reviewed.changes:
                self._make(past, change)
            report = self._read_back(past)
        except RunInterruptedError as error:
            report = self._failed(reviewed, error, Result.INTERRUPTED, error.code)
        except NovaDecomError as error:
            untouched = not any(o.begun for o in self.outcomes)
            refused = untouched and isinstance(error, RefusedError | StalePlanError)
            result = Result.REFUSED if refused else Result.FAILED
            report = self._failed(reviewed, error, result, error.exit_code)
        return self._record(report)

    def _begin(self, past: SavedHost, reviewed: Plan) -> None:
        now = plan_restore(past, self.cloud.present(past))
        self.journal.event("findings", host=past.host, findings=[asdict(f) for f in now.findings])
        if now.blocked:
            raise RefusedError(messages(now.blocked))
        known = {c.key for c in reviewed.changes}
        news = [c.detail for c in now.changes if c.key not in known]
        if news:
            raise StalePlanError(
                f"{past.host}: the cloud no longer fits the plan: {'; '.join(news)}",
                f"look at a new plan: nova-decom restore {past.run} --dry-run",
            )

    def _make(self, past: SavedHost, reviewed: Change) -> None:
        self.interrupts.check()
        change = self._still(past, reviewed)
        if change is None:
            self._end(past.host, Outcome(reviewed, Status.NOT_NEEDED))
            return
        self.journal.event("started", host=past.host, **change_record(change))
        self.progress.change(past.host, change, "started")
        request_id = None
        try:
            request_id = self._apply(past, change)
            if self._still(past, change) is not None:
                raise ChangeFailedError(
                    f"{past.host}: {change.step} {change.target}: was made, and is not to be seen",
                    "run again; if it stays, look for the request id in nova's log",
                )
        except NovaDecomError as error:
            self._end(
                past.host, Outcome(change, Status.FAILED, request_id, str(error), begun=True)
            )
            raise
        self._end(past.host, Outcome(change, Status.DONE, request_id, begun=True))

    def _still(self, past: SavedHost, change: Change) -> Change | None:
        """The change as it would be planned now; None when it is no longer needed."""
        now = plan_restore(past, self.cloud.present(past))
        return next((c for c in now.changes if c.key == change.key), None)

    def _apply(self, past: SavedHost, change: Change) -> str | None:
        if change.transaction is not None:
            self.cloud.run(change.transaction)
            return None
        if change.step == "restore-aggregates":
            return self.cloud.add_to_aggregate(change.target, past.host)
        if change.action == "enable":
            return self.cloud.enable_service(change.target)
        reason = past.state[2] if past.state else None
        return self.cloud.disable_service(change.target, reason or "")

    def _read_back(self, past: SavedHost) -> HostReport:
        plan = plan_restore(past, self.cloud.present(past))
        missing = "; ".join(f"{x.kind} {x.target}: {x.detail}" for x in plan.leftovers)
        result = Result.LEFTOVERS if missing else Result.RESTORED
        return replace(
            result_of(plan, self.outcomes, result),
            error=f"not put back: {missing}" if missing else None,
            remedy="; ".join(dict.fromkeys(x.remedy for x in plan.leftovers)) or None,
            exit_code=ExitCode.CHANGES if missing else ExitCode.SUCCESS,
        )

    def _failed(
        self, reviewed: Plan, error: NovaDecomError, result: Result, code: ExitCode
    ) -> HostReport:
        report = failed(reviewed, error, self.outcomes, result, code)
        return replace(report, leftovers=reviewed.leftovers, to_do=reviewed.to_do)

    def _record(self, report: HostReport) -> HostReport:
        try:
            self.journal.event(
                "result",
                host=report.host,
                result=report.result,
                exit_code=int(report.exit_code),
                error=report.error,
            )
        except JournalError as error:
            return replace(
                report,
                result=Result.FAILED,
                error=str(error),
                remedy=error.remedy,
                exit_code=error.exit_code,
            )
        return report

    def _end(self, host: str, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.journal.event(
            outcome.status.value,
            host=host,
            request_id=outcome.request_id,
            error=outcome.error,
            **change_record(outcome.change),
        )
        self.progress.change(host, outcome.change, outcome.status.value)
