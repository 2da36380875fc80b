# SPDX-License-Identifier: Apache-2.0
"""The runner of changes when a bug ends a host."""

from __future__ import annotations

from nova_decom.apply.change_runner import ChangeRunner
from nova_decom.apply.observers import NullProgress
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Change, Status
from nova_decom.model.report import Result
from nova_decom.plan.planner import make_plan
from tests.unit.build import facts
from tests.unit.fake import FakeJournal
from tests.unit.world import Time


def runner(journal):
    """A runner of node1's changes."""
    return ChangeRunner("node1", journal, NullProgress(), Time().clock)


def test_a_bug_is_a_failed_report_that_asks_to_be_reported():
    """Exit code 70; no change was begun, so none is reported as made."""
    report = runner(FakeJournal()).failed(make_plan(facts()), ValueError("x"))

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.BUG)
    assert "unexpected ValueError: x" in report.error
    assert not report.changed


def test_a_change_that_a_bug_has_cut_off_may_have_been_made():
    """Its outcome is not known: it is pending, in the journal too, and the host has changed."""
    journal, plan = FakeJournal(), make_plan(facts())
    changes = runner(journal)
    changes.begin(plan.changes[0])
    report = changes.failed(plan, ValueError("x"))

    assert report.outcomes[0].status is Status.PENDING
    assert report.outcomes[0].begun
    assert report.changed
    assert [kind for kind, _ in journal.events] == ["started", "pending"]


def test_a_change_is_begun_once():
    """A change that has ended is not ended again by a later bug."""
    journal, change = FakeJournal(), Change("s", "a", "t", "d")
    changes = runner(journal)
    changes.run(change, lambda: None, lambda: None)
    changes.failed(make_plan(facts()), ValueError("x"))

    assert [kind for kind, _ in journal.events] == ["started", "done"]


class Broken(FakeJournal):
    """A journal with a bug in its code."""

    def event(self, kind, **_data):
        """Fail with an error that is none of ours."""
        raise RuntimeError(kind)


def test_a_bug_in_the_journal_loses_no_outcome():
    """The report has what was begun, whatever cannot be written down."""
    changes, plan = runner(FakeJournal()), make_plan(facts())
    changes.begin(plan.changes[0])
    changes.journal = Broken()
    report = changes.record(changes.failed(plan, ValueError("x")))

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.BUG)
    assert "unexpected RuntimeError: result" in report.error
    assert report.changed
