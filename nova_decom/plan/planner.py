# SPDX-License-Identifier: Apache-2.0
"""A plan: the changes of each step, over the facts that the steps before it leave."""

from __future__ import annotations

from nova_decom.guards import judge
from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan, Verdict
from nova_decom.model.sql import Transaction
from nova_decom.plan.jobs import REMOVE, Job
from nova_decom.plan.leftovers import kept, leftovers


def make_plan(facts: HostFacts, job: Job = REMOVE, *, only_verdict: bool = False) -> Plan:
    """The findings about a host and every change that the job would make.

    With ``only_verdict``, a host that a guard blocks gets no changes: they decide nothing then.
    """
    job = job.on(facts)
    findings = judge(facts, job.guards)
    may_begin = all(f.verdict is not Verdict.BLOCKED for f in findings)
    if only_verdict and not may_begin:
        return Plan(facts.host, findings, (), (), (), facts, facts.unchecked)
    changes, after = _changes(facts, job)
    claiming = {step.name for step in job.steps if step.writes_claim}
    if facts.is_disabled and all(c.step in claiming for c in changes):
        # A claim serves the changes after it: alone, it would only replace the reason.
        changes, after = [], facts
    return Plan(
        host=facts.host,
        findings=findings,
        changes=tuple(changes),
        leftovers=leftovers(after) if may_begin and job.deletes else (),
        kept=kept(after) if job.deletes else (),
        result=after,
        unchecked=facts.unchecked,
    )


def transactions_of(facts: HostFacts, job: Job = REMOVE) -> tuple[Transaction, ...]:
    """The database transactions of the plan."""
    changes, _ = _changes(facts, job)
    return tuple(c.transaction for c in changes if c.transaction is not None)


def _changes(facts: HostFacts, job: Job) -> tuple[list[Change], HostFacts]:
    """Every change, and the facts expected after them."""
    changes: list[Change] = []
    for step in job.steps:
        for change in tuple(step.changes(facts)):
            changes.append(change)
            facts = step.after(change, facts)
    return changes, facts
