# SPDX-License-Identifier: Apache-2.0
"""A reviewed restore carried out on one host: each change still needed before, there after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

from nova_decom.apply.change_runner import ChangeRunner, as_bug
from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.observers import Journal, NullProgress, Progress
from nova_decom.clock import Clock
from nova_decom.errors import ChangeFailedError, NovaDecomError, RefusedError, StalePlanError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.api_call import ApiCall
from nova_decom.model.change import Change, Outcome
from nova_decom.model.plan import Plan
from nova_decom.model.report import HostReport, Result, messages
from nova_decom.model.sql import Transaction
from nova_decom.restore.current import CurrentHost
from nova_decom.restore.plan import plan_restore, result_of
from nova_decom.restore.saved import SavedHost


class RestoringCloud(Protocol):
    """The cloud as a restore reads and changes it."""

    def present(self, past: SavedHost) -> CurrentHost:
        """The host and the rows in the places of the saved ones, read now."""

    def run(self, transaction: Transaction) -> None:
        """Run one guarded database transaction."""

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; the request id, if there is one."""


@dataclass(slots=True)
class RestoreExecutor:
    """Carries out reviewed restores, a host at a time."""

    cloud: RestoringCloud
    journal: Journal
    progress: Progress = field(default_factory=NullProgress)
    interrupts: Interrupts = field(default_factory=Interrupts)
    clock: Clock = field(default_factory=Clock)
    on_bug: Callable[[Exception], NovaDecomError] = as_bug
    #: Raises where the lock of the host at a lock service is lost.
    check_lock: Callable[[str], None] = lambda _host: None

    def run(self, past: SavedHost, reviewed: Plan) -> HostReport:
        """Make every change that is still needed; a failure ends it and is in the report."""
        changes = ChangeRunner(past.host, self.journal, self.progress, self.clock, self.on_bug)
        try:
            self._check(past, reviewed)
            for change in reviewed.changes:
                self._make(changes, past, change)
            report = self._read_back(past, changes.outcomes)
        except Exception as error:  # noqa: BLE001 - a bug ends this host, and no other
            report = changes.failed(reviewed, error)
            report = replace(report, leftovers=reviewed.leftovers, to_do=reviewed.to_do)
        return changes.record(report)

    def _check(self, past: SavedHost, reviewed: Plan) -> None:
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

    def _make(self, changes: ChangeRunner, past: SavedHost, reviewed: Change) -> None:
        self.interrupts.check()
        self.check_lock(past.host)
        change = self._still_needed(past, reviewed)
        if change is None:
            changes.skip_others((reviewed,), ())
            return

        def check() -> None:
            if self._still_needed(past, change) is not None:
                raise ChangeFailedError(
                    f"{past.host}: {change.step} {change.target}: was made, and is not to be seen",
                    "run again; if it stays, look for the request id in nova's log",
                )

        changes.run(change, lambda: self._apply(change), check)

    def _still_needed(self, past: SavedHost, change: Change) -> Change | None:
        """The change as it would be planned now; None when it is no longer needed."""
        now = plan_restore(past, self.cloud.present(past))
        return next((c for c in now.changes if c.key == change.key), None)

    def _apply(self, change: Change) -> str | None:
        if change.transaction is not None:
            self.cloud.run(change.transaction)
        return self.cloud.send(change.call) if change.call is not None else None

    def _read_back(self, past: SavedHost, outcomes: list[Outcome]) -> HostReport:
        plan = plan_restore(past, self.cloud.present(past))
        missing = "; ".join(f"{x.kind} {x.target}: {x.detail}" for x in plan.leftovers)
        result = Result.LEFTOVERS if missing else Result.RESTORED
        return replace(
            result_of(plan, outcomes, result),
            error=f"not put back: {missing}" if missing else None,
            remedy="; ".join(dict.fromkeys(x.remedy for x in plan.leftovers)) or None,
            exit_code=ExitCode.CHANGES if missing else ExitCode.SUCCESS,
        )
