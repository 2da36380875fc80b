# SPDX-License-Identifier: Apache-2.0
"""A plan: each step asked for its changes, over facts carried forward from step to step."""

from __future__ import annotations

from typing import Any

from nova_decom.exit_codes import ExitCode
from nova_decom.guards import judge
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan, Verdict
from nova_decom.model.report import HostReport, Result
from nova_decom.plan.jobs import REMOVE, Job
from nova_decom.plan.leftovers import kept, leftovers
from nova_decom.steps.disable_service import DisableService


def make_plan(facts: HostFacts, job: Job = REMOVE) -> Plan:
    """The findings about a host and every change that the job would make of it."""
    changes: list[Change] = []
    after = facts
    for step in job.steps:
        for change in tuple(step.changes(after)):
            changes.append(change)
            after = step.after(change, after)
    if facts.is_disabled and all(c.step == DisableService.name for c in changes):
        # To claim a host for which nothing else is to be done is no work.
        changes, after = [], facts
    findings = judge(facts, job.guards)
    may_begin = all(f.verdict is not Verdict.BLOCKED for f in findings)
    return Plan(
        host=facts.host,
        findings=findings,
        changes=tuple(changes),
        leftovers=leftovers(after) if may_begin and job is REMOVE else (),
        kept=kept(after) if job is REMOVE else (),
        result=after,
        unchecked=facts.unchecked,
    )


def planned(plan: Plan) -> HostReport:
    """A plan as a report: nothing was done yet."""
    return HostReport(
        host=plan.host,
        result=Result.PLANNED,
        findings=plan.findings,
        outcomes=tuple(Outcome(c, Status.PLANNED) for c in plan.changes),
        leftovers=plan.leftovers,
        kept=plan.kept,
        unchecked=plan.unchecked,
    )


def refused(plan: Plan) -> HostReport:
    """A plan that a guard forbids, as a report."""
    return refused_by(plan, plan.blocked)


def refused_by(plan: Plan, blocked: tuple[Any, ...]) -> HostReport:
    """A plan that these findings forbid, as a report."""
    return HostReport(
        host=plan.host,
        result=Result.REFUSED,
        findings=plan.findings,
        outcomes=tuple(Outcome(c, Status.PENDING) for c in plan.changes),
        kept=plan.kept,
        error="; ".join(f"{f.guard}: {f.message}" for f in blocked),
        remedy="; ".join(f.remedy for f in blocked if f.remedy) or None,
        exit_code=ExitCode.REFUSED,
    )
