# SPDX-License-Identifier: Apache-2.0
"""Planning, and verifying by planning again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.apply.observers import NullProgress
from nova_decom.errors import StalePlanError
from nova_decom.exit_codes import ExitCode
from nova_decom.guards import GUARDS
from nova_decom.model.change import Change, Status
from nova_decom.model.plan import Finding, Verdict
from nova_decom.model.report import Result, planned, refused
from nova_decom.model.request import Part, Rows, StopWith
from nova_decom.plan.jobs import REMOVE
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_stale
from nova_decom.steps.delete_service import DeleteService
from nova_decom.verify.verify import inspect, verify
from tests.unit import build
from tests.unit.build import SERVICE, absent, facts, history, request

PURGE = ("purge-rows", "delete", "cell1: compute_nodes 8, services 3")
ALL = [
    ("disable-service", "disable", SERVICE),
    ("stop-service", "stop", "node1"),
    ("stop-service", "prove", SERVICE),
    ("delete-service", "delete", SERVICE),
    PURGE,
]
BLOCKED = facts(servers=(build.server(),))
#: what is the case, facts, the changes of the plan
PLANS = [
    ("in order", facts(), ALL),
    ("disabled", facts(service=build.service(status="disabled")), ALL),
    ("offline", build.REMOVABLE["dead and offline"], [ALL[0], *ALL[2:]]),
    ("no database", facts(database=None), ALL[:-1]),
    ("rows kept", facts(request=request(rows=Rows.KEEP)), ALL[:-1]),
    ("stopped by hand", facts(request=request(stop_with=StopWith.NONE)), [ALL[0], *ALL[2:]]),
    ("history", history(), [PURGE]),
    ("absent", absent(), []),
    ("blocked", BLOCKED, ALL),
]


@pytest.mark.parametrize(
    ("state", "changes"), [pytest.param(s, changes, id=case) for case, s, changes in PLANS]
)
def test_plan(state, changes):
    """A plan asks each step in order, of the facts as the steps before will leave them."""
    plan = make_plan(state)

    assert [(c.step, c.action, c.target) for c in plan.changes] == changes


def test_a_plan_promises_no_work_that_novas_own_delete_does():
    """The provider, the node and the memberships go with the service."""
    state = facts(aggregates=(build.aggregate(),), providers=(build.provider(), build.CHILD))

    plan = make_plan(state)

    assert (plan.result.providers, plan.result.aggregates, plan.result.compute_nodes) == (
        (),
        (),
        (),
    )
    assert plan.leftovers == ()


def test_a_plan_foretells_what_it_would_leave():
    """An allocation on the provider survives nova's delete, and the provider with it."""
    plan = make_plan(build.REMOVABLE["provider stuck on an allocation"])

    assert [trace.kind for trace in plan.leftovers] == [
        "allocation",
        "resource-provider",
        "resource-provider",
    ]


def test_a_blocked_plan_foretells_nothing():
    """It will not be carried out, so there is no end to foretell."""
    assert make_plan(BLOCKED).leftovers == ()


def test_a_verdict_alone_is_that_of_the_plan():
    """A blocked host is not planned for it; one that may be removed is."""
    plan = make_plan(BLOCKED)
    assert plan.changes
    assert make_plan(BLOCKED, only_verdict=True).findings == plan.findings
    assert make_plan(BLOCKED, only_verdict=True).changes == ()
    assert make_plan(facts(), only_verdict=True) == make_plan(facts())


def test_a_plan_can_be_made_with_other_steps():
    """A job is data: its steps, its guards."""
    plan = make_plan(facts(), replace(REMOVE, steps=(DeleteService(),)))

    assert [c.step for c in plan.changes] == ["delete-service"]


def test_a_planned_report_changes_nothing():
    """Every change is planned, and the report says that nothing was changed."""
    report = planned(make_plan(facts()))

    assert report.result is Result.PLANNED
    assert {o.status for o in report.outcomes} == {Status.PLANNED}
    assert (report.changed, report.exit_code) == (False, ExitCode.SUCCESS)


def test_a_refused_report_names_guards_and_cures():
    """What blocks is the error; what would resolve it is the remedy."""
    report = refused(make_plan(BLOCKED))

    assert (report.result, report.exit_code) == (Result.REFUSED, ExitCode.REFUSED)
    assert report.error.startswith("servers-present: 1 server on the host")
    assert report.remedy.startswith("move or delete them")
    assert {o.status for o in report.outcomes} == {Status.PENDING}
    assert not report.changed


@pytest.mark.parametrize(
    ("state", "result", "code"),
    [
        (facts(), Result.LEFTOVERS, ExitCode.CHANGES),
        (history(), Result.LEFTOVERS, ExitCode.CHANGES),
        (absent(was_known=True), Result.CLEAN, ExitCode.SUCCESS),
        (absent(was_known=True, agents=(build.agent(),)), Result.LEFTOVERS, ExitCode.CHANGES),
        (absent(), Result.REFUSED, ExitCode.REFUSED),
        (absent(request=request(absent_ok=True)), Result.CLEAN, ExitCode.SUCCESS),
        (absent(was_known=True, database=None), Result.CLEAN, ExitCode.SUCCESS),
    ],
)
def test_verify(state, result, code):
    """Clean means that nothing is to be done and no trace is found; a typing error is neither."""
    report = verify(state)

    assert (report.result, report.exit_code, report.changed) == (result, code, False)


SILENT_CELL = build.fleet(build.neighbour(id=None, status="UNKNOWN"))


def test_a_host_that_nobody_can_look_at_is_not_clean():
    """Nothing is seen of it, and a guard says why that proves nothing."""
    report = verify(absent(was_known=True, fleet=SILENT_CELL))

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.CHANGES)
    assert (report.leftovers, report.outcomes) == ((), ())
    assert report.error.startswith("cells-answering: 1 compute service entries")
    assert report.remedy == "bring the cell's database back and run again"


HARMLESS = {"host-known", "last-host", "fleet-healthy", "blast-radius", "capacity"}


@pytest.mark.parametrize("guard", [guard.name for guard in GUARDS])
def test_guards_that_say_nothing_about_traces_do_not_make_a_host_unclean(guard):
    """An unknown name, or the last host of a zone, is as gone as any other."""
    state = absent()
    plan = replace(make_plan(state), findings=(Finding(guard, Verdict.BLOCKED, "so it is"),))

    report = inspect(state, plan)

    if guard in HARMLESS:
        assert (report.result, report.error, report.remedy) == (Result.CLEAN, None, None)
    else:
        assert (report.result, report.error) == (Result.LEFTOVERS, f"{guard}: so it is")


def test_verify_without_a_database_says_so():
    """It claims no more than the API can see."""
    report = verify(absent(was_known=True, database=None))

    warning = next(f for f in report.findings if f.guard == "database-access")
    assert warning.verdict is Verdict.WARNING
    assert "database not checked" in warning.message


@pytest.mark.parametrize("missing", range(len(ALL)))
def test_a_change_less_than_reviewed_is_fine(missing):
    """Somebody, or an earlier run, made it."""
    reviewed = make_plan(facts())
    present = replace(
        reviewed,
        changes=tuple(c for n, c in enumerate(reviewed.changes) if n != missing),
    )

    raise_if_stale(reviewed, present)


NEWS = [
    ("another change", {"changes": (*make_plan(facts()).changes, Change("s", "a", "t", "more"))}),
    (
        "other rows",
        {"changes": (*make_plan(facts()).changes[:-1], Change(*PURGE, "more", rows=3))},
    ),
    ("an objection", {"findings": (Finding("ironic", Verdict.BLOCKED, "more"),)}),
]


@pytest.mark.parametrize("news", [n for _, n in NEWS], ids=[case for case, _ in NEWS])
def test_anything_more_than_reviewed_is_stale(news):
    """Nobody has seen it, so it is named and nothing is done."""
    reviewed = make_plan(facts())

    with pytest.raises(StalePlanError, match=r"no longer fits the plan: .*more") as raised:
        raise_if_stale(reviewed, replace(reviewed, **news))

    assert raised.value.remedy == "review a new plan: nova-decom plan node1"


def test_a_server_that_came_since_the_review_is_no_news():
    """That all of them leave was asked for."""
    reviewed = make_plan(facts())
    late = Change("move-servers", "move", "id-of-late", "live-migrate it")

    raise_if_stale(reviewed, replace(reviewed, changes=(*reviewed.changes, late)))


def test_an_objection_that_was_reviewed_is_not_news():
    """It still blocks, but the plan is not stale."""
    raise_if_stale(make_plan(BLOCKED), make_plan(BLOCKED))


def test_silence_is_golden():
    """Without a progress nobody is told."""
    change = make_plan(facts()).changes[0]

    assert NullProgress().change("node1", change, "started") is None
    assert NullProgress().waiting("node1", "nothing", 1.0) is None


def test_parts_that_planning_reads_leave_the_host_alone():
    """A plan asks neither the unit on the host nor the heartbeats by themselves."""
    from nova_decom.registrars import PLANNED_PARTS

    assert set(Part) - PLANNED_PARTS == {Part.UNIT, Part.HEARTBEATS}
