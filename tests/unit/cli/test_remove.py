# SPDX-License-Identifier: Apache-2.0
"""What remove, plan, verify and list make of facts and reports; no cloud is needed for it."""

from __future__ import annotations

from datetime import datetime

import pytest

from nova_decom.cli import list as list_module
from nova_decom.cli import plan as plan_module
from nova_decom.cli import run as remove
from nova_decom.cli.hosts import named
from nova_decom.cli.settings import resolve
from nova_decom.errors import ConfigurationError
from nova_decom.exit_codes import ExitCode, combined
from nova_decom.model.change import Status
from nova_decom.model.report import HostReport, Result, not_begun, planned
from nova_decom.model.tables import ListReport
from nova_decom.output.json_envelope import envelope
from nova_decom.plan.jobs import REMOVE
from nova_decom.plan.planner import make_plan
from tests.envelope import validate
from tests.unit import build
from tests.unit.build import absent, database, facts, history, request

SERVER = {"servers": (build.server(),)}


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0], 0),
        ([0, 0], 0),
        ([4, 4], ExitCode.REFUSED),
        ([0, 4], ExitCode.PARTIAL),
        ([0, 1, 5], ExitCode.PARTIAL),
        ([130], 130),
        ([0, 130], 130),
        ([1, 143, 0], 143),
        ([143, 130], 130),
    ],
)
def test_many_hosts_have_one_exit_code(codes, expected):
    """An interrupt's, else the one they share, else 6."""
    assert combined(codes) == expected


@pytest.mark.parametrize(
    ("state", "result", "code"),
    [
        (facts(**SERVER), Result.REFUSED, ExitCode.REFUSED),
        (absent(), Result.REFUSED, ExitCode.REFUSED),
        (
            facts(database=database(problems=("read-only",))),
            Result.REFUSED,
            ExitCode.UNAVAILABLE,
        ),
        (
            facts(database=database(problems=("read-only",)), **SERVER),
            Result.REFUSED,
            ExitCode.REFUSED,
        ),
        (absent(was_known=True), Result.UNCHANGED, ExitCode.SUCCESS),
        (absent(request=request(absent_ok=True)), Result.UNCHANGED, ExitCode.SUCCESS),
        (absent(was_known=True, agents=(build.agent(),)), Result.LEFTOVERS, ExitCode.CHANGES),
    ],
)
def test_a_host_on_which_nothing_is_done_is_told_all_the_same(state, result, code):
    """Refused, unchanged, or left over: with the code that fits; and nothing was changed."""
    report = remove._without_changes(make_plan(state), state, REMOVE)

    assert (report.result, report.exit_code, report.changed) == (result, code, False)


@pytest.mark.parametrize(
    ("result", "code", "on_failure", "ends"),
    [
        (Result.REMOVED, 0, "stop", False),
        (Result.FAILED, 1, "stop", True),
        (Result.LEFTOVERS, 3, "stop", True),
        (Result.FAILED, 1, "continue", False),
        (Result.INTERRUPTED, 130, "continue", True),
    ],
)
def test_a_failed_host_ends_the_run_unless_told_otherwise(result, code, on_failure, ends):
    """An interrupt always does."""
    report = HostReport("node1", result, exit_code=code)

    settings = resolve({"on_failure": on_failure}, {})

    assert remove._is_end(report, settings, make_plan(facts())) is ends


@pytest.mark.parametrize(("home", "ends"), [(None, False), ("node2", False), ("node1", True)])
def test_servers_that_partial_leaves_end_no_other_host(home, ends):
    """The other hosts are emptied too; but to a host that is not enabled nothing comes back."""
    report = HostReport("node1", Result.FAILED, exit_code=ExitCode.FAILED)
    plan = make_plan(facts(request=request(partial=True, home=home)))

    assert remove._is_end(report, resolve({}, {}), plan) is ends


def test_a_host_that_was_not_begun_is_told_with_the_way_on():
    """Its changes are pending, and nothing of it was touched."""
    report = not_begun(make_plan(facts()))

    assert {o.status for o in report.outcomes} == {Status.PENDING}
    assert (report.changed, report.exit_code) == (False, ExitCode.FAILED)
    assert "--on-failure continue" in report.remedy


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([absent(was_known=True)], ExitCode.SUCCESS),
        ([absent(was_known=True), history()], ExitCode.CHANGES),
        ([facts()], ExitCode.CHANGES),
        ([facts(), facts(**SERVER)], ExitCode.REFUSED),
    ],
)
def test_a_detailed_exit_code(states, code):
    """4 when a guard blocks, else 3 when there are changes, else 0."""
    assert plan_module._detailed([planned(make_plan(s)) for s in states]) == code


MIXED = database(
    services=(build.service_row(), build.service_row(2, uuid="old", deleted=2)),
)
ROWS = [
    (
        facts(
            servers=(build.server(), build.server("b"), build.server("c", status="ERROR")),
            migrations=(build.migration(),),
            database=MIXED,
        ),
        {
            "host": "node1",
            "status": "enabled",
            "state": "up",
            "heartbeat": None,
            "zone": "nova",
            "compute_nodes": ["node1"],
            "servers": {"ACTIVE": 2, "ERROR": 1},
            "migrations": 1,
            "rows_live": 2,
            "rows_deleted": 1,
            "verdict": "blocked: servers-present, migrations-active",
        },
    ),
    (
        absent(was_known=True, database=None),
        {
            "host": "node1",
            "status": None,
            "state": None,
            "heartbeat": None,
            "zone": None,
            "compute_nodes": [],
            "servers": {},
            "migrations": 0,
            "rows_live": None,
            "rows_deleted": None,
            "verdict": "removable",
        },
    ),
]


@pytest.mark.parametrize(("state", "expected"), ROWS, ids=["busy", "nothing known"])
def test_a_row_of_the_list(state, expected):
    """What an operator wants to know of a host at a glance; it fits the schema."""
    row = list_module._row(state)

    document = envelope(ListReport("list", 0, rows=(row,)))
    assert document["hosts"] == [expected]
    validate(document)


def test_a_host_named_twice_is_looked_at_once():
    """In the order in which they were named."""
    assert named(("b", "a", "b")) == ("b", "a")


@pytest.mark.parametrize("host", ["", "a" * 256, "x\0y", "\udcff", "\U0001f427"], ids=ascii)
def test_what_nova_cannot_have_as_a_name_is_refused(host):
    """It would be cut, or be an error of the database."""
    with pytest.raises(ConfigurationError, match="cannot be the name of a host") as raised:
        named(("node1", host))

    assert raised.value.remedy == "nova-decom list shows the names"


@pytest.mark.parametrize("host", ["a" * 255, "n\u00f6de", "\uffff", "a b", "%"], ids=ascii)
def test_what_nova_can_have_as_a_name_is_taken_as_it_is(host):
    """Nothing is trimmed, folded or guessed."""
    assert named((host,)) == (host,)


def test_hosts_are_told_in_the_order_in_which_they_were_given():
    """Whichever ended first."""
    reports = [remove.HostReport(name, Result.REMOVED) for name in ("b", "c", "a")]

    assert [r.host for r in remove.in_order(("c", "a", "b"), reports)] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("now", "until", "seconds"),
    [("22:00", "04:30", 6.5 * 3600), ("03:59", "4:00", 60), ("04:00", "04:00", 0)],
)
def test_the_end_of_a_window_is_the_next_time_of_that_name(now, until, seconds):
    """After midnight too."""
    at = datetime.fromisoformat(f"2026-11-23T{now}:00+01:00")

    assert remove.seconds_until(until, at) == seconds


@pytest.mark.parametrize("time", ["24:00", "4", "04:60", "270", "soon"])
def test_what_is_no_time_of_the_day_is_refused(time):
    """YAML reads 04:30 without quotes as 270."""
    with pytest.raises(ConfigurationError, match=r"until: .*such as 04:30"):
        resolve({}, {"until": time})
