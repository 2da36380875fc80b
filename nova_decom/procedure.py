# SPDX-License-Identifier: Apache-2.0
"""What derives from PROCEDURE without changing anything: a plan, and its verification.

A plan asks each step what is to be done, over facts carried forward from step to step.
Verification is a plan over fresh facts that must be empty. :mod:`nova_decom.execution` asks
before each change (still needed?) and after it (gone?); running again is execution again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nova_decom.errors import StalePlanError
from nova_decom.exit_codes import ExitCode
from nova_decom.guards import GUARDS, OWN_DISABLE, Guard, judge
from nova_decom.leftovers import kept, leftovers
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan, Verdict
from nova_decom.model.report import HostReport, Result
from nova_decom.readd import NOT_OURS, safe_to_readd
from nova_decom.steps import PROCEDURE, Step
from nova_decom.steps.disable_service import DisableService
from nova_decom.steps.enable_service import EnableService
from nova_decom.steps.move_servers import MoveServers

#: Guards that say nothing about whether a host is gone.
HARMLESS = {"host-known", "last-host", "fleet-healthy", "blast-radius", "capacity"}


@dataclass(frozen=True, slots=True)
class Job:
    """What a command does to a host: its steps and guards, and how a host ends that is done.

    ``asks`` when nothing may happen that nobody has confirmed.
    """

    name: str
    steps: tuple[Step, ...]
    guards: tuple[Guard, ...]
    result: Result
    asks: bool = True


def _guards(*names: str) -> tuple[Guard, ...]:
    by_name = {guard.name: guard for guard in GUARDS}
    return tuple(by_name[name] for name in names)


REMOVE = Job("remove", PROCEDURE, GUARDS, Result.REMOVED)
#: Steps 1 and 2 only, for maintenance: nothing is deleted, so fewer guards have a say.
DRAIN = Job(
    "drain",
    PROCEDURE[:2],
    _guards(
        *("host-known", "host-exact", "cells-answering", "fleet-healthy", "last-host"),
        *("blast-radius", "foreign-disable"),
        *("servers-present", "servers-movable", "capacity", "migrations-active"),
        *("service-alive", "ironic"),
    ),
    Result.DRAINED,
)
ENABLE = Job(
    "enable",
    (EnableService(),),
    (*_guards("host-known", "host-exact", "cells-answering"), OWN_DISABLE),
    Result.ENABLED,
    asks=False,
)


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


def verify(facts: HostFacts) -> HostReport:
    """Is anything left of it? The plan over fresh facts must be empty, and no trace be found."""
    plan = make_plan(facts)
    unknown = next(f for f in plan.findings if f.guard == "host-known")
    if unknown.verdict is Verdict.BLOCKED:
        return _refused(plan, (unknown,))
    return inspect(facts, plan)


def inspect(facts: HostFacts, plan: Plan) -> HostReport:
    """What is left of a host that is known to have been there; whether its name can come back."""
    traces = leftovers(facts)
    doubts = [f for f in plan.blocked if f.guard not in HARMLESS]
    clean = not traces and not plan.changes and not doubts
    return HostReport(
        host=facts.host,
        result=Result.CLEAN if clean else Result.LEFTOVERS,
        findings=plan.findings,
        outcomes=tuple(Outcome(c, Status.PENDING) for c in plan.changes),
        leftovers=traces,
        kept=kept(facts),
        unchecked=(*facts.unchecked, *NOT_OURS),
        readd=safe_to_readd(facts),
        error="; ".join(f"{f.guard}: {f.message}" for f in doubts) or None,
        remedy="; ".join(f.remedy for f in doubts if f.remedy) or None,
        exit_code=ExitCode.SUCCESS if clean else ExitCode.CHANGES,
    )


def refused(plan: Plan) -> HostReport:
    """A plan that a guard forbids, as a report."""
    return _refused(plan, plan.blocked)


def _refused(plan: Plan, blocked: tuple[Any, ...]) -> HostReport:
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


def check_still_fits(reviewed: Plan, present: Plan) -> None:
    """Compare a plan that somebody reviewed with what would be planned now.

    A change less is fine: an earlier run made it. A change more is not, but for servers that
    arrived since: that they leave was asked for, whichever they are.

    :raises StalePlanError: there is a change or an objection that the reviewed plan lacks.
    """
    seen = {c.key for c in reviewed.changes}
    news = [
        f"{c.step}: {c.detail}"
        for c in present.changes
        if c.key not in seen and c.step != MoveServers.name
    ]
    objections = {f.guard for f in reviewed.blocked}
    news += [f"{f.guard}: {f.message}" for f in present.blocked if f.guard not in objections]
    if news:
        raise StalePlanError(
            f"{present.host}: the cloud no longer fits the plan: {'; '.join(news)}",
            f"review a new plan: nova-decom plan {present.host}",
        )
