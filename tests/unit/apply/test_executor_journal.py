# SPDX-License-Identifier: Apache-2.0
"""Nothing is changed that cannot be written down, and what was changed is told all the same."""

from __future__ import annotations

import pytest

from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Result
from tests.unit.build import facts
from tests.unit.world import World

#: findings, what was there, five changes begun and ended, the result
EVENTS = 2 + 5 * 2 + 1


def test_an_undisturbed_run_writes_so_many_events(run):
    """The other tests of this file go through all of them."""
    process = run(World(facts()))

    process.go()

    assert len(process.journal.events) == EVENTS


@pytest.mark.parametrize("room", range(EVENTS))
def test_a_full_journal_ends_the_run_with_a_true_report(run, room):
    """The change in hand is the last one, and the report says what was done."""
    world = World(facts())
    process = run(world)
    process.journal.room = room

    report = process.go()

    begun = [d for kind, d in process.journal.events if kind == "started"]
    written = [d for d in begun if d["action"] != "prove"]
    assert len(world.writes) == len(written)
    assert report.changed is bool(world.writes)
    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert (report.error, report.remedy) == ("the journal cannot be written", "make room")


def test_a_run_ended_by_a_full_journal_goes_on_when_there_is_room(run):
    """The cloud says what is done."""
    world = World(facts())
    process = run(world)
    process.journal.room = 8
    process.go()

    report = run(world, was_known=True).go()

    assert report.result is Result.REMOVED
    assert world.truth == process.reviewed.result
