# SPDX-License-Identifier: Apache-2.0
"""Looks at a host: what one look has shown is not asked for again, what may have changed is."""

from __future__ import annotations

import itertools

import pytest

from nova_decom.apply.refresh import FRESH, FreshFacts
from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.clock import LONG_AGO
from nova_decom.errors import UnavailableError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.claim import EFFECTIVE_AFTER
from nova_decom.model.machine import SystemdUnit
from nova_decom.model.report import Result
from nova_decom.model.request import Part, StopWith
from nova_decom.registrars import PLANNED_PARTS
from tests.unit.build import database, facts, request
from tests.unit.world import Time, World

SERVICES, BEATS, ROWS = Part.SERVICES, Part.HEARTBEATS, Part.DATABASE
DELETE = frozenset({SERVICES, BEATS, ROWS, Part.SERVERS, Part.ALLOCATIONS})


class Cloud:
    """Tells how often it was asked, and for what; each look takes a while."""

    def __init__(self, time, takes=0.0):
        """Nobody asked yet."""
        self.time, self.takes = time, takes
        self.asked = []
        self.host = facts()

    def refresh(self, _host, parts):
        """Something else each time."""
        self.asked.append(set(parts))
        self.time.sleep(self.takes)
        self.host = facts(unit=SystemdUnit(f"look {len(self.asked)}", active=False, enabled=False))
        return self.host


def looks(takes=0.0, together=None):
    """Looks at a cloud, by a clock that stands still meanwhile."""
    time = Time()
    cloud = Cloud(time, takes)
    return FreshFacts("node1", cloud, time.clock, together or WorkerSlots()), cloud


def test_what_was_just_seen_is_not_asked_for_again():
    """Nothing was done meanwhile, and less is wanted."""
    seen, cloud = looks()
    with seen.slots.slot():
        first = seen.get(frozenset({SERVICES, Part.SERVERS}))

        assert seen.get(frozenset({SERVICES}), LONG_AGO) is first
        assert seen.get(frozenset({Part.SERVERS})) is first
    assert cloud.asked == [{SERVICES, Part.SERVERS}]


@pytest.mark.parametrize("why", ["done", "old", "more", "before"])
def test_what_may_be_otherwise_by_now_is_asked_for_again(why):
    """Something was done, time went by, more is wanted, or it is to be of a later time."""
    seen, cloud = looks()
    with seen.slots.slot():
        seen.get(frozenset({SERVICES}))
        wanted, since = frozenset({SERVICES}), LONG_AGO
        if why == "done":
            seen.invalidate()
        elif why == "old":
            cloud.time.sleep(FRESH * 1.01)
        elif why == "more":
            wanted |= {Part.SERVERS}
        else:
            since = cloud.time.now() + 0.01

        assert seen.get(wanted, since) is cloud.host
    assert cloud.asked == [{SERVICES}, set(wanted)]


def test_what_was_done_stays_done_however_long_ago_it_was_seen():
    """Nothing is to be done after it, so age alone is no reason to look again."""
    seen, cloud = looks()
    with seen.slots.slot():
        first = seen.get(frozenset({SERVICES}))
        cloud.time.sleep(100)

        assert seen.get(frozenset({SERVICES})) is first


def test_a_look_is_younger_than_a_claim_has_to_stand():
    """Of two runs that write their claims, the one that wrote last must be seen."""
    assert FRESH < EFFECTIVE_AFTER


def test_who_waited_long_for_a_slot_looks_again_with_the_slot_in_hand():
    """What is done next is not done on what was seen before the wait."""

    class Slow(WorkerSlots):
        """Another host holds the only slot for a while whenever it can have it."""

        def slot_released(self):
            """Within, and until the slot is given back."""
            inner = super().slot_released()

            class Late:
                def __enter__(self):
                    return inner.__enter__()

                def __exit__(self, *error):
                    cloud.time.sleep(FRESH * 2)
                    return inner.__exit__(*error)

            return Late()

    seen, cloud = looks(together=Slow())
    with seen.slots.slot():
        assert seen.get(frozenset({SERVICES}), LONG_AGO) is cloud.host
        assert len(cloud.asked) == 2
        assert seen.get(frozenset({SERVICES}), LONG_AGO) is cloud.host
        assert len(cloud.asked) == 2


def test_a_slow_answer_is_taken_as_it_comes():
    """Its age counts from when it is there: else a slow cloud would be asked for ever."""
    seen, cloud = looks(takes=FRESH * 3)
    with seen.slots.slot():
        seen.get(frozenset({SERVICES}), LONG_AGO)
    assert len(cloud.asked) == 1


def test_the_host_itself_is_asked_apart():
    """Its unit is no part of a shared reading, and asking it asks no API again."""
    seen, cloud = looks()
    with seen.slots.slot():
        seen.get(frozenset({SERVICES, Part.UNIT}))
        seen.get(frozenset({SERVICES, Part.UNIT}), LONG_AGO)
        seen.get(frozenset({Part.UNIT}))
        seen.poll(frozenset({SERVICES, Part.UNIT}))
    unit = {Part.UNIT}
    assert cloud.asked == [unit, {SERVICES}, unit, unit, {SERVICES}, unit]


@pytest.mark.parametrize(("takes", "asked"), [(FRESH / 2, 1), (FRESH * 2, 2)])
def test_a_look_that_took_long_is_old_where_nobody_may_have_claimed_the_host(takes, asked):
    """The services are read first: what counts is when the look began."""
    seen, cloud = looks(takes)
    with seen.slots.slot():
        seen.get(PLANNED_PARTS)
        seen.get(frozenset({SERVICES}), cloud.time.now() - FRESH)
    assert len(cloud.asked) == asked


def test_heartbeats_are_heard_with_the_rows():
    """A look at everything is one at them too."""
    seen, cloud = looks()
    with seen.slots.slot():
        seen.get(PLANNED_PARTS)
        seen.get(frozenset({BEATS}), LONG_AGO)
    assert len(cloud.asked) == 1


@pytest.mark.parametrize(
    ("rows", "parts", "needed"),
    [
        (database(), {ROWS, Part.MIGRATIONS}, {ROWS}),
        (database(all_cells=False), {ROWS, Part.MIGRATIONS}, {ROWS, Part.MIGRATIONS}),
        (None, {ROWS, Part.MIGRATIONS}, {ROWS, Part.MIGRATIONS}),
        (database(), {Part.MIGRATIONS}, {Part.MIGRATIONS}),
    ],
    ids=["rows of all cells", "of some", "of none", "not read"],
)
def test_migrations_are_asked_of_the_api_where_rows_do_not_tell(rows, parts, needed):
    """Only rows of every cell, and only those that are read in the same look."""
    seen, cloud = looks()
    assert seen.needed(frozenset(parts)) == parts
    cloud.refresh = lambda _host, _parts: facts(database=rows)
    with seen.slots.slot():
        seen.get(frozenset({ROWS}))

    assert seen.needed(frozenset(parts)) == needed


def noted(process):
    """The parts of each look of a process, beside the host itself."""
    asked, refresh = [], process.execution.cloud.refresh

    def note(host, parts):
        if parts - {Part.UNIT}:
            asked.append(set(parts))
        return refresh(host, parts)

    process.execution.cloud.refresh = note
    return asked


def silent():
    """A host in order whose nova-compute the operator has stopped."""
    world = World(facts(request=request(stop_with=StopWith.NONE)))
    world.fall_silent()
    return world


def test_a_removal_looks_once_more_than_it_changes(run):
    """What shows that a change was made shows what is needed for the next, and for the end."""
    world = silent()
    process = run(world, settle=0)
    asked = noted(process)

    report = process.go()

    assert report.result is Result.REMOVED
    assert world.writes == ["disable", "delete", "purge"]
    # The proof of silence takes as many looks as it takes.
    assert [parts for parts, _ in itertools.groupby(asked)] == [
        PLANNED_PARTS,  # before anything
        {SERVICES, BEATS},  # disabled, silent
        DELETE,  # when the claim has stood
        {SERVICES, ROWS},  # deleted; which rows are left
        PLANNED_PARTS,  # purged; verified
    ]


@pytest.mark.parametrize(("passed", "looks_again"), [(FRESH, False), (FRESH + 0.1, True)])
def test_a_plan_that_was_just_made_is_not_looked_at_again(run, passed, looks_again):
    """Its look is the first one of the removal, as long as a look is good; then all is read."""
    world = silent()
    process = run(world, settle=0, goes_on=True)
    asked = noted(process)
    world.time.sleep(passed)

    assert process.go().result is Result.REMOVED
    assert (asked[0] == PLANNED_PARTS) is looks_again


def test_what_comes_next_not_being_readable_does_not_make_a_change_undone(run):
    """The rows are purged, and that can be seen; only the verification fails."""
    world = silent()
    process = run(world, settle=0)
    refresh = process.execution.cloud.refresh

    def fail(host, parts):
        if "purge" in world.writes and "network-agents" in parts:
            raise UnavailableError("no neutron")
        return refresh(host, parts)

    process.execution.cloud.refresh = fail

    report = process.go()

    assert (report.exit_code, report.error) == (ExitCode.UNAVAILABLE, "no neutron")
    assert {str(o.status) for o in report.outcomes} == {"done"}


@pytest.mark.parametrize("write", ["disable", "stop"])
def test_a_change_is_not_done_while_nothing_shows_it(run, write):
    """Neither the look with what comes next nor, where there is more in it, the one without."""
    world = World(facts())
    process = run(world, settle=0)
    refresh = process.execution.cloud.refresh

    def fail(host, parts):
        if write in world.writes:
            raise UnavailableError("no API")
        return refresh(host, parts)

    process.execution.cloud.refresh = fail

    report = process.go()

    assert report.exit_code == ExitCode.UNAVAILABLE
    last = [o for o in report.outcomes if o.begun][-1]
    assert (last.change.action, last.status) == (write, "failed")
