# SPDX-License-Identifier: Apache-2.0
"""Verification: the plan over fresh facts must be empty, and no trace may be left."""

from __future__ import annotations

from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Outcome, Status
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan, Verdict
from nova_decom.model.report import HostReport, Result
from nova_decom.plan.leftovers import kept, leftovers
from nova_decom.plan.planner import make_plan, refused_by
from nova_decom.verify.readd import NOT_OURS, safe_to_readd

#: Guards that say nothing about whether a host is gone.
HARMLESS = {"host-known", "last-host", "fleet-healthy", "blast-radius", "capacity"}


def verify(facts: HostFacts) -> HostReport:
    """Is anything left of it? The plan over fresh facts must be empty, and no trace be found."""
    plan = make_plan(facts)
    unknown = next(f for f in plan.findings if f.guard == "host-known")
    if unknown.verdict is Verdict.BLOCKED:
        return refused_by(plan, (unknown,))
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
