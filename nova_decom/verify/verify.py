# SPDX-License-Identifier: Apache-2.0
"""Verification: the plan over fresh facts must be empty, and no trace may be left."""

from __future__ import annotations

from nova_decom.exit_codes import ExitCode
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan, Verdict
from nova_decom.model.report import HostReport, Result, messages, pending, refused, remedies
from nova_decom.plan.leftovers import kept, leftovers
from nova_decom.plan.planner import make_plan
from nova_decom.verify.readd import NOT_OURS, safe_to_readd

#: Guards whose verdict does not matter for a host that is gone.
HARMLESS = {"host-known", "last-host", "fleet-healthy", "blast-radius", "capacity"}


def verify(facts: HostFacts) -> HostReport:
    """The report on a host: clean when the plan over fresh facts is empty and it has no trace."""
    plan = make_plan(facts)
    unknown = next(f for f in plan.findings if f.guard == "host-known")
    if unknown.verdict is Verdict.BLOCKED:
        return refused(plan, (unknown,))
    return inspect(facts, plan)


def inspect(facts: HostFacts, plan: Plan) -> HostReport:
    """The traces of a known host, and whether its name can be added again."""
    traces = leftovers(facts)
    doubts = [f for f in plan.blocked if f.guard not in HARMLESS]
    clean = not traces and not plan.changes and not doubts
    return HostReport(
        host=facts.host,
        result=Result.CLEAN if clean else Result.LEFTOVERS,
        findings=plan.findings,
        outcomes=pending(plan.changes),
        leftovers=traces,
        kept=kept(facts),
        unchecked=(*facts.unchecked, *NOT_OURS),
        readd=safe_to_readd(facts),
        error=messages(doubts) or None,
        remedy=remedies(doubts),
        exit_code=ExitCode.SUCCESS if clean else ExitCode.CHANGES,
    )
