# SPDX-License-Identifier: Apache-2.0
"""A restore carried out: each change still needed before, there after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.apply.interrupts import Interrupts
from nova_decom.errors import ChangeFailedError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.report import Result
from nova_decom.model.sql import API_DATABASE
from nova_decom.restore.executor import RestoreExecutor
from nova_decom.restore.plan import plan_restore
from tests.unit import build
from tests.unit.fake import FakeJournal
from tests.unit.removed import (
    CLAIM,
    DONE,
    RUN,
    SERVICE_ROW,
    FakeRestoringCloud,
    past,
    present,
    rows_of,
)

TAKEN = rows_of(build.CELL, "services", SERVICE_ROW | {"id": 9, "uuid": "new", "deleted": 0})


class Process:
    """One process that plans and carries out."""

    def __init__(self, cloud=None, **what):
        """Make the plan that is reviewed."""
        self.cloud = cloud or FakeRestoringCloud()
        self.past = past(**what)
        self.plan = plan_restore(self.past, self.cloud.now)
        self.journal = FakeJournal()
        self.interrupts = Interrupts()
        self.restoration = RestoreExecutor(self.cloud, self.journal, interrupts=self.interrupts)

    def go(self):
        """Carry it out."""
        return self.restoration.run(self.past, self.plan)

    def statuses(self):
        """How each change ended."""
        return [kind for kind in self.journal.kinds if kind in {*Status}]


def test_everything_is_put_back_once():
    """In order; the second plan is empty, and the journal tells each change."""
    process = Process()

    report = process.go()

    assert process.cloud.writes == [f"run {API_DATABASE}", f"run {build.CELL}", "add node1 to 5"]
    assert (report.result, report.exit_code, report.changed) == (Result.RESTORED, 0, True)
    assert process.journal.kinds == ["findings", *["started", "done"] * 3, "result"]
    assert [o.request_id for o in report.outcomes] == [None, None, "req-1"]
    assert plan_restore(process.past, process.cloud.now).changes == ()
    assert report.to_do


def test_what_is_there_meanwhile_is_not_put_back_twice():
    """Somebody else was faster."""
    process = Process()
    process.cloud.now = replace(process.cloud.now, aggregates=(build.aggregate(),))

    assert process.go().result is Result.RESTORED

    assert process.statuses() == [Status.DONE, Status.DONE, Status.NOT_NEEDED]


def test_what_is_left_is_told():
    """Exit 3: a row was refused, the rest is back."""
    report = Process(FakeRestoringCloud(present(TAKEN))).go()

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.CHANGES)
    assert "services 3: its place is taken" in report.error
    assert report.remedy


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_failure_ends_it_and_a_second_run_goes_on(number):
    """What was done stays told; what was not is pending."""
    process = Process()
    process.cloud.failures = {number: ChangeFailedError("no", "look")}

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert (report.error, report.remedy, report.changed) == ("no", "look", True)
    ends = [Status.DONE] * (number - 1) + [Status.FAILED] + [Status.PENDING] * (3 - number)
    assert [o.status for o in report.outcomes] == ends
    process.cloud.failures = {}
    assert Process(process.cloud).go().result is Result.RESTORED


def test_a_change_that_does_not_show_is_a_failure():
    """Nothing counts as done that was not read back."""
    process = Process()
    process.cloud.ignores = True

    report = process.go()

    assert report.result is Result.FAILED
    assert "was made, and is not to be seen" in report.error


def test_a_cloud_that_moved_on_is_not_written_to():
    """A change that nobody reviewed: a service that the restored one would stand beside."""
    process = Process(FakeRestoringCloud(present(TAKEN)))
    process.cloud.now = present()

    report = process.go()

    assert (report.result, report.exit_code) == (Result.REFUSED, ExitCode.STALE)
    assert report.remedy == f"look at a new plan: nova-decom restore {RUN} --dry-run"
    assert process.cloud.writes == []


def test_another_cloud_is_not_written_to():
    """The guards are asked again at the start."""
    process = Process()
    process.cloud.now = present(cells={"other": 1})

    report = process.go()

    assert (report.result, report.exit_code) == (Result.REFUSED, ExitCode.REFUSED)
    assert "same-cloud" in report.error
    assert process.cloud.writes == []


def test_an_interrupt_is_obeyed_between_changes():
    """130; the rest is pending."""
    process = Process()
    process.interrupts.ask(ExitCode.INTERRUPTED)

    report = process.go()

    assert (report.result, report.exit_code) == (Result.INTERRUPTED, ExitCode.INTERRUPTED)
    assert process.cloud.writes == []


@pytest.mark.parametrize("room", range(8))
def test_a_full_journal_ends_it(room):
    """Nothing is changed that cannot be written down; the report is true all the same."""
    process = Process()
    process.journal.room = room

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert (report.error, report.remedy) == ("the journal cannot be written", "make room")
    assert len(process.cloud.writes) == room // 2


@pytest.mark.parametrize(
    ("was", "reason", "written"),
    [
        ("enabled", None, f"enabled {build.SERVICE} None"),
        ("disabled", "older", f"disabled {build.SERVICE} older"),
        ("disabled", None, f"disabled {build.SERVICE} None"),
    ],
)
def test_the_state_of_a_service_is_put_back(was, reason, written):
    """After a run that came no further than to disable it."""
    now = build.facts(service=build.service(status="disabled", disabled_reason=CLAIM))
    service = build.service(status=was, disabled_reason=reason)
    process = Process(
        FakeRestoringCloud(present(facts=now)),
        before=build.facts(service=service),
        done=DONE[:1],
        saved=[],
    )

    assert process.go().result is Result.RESTORED

    assert process.cloud.writes == [written]
