# SPDX-License-Identifier: Apache-2.0
"""Verification at the end of a host: facts read again, and once more after the settle time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nova_decom.apply.observers import Progress
from nova_decom.apply.refresh import FreshFacts
from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.clock import Clock
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Outcome
from nova_decom.model.plan import Leftover, Plan
from nova_decom.model.report import HostReport, Result
from nova_decom.plan.jobs import Job
from nova_decom.plan.planner import make_plan
from nova_decom.registrars import PLANNED_PARTS
from nova_decom.verify.verify import inspect


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a job is done on a host; ``settle`` is the settle time in seconds."""

    job: Job
    fresh: FreshFacts
    slots: WorkerSlots
    progress: Progress
    clock: Clock
    settle: float

    def report(self, reviewed: Plan, outcomes: Sequence[Outcome]) -> HostReport:
        """The report of a host whose changes have all been made."""
        if not self.job.deletes:
            return self._nothing_to_do(reviewed, outcomes)
        found = self._inspect()
        before = {(trace.kind, trace.target) for trace in found.leftovers}
        unchecked = found.unchecked
        if self.settle > 0:
            self.progress.waiting(reviewed.host, "nothing may come back", self.settle)
            with self.slots.slot_released():
                self.clock.sleep(self.settle)
            self.fresh.invalidate()
            found = self._inspect()
        else:
            unchecked = (*unchecked, "whether it comes back: --settle 0")
        back = [trace for trace in found.leftovers if (trace.kind, trace.target) not in before]
        clean = found.result is Result.CLEAN
        return HostReport(
            host=reviewed.host,
            result=self.job.result if clean else Result.LEFTOVERS,
            findings=reviewed.findings,
            outcomes=tuple(outcomes),
            leftovers=found.leftovers,
            kept=found.kept,
            unchecked=unchecked,
            readd=found.readd,
            error=None if clean else _error(found, back),
            remedy=None if clean else _remedy(found, back),
            exit_code=_exit_code(clean=clean, back=bool(back)),
        )

    def _nothing_to_do(self, reviewed: Plan, outcomes: Sequence[Outcome]) -> HostReport:
        """The report of a job that deletes nothing: its plan must be empty now."""
        left = make_plan(self.fresh.get(PLANNED_PARTS), self.job).changes
        named = "; ".join(f"{c.step}: {c.detail}" for c in left)
        return HostReport(
            host=reviewed.host,
            result=Result.FAILED if left else self.job.result,
            findings=reviewed.findings,
            outcomes=tuple(outcomes),
            error=f"still to be done: {named}" if left else None,
            remedy="run again" if left else None,
            exit_code=ExitCode.FAILED if left else ExitCode.SUCCESS,
        )

    def _inspect(self) -> HostReport:
        facts = self.fresh.get(PLANNED_PARTS)
        return inspect(facts, make_plan(facts, self.job))


def _error(found: HostReport, back: list[Leftover]) -> str:
    """The leftovers by name; without any, the guards that doubt."""
    if not found.leftovers:
        return found.error or "not verified"
    named = "; ".join(f"{t.kind} {t.target}: {t.detail}" for t in back or found.leftovers)
    return f"{'came back' if back else 'still there'}: {named}"


def _remedy(found: HostReport, back: list[Leftover]) -> str | None:
    if back:
        return "something starts nova-compute again: disable or mask its unit, then run again"
    return "; ".join(dict.fromkeys(t.remedy for t in found.leftovers)) or found.remedy


def _exit_code(*, clean: bool, back: bool) -> ExitCode:
    if clean:
        return ExitCode.SUCCESS
    return ExitCode.REAPPEARED if back else ExitCode.CHANGES
