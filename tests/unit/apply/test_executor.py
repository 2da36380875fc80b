# SPDX-License-Identifier: Apache-2.0
"""Carrying out a plan: undisturbed, disturbed, and again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.errors import ChangeFailedError, UnavailableError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.report import Result
from nova_decom.model.request import Rows, StopWith
from nova_decom.plan.planner import make_plan
from tests.unit import build
from tests.unit.build import facts, history, request
from tests.unit.states import ALL_STATES
from tests.unit.world import World

DONE, FAILED, PENDING, NOT_NEEDED = Status.DONE, Status.FAILED, Status.PENDING, Status.NOT_NEEDED
#: States whose end this version of the procedure reaches without help.
CLEANED = {
    name: state
    for name, state in ALL_STATES.items()
    if not make_plan(state).leftovers and name != "stopped by the operator"
}
BLOCKED = [
    ("a server", {"servers": (build.server(),)}),
    ("a migration", {"migrations": (build.migration(),)}),
    ("no other host", {"fleet": build.fleet(build.service())}),
    ("a read-only database", {"database": build.database(problems=("read-only",))}),
]


PROOF = "nova-compute must not change for 20 s and nova must show it down"
BY_MACHINE = "the host must show that its process has ended"


def statuses(report):
    """The outcome of each change by step and action."""
    return [(o.change.step, o.change.action, o.status) for o in report.outcomes]


@pytest.mark.parametrize("state", CLEANED.values(), ids=CLEANED)
def test_an_undisturbed_run_ends_as_planned(run, state):
    """The host is removed, and what is there then is what the plan foretold."""
    world = World(state)
    process = run(world)

    report = process.go()

    assert (report.result, report.exit_code, report.error) == (
        Result.REMOVED,
        ExitCode.SUCCESS,
        None,
    )
    assert {o.status for o in report.outcomes} <= {DONE, NOT_NEEDED}
    assert world.truth == process.reviewed.result


@pytest.mark.parametrize("state", CLEANED.values(), ids=CLEANED)
def test_a_nova_that_resets_the_mapped_flag_itself_ends_the_same(run, state):
    """Since 30.2.1, 31.3.0 and 32.1.0; what it did already is not needed."""
    world = World(state)
    world.resets_mapped = True
    process = run(world)

    assert process.go().exit_code == ExitCode.SUCCESS
    assert world.truth == process.reviewed.result


@pytest.mark.parametrize("state", CLEANED.values(), ids=CLEANED)
def test_running_again_changes_nothing(run, state):
    """The second plan is empty, and nothing is written."""
    world = World(state)
    run(world).go()
    world.writes.clear()

    again = run(world, was_known=True)
    report = again.go()

    assert again.reviewed.changes == ()
    assert (report.changed, report.result, world.writes) == (False, Result.REMOVED, [])


def test_the_order_of_a_run(run):
    """Disabled first, deleted only when silent, rows last; then nothing may come back."""
    world = World(facts())
    process = run(world)

    process.go()

    assert world.writes == ["disable", "stop", "delete", "purge"]
    assert [told for told in process.told if told[-1] != "started"] == [
        ("disable-service", "disable", "done"),
        ("stop-service", "stop", "done"),
        ("waiting", f"the heartbeat of {PROOF}, or {BY_MACHINE}", 300.0),
        ("stop-service", "prove", "done"),
        ("delete-service", "delete", "done"),
        ("purge-rows", "delete", "done"),
        ("waiting", "nothing may come back", 60.0),
    ]


def test_a_machine_that_shows_the_end_of_nova_compute_is_not_waited_for(run):
    """Its heartbeat would prove less. What may come back is waited for as ever."""
    world = World(facts())
    world.sees_processes = True
    process = run(world)

    process.go()

    assert world.writes == ["disable", "stop", "delete", "purge"]
    assert [told for told in process.told if told[0] == "waiting"] == [
        ("waiting", "nothing may come back", 60.0)
    ]


def test_the_journal_tells_the_story(run):
    """What was seen, each change before and after, the end; the host's names before it goes."""
    process = run(World(facts()))

    process.go()

    changes = ["started", "done"] * 5
    assert process.journal.kinds == ["findings", "before", *changes, "result"]
    seen = process.journal.events[1][1]["facts"]
    assert [s["id"] for s in seen["services"]] == [build.SERVICE]
    assert [n["uuid"] for n in seen["compute_nodes"]] == [build.NODE]
    assert seen["host_mapping"] == {"id": 7, "cell": "uuid-of-cell1"}
    assert [(r["id"], r["deleted"]) for r in seen["rows"]["services"]] == [(3, 0)]
    assert [(r["id"], r["mapped"]) for r in seen["rows"]["compute_nodes"]] == [(8, 0)]
    assert seen["rows"]["cell"] == build.CELL
    assert [remembered.host for remembered in process.journal.remembered] == ["node1"]
    last = process.journal.events[-1][1]
    assert (last["host"], last["result"], last["exit_code"]) == ("node1", Result.REMOVED, 0)
    assert (last["error"], last["remedy"], last["leftovers"]) == (None, None, [])
    assert last["unchecked"]


def test_request_ids_reach_the_report(run):
    """Whoever looks in nova's log finds the calls."""
    report = run(World(facts())).go()

    assert [o.request_id for o in report.outcomes] == ["req-1", None, None, "req-3", None]


@pytest.mark.parametrize("news", [n for _, n in BLOCKED], ids=[case for case, _ in BLOCKED])
def test_a_blocked_guard_refuses_and_nothing_is_written(run, news):
    """Even when it was reviewed: an objection is an objection."""
    world = World(facts(**news))

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.REFUSED, ExitCode.REFUSED)
    assert {status for *_, status in statuses(report)} == {PENDING}
    assert (world.writes, report.changed) == ([], False)
    assert report.remedy


@pytest.mark.parametrize("news", [n for _, n in BLOCKED[:2]], ids=[c for c, _ in BLOCKED[:2]])
def test_an_objection_that_comes_after_the_review_makes_the_plan_stale(run, news):
    """Nobody has seen it, so nothing is written."""
    world = World(facts())
    process = run(world)
    world.change(**news)

    report = process.go()

    assert (report.exit_code, world.writes) == (ExitCode.STALE, [])


def test_a_change_more_than_reviewed_makes_the_plan_stale(run):
    """Rows that appeared since the review are not touched."""
    world = World(history())
    process = run(world)
    rows = world.truth.database
    world.change(
        database=replace(rows, services=(*rows.services, build.service_row(9, deleted=9)))
    )

    report = process.go()

    assert (report.result, report.exit_code) == (Result.REFUSED, ExitCode.STALE)
    assert "services 3 9" in report.error or "(3, 9)" in report.error
    assert world.writes == []


def test_a_change_less_than_reviewed_is_not_needed(run):
    """What somebody else did meanwhile is passed over, and told."""
    world = World(facts())
    process = run(world)
    claim = world.truth.request.claim
    world.change(services=(build.service(status="disabled", disabled_reason=claim),))

    report = process.go()

    assert statuses(report)[0] == ("disable-service", "disable", NOT_NEEDED)
    assert report.result is Result.REMOVED
    assert world.writes == ["stop", "delete", "purge"]


def test_a_server_that_lands_before_the_delete_stops_it(run):
    """The guards are asked again before anything that cannot be taken back."""
    world = World(facts())
    process = run(world)
    world.time.at(5, lambda: world.change(servers=(build.server(),)))

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert report.error.startswith("servers-present")
    assert world.writes == ["disable", "stop"]
    assert statuses(report)[-2:] == [
        ("delete-service", "delete", PENDING),
        ("purge-rows", "delete", PENDING),
    ]


def test_rows_that_appear_during_the_run_are_not_in_the_plan(run):
    """A second row of the service stops the run before the purge."""
    world = World(facts())
    process = run(world)
    rows = world.truth.database
    older = replace(rows, services=(*rows.services, build.service_row(2, uuid="old", deleted=2)))
    world.time.at(5, lambda: world.change(database=older))

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert report.error.startswith("node1: not in the plan: SELECT")
    assert "purge" not in world.writes


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ChangeFailedError("HTTP 500", "look"), ExitCode.FAILED),
        (UnavailableError("no answer", "look"), ExitCode.UNAVAILABLE),
    ],
)
def test_a_failed_change_ends_the_run(run, number, failure, code):
    """It is told with its error and cure; what would have come after is pending."""
    world = World(facts())
    world.fail(number, failure)

    report = run(world).go()

    tried = [status for *_, status in statuses(report) if status is not DONE]
    assert tried[0] is FAILED
    assert set(tried[1:]) <= {PENDING}
    assert (report.result, report.exit_code) == (Result.FAILED, code)
    assert (report.error, report.remedy) == (str(failure), "look")
    assert len(world.writes) == number


def test_a_second_host_starts_with_a_clean_sheet(run):
    """Outcomes of one host never show up in the report of the next."""
    world = World(facts())
    process = run(world)
    process.go()

    report = process.go(make_plan(world.truth))

    assert report.outcomes == ()


@pytest.mark.parametrize("state", [facts(database=None), facts(request=request(rows=Rows.KEEP))])
def test_without_purging_a_run_ends_at_the_delete(run, state):
    """No database, or rows that are to stay: the API part is all there is."""
    world = World(state)

    assert run(world).go().result is Result.REMOVED
    assert world.writes == ["disable", "stop", "delete"]


def test_a_host_that_the_operator_stops_is_waited_for(run):
    """--stop-with none writes nothing on the host; the heartbeat tells when it is done."""
    world = World(facts(request=request(stop_with=StopWith.NONE)))
    world.time.at(120, world.fall_silent)

    report = run(world).go()

    assert report.result is Result.REMOVED
    assert world.writes == ["disable", "delete", "purge"]
