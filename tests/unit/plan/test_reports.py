# SPDX-License-Identifier: Apache-2.0
"""What a plan is as a report: planned, refused, inspected, stale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.errors import StalePlanError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Finding, Verdict
from nova_decom.model.report import HostReport, Result, planned, refused
from nova_decom.plan.leftovers import leftovers
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_stale
from nova_decom.verify.readd import NOT_OURS, safe_to_readd
from nova_decom.verify.verify import inspect
from tests.unit import build
from tests.unit.build import facts

#: Of everything that a report tells there is something.
RICH = facts(
    other_services=[build.conductor()],
    providers=(build.provider(), build.CHILD),
    allocations=(build.allocation("child"),),
    unchecked=("the other cell",),
)
FIRST = Finding("ironic", Verdict.BLOCKED, "one", "cure one")
SECOND = Finding("node-owner", Verdict.BLOCKED, "two")
THIRD = Finding("service-alive", Verdict.BLOCKED, "three", "cure three")
OBJECTIONS = (FIRST, Finding("capacity", Verdict.WARNING, "no", "none"), SECOND, THIRD)
BOTH = {
    "error": "ironic: one; node-owner: two; service-alive: three",
    "remedy": "cure one; cure three",
}


def outcomes(plan, status):
    """All of it, at this point."""
    return tuple(Outcome(change, status) for change in plan.changes)


def test_a_planned_report_tells_the_whole_plan():
    """What is to be done, what will be left, what stays, and what nobody looked at."""
    plan = make_plan(RICH)

    assert all((plan.changes, plan.leftovers, plan.kept, plan.unchecked))
    assert planned(plan) == HostReport(
        host="node1",
        result=Result.PLANNED,
        findings=plan.findings,
        outcomes=outcomes(plan, Status.PLANNED),
        leftovers=plan.leftovers,
        kept=plan.kept,
        unchecked=("the other cell",),
    )


def test_a_refused_report_tells_all_objections_and_each_cure():
    """Nothing was done; warnings are no reason to refuse."""
    plan = replace(make_plan(RICH), findings=OBJECTIONS)

    assert refused(plan) == HostReport(
        host="node1",
        result=Result.REFUSED,
        findings=OBJECTIONS,
        outcomes=outcomes(plan, Status.PENDING),
        kept=plan.kept,
        exit_code=ExitCode.REFUSED,
        **BOTH,
    )


def test_a_refused_report_without_a_cure_has_none():
    """An empty text would look like one."""
    assert refused(replace(make_plan(RICH), findings=(SECOND,))).remedy is None


def test_an_inspection_tells_all_that_is_left_and_all_doubts():
    """Also what is not ours to check, and whether the name can come back."""
    plan = replace(make_plan(RICH), findings=OBJECTIONS)

    assert inspect(RICH, plan) == HostReport(
        host="node1",
        result=Result.LEFTOVERS,
        findings=OBJECTIONS,
        outcomes=outcomes(plan, Status.PENDING),
        leftovers=leftovers(RICH),
        kept=plan.kept,
        unchecked=("the other cell", *NOT_OURS),
        readd=safe_to_readd(RICH),
        exit_code=ExitCode.CHANGES,
        **BOTH,
    )


def test_all_that_is_new_is_named():
    """Changes with what they do, then objections with what they saw."""
    reviewed = make_plan(facts())
    news = {"changes": (Change("s", "a", "t", "more"),), "findings": OBJECTIONS}

    with pytest.raises(StalePlanError) as raised:
        raise_if_stale(reviewed, replace(reviewed, **news))

    assert str(raised.value) == (
        f"node1: the cloud no longer fits the plan: s: more; {BOTH['error']}"
    )
