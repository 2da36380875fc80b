# SPDX-License-Identifier: Apache-2.0
"""The values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.host import HostIdentity
from nova_decom.model.machine import SystemdUnit
from nova_decom.model.plan import summary
from nova_decom.model.report import HostReport, Report, Result
from nova_decom.model.request import Rows
from tests.unit import build


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([build.service()], build.SERVICE),
        ([build.conductor(), build.service()], build.SERVICE),
        ([build.conductor()], None),
        ([], None),
    ],
)
def test_the_service_of_a_host_is_its_nova_compute(services, expected):
    """Other binaries of the host are never taken for its compute service."""
    facts = build.facts(service=None, other_services=services)

    assert (facts.service.id if facts.service else None) == expected


@pytest.mark.parametrize(
    ("conductor", "all_binaries", "leaving", "kept"),
    [
        ("up", False, ["nova-compute"], ["nova-conductor"]),
        ("down", False, ["nova-compute"], ["nova-conductor"]),
        ("up", True, ["nova-compute"], ["nova-conductor"]),
        ("down", True, ["nova-compute", "nova-conductor"], []),
    ],
)
def test_other_binaries_leave_only_when_asked_and_down(conductor, all_binaries, leaving, kept):
    """--all-binaries takes those that are down; without it none of them is touched."""
    facts = build.facts(
        other_services=[build.conductor(state=conductor)],
        request=build.request(all_binaries=all_binaries),
    )

    assert [s.binary for s in facts.leaving_services] == leaving
    assert [s.binary for s in facts.kept_services] == kept


def test_nova_compute_leaves_before_any_other_binary():
    """Nova before 20.1 takes the compute nodes away with whichever service goes first."""
    facts = build.facts(
        service=None,
        other_services=[build.conductor(state="down"), build.service()],
        request=build.request(all_binaries=True),
    )

    assert [s.binary for s in facts.leaving_services] == ["nova-compute", "nova-conductor"]


LIVING = [
    ("shown and in its row", build.facts(), [build.NODE]),
    ("no database", build.facts(database=None), [build.NODE]),
    ("hidden by the API", build.facts(compute_nodes=()), [build.NODE]),
    (
        "soft-deleted, without uuid, of another host",
        build.facts(
            compute_nodes=(),
            database=build.database(
                compute_nodes=(
                    build.node_row(deleted=8),
                    build.node_row(9, uuid=None),
                    build.node_row(10, uuid="other", host="NODE1"),
                )
            ),
        ),
        [],
    ),
    (
        "one of each",
        build.facts(
            database=build.database(compute_nodes=(build.node_row(9, uuid="hidden"),)),
        ),
        [build.NODE, "hidden"],
    ),
]


@pytest.mark.parametrize(
    ("facts", "uuids"), [pytest.param(f, u, id=case) for case, f, u in LIVING]
)
def test_the_living_nodes_are_those_shown_and_those_that_the_api_hides(facts, uuids):
    """Each once, and exactly this host's."""
    assert [n.uuid for n in facts.living_nodes] == uuids
    assert {n.host for n in facts.living_nodes} <= {"node1"}


@pytest.mark.parametrize(
    ("all_binaries", "conductor", "expected"),
    [
        (False, [], {"nova-compute"}),
        (True, [], {"nova-compute", "nova-conductor"}),
        (True, [build.conductor()], {"nova-compute"}),
        (True, [build.conductor(state="down")], {"nova-compute", "nova-conductor"}),
    ],
)
def test_rows_of_a_binary_may_go_when_nothing_of_it_stays(all_binaries, conductor, expected):
    """A binary that lives on the host keeps even its history."""
    facts = build.facts(
        other_services=conductor,
        database=build.WITH_CONDUCTOR,
        request=build.request(all_binaries=all_binaries),
    )

    assert facts.leaving_binaries == expected


def test_without_a_database_only_nova_compute_leaves():
    """No rows are known, so no other binary is named."""
    facts = build.facts(database=None, request=build.request(all_binaries=True))

    assert facts.leaving_binaries == {"nova-compute"}


DOWN = build.service(state="down")
OTHER = build.heartbeat("of another service", still=99)


@pytest.mark.parametrize(
    ("heartbeats", "service", "silent"),
    [
        ([build.heartbeat(still=20)], DOWN, True),
        ([build.heartbeat(still=19.9)], DOWN, False),
        ([build.heartbeat(still=99)], build.service(), False),
        ([build.heartbeat(still=99, sees_new_rows=False)], DOWN, False),
        ([build.heartbeat(still=129, gap=120.0)], DOWN, False),
        ([build.heartbeat(still=130, gap=120.0)], DOWN, True),
        ([OTHER], DOWN, False),
        ([], DOWN, False),
    ],
    ids=[
        "two report intervals",
        "less",
        "nova shows it up",
        "the connection shows no new rows",
        "two intervals of ours, but beats come two minutes apart",
        "longer than the longest gap",
        "of another service",
        "never read",
    ],
)
def test_silence_is_proved_by_every_witness(heartbeats, service, silent):
    """Nova shows the service down, and its heartbeat stood still, for all that the run knows."""
    facts = build.facts(services=(service,), heartbeats=tuple(heartbeats))

    assert facts.is_silent(service) is silent


def test_a_heartbeat_that_moves_starts_to_stand_still_anew():
    """Only the time since the last change counts, and the move is not forgotten."""
    first = build.heartbeat(value="count 1", since=0.0, until=0.0)

    stood = first.seen("count 1", 5.0, 5.0)
    moved = stood.seen("count 2", 9.0, 9.0)
    again = moved.seen("count 2", 30.0, 30.0)

    assert (stood.still_for, stood.moved) == (5.0, False)
    assert (moved.still_for, moved.moved) == (0.0, True)
    assert (again.still_for, again.moved) == (21.0, True)
    # It stood still for five seconds and lived.
    assert [h.gap for h in (stood, moved, again)] == [0.0, 5.0, 5.0]


def test_a_reading_counts_from_the_end_of_the_first_to_the_begin_of_the_last():
    """A value may have changed at any time while it was read."""
    first = build.heartbeat(value="count 1", since=0.0, until=0.0)

    moved = first.seen("count 2", 10.0, 14.0)
    stood = moved.seen("count 2", 20.0, 29.0)
    overtaken = moved.seen("count 2", 12.0, 13.0)

    assert (moved.since, stood.still_for, overtaken.still_for) == (14.0, 6.0, 0.0)


def test_updated_at_is_a_witness_too():
    """Where nova keeps the heartbeat elsewhere, the counter never moves."""
    first = build.heartbeat(value="count 1", updated_at="a", since=0.0, until=0.0)

    assert first.seen("count 1", 5.0, 5.0, "a").still_for == 5.0
    assert first.seen("count 1", 5.0, 5.0, "b").moved


def test_a_service_that_was_away_for_hours_does_not_beat_once_in_hours():
    """A restart is no gap between two beats."""
    first = build.heartbeat(value="count 1", since=0.0, until=0.0)

    assert first.seen("count 1", 300.0, 300.0).seen("count 2", 301.0, 301.0).gap == 0.0


@pytest.mark.parametrize(
    ("active", "enabled", "off"),
    [(False, False, True), (True, False, False), (False, True, False), (True, True, False)],
)
def test_a_unit_is_off_when_it_neither_runs_nor_comes_back(active, enabled, off):
    """A stopped unit that is enabled comes back with the next boot."""
    assert SystemdUnit("nova-compute.service", active, enabled).is_off is off


@pytest.mark.parametrize(
    ("what", "takes"),
    [
        ({}, True),
        ({"status": "disabled"}, False),
        ({"state": "down"}, False),
        ({"binary": "nova-conductor"}, False),
    ],
)
def test_a_host_takes_servers_when_enabled_and_up(what, takes):
    """Only such a host counts when others are to remain."""
    assert build.neighbour(**what).takes_servers is takes


@pytest.mark.parametrize(
    ("services", "count"),
    [
        ([build.service()], 0),
        ([build.service(id=None)], 1),
        ([build.service(status="UNKNOWN"), build.neighbour(status="unknown")], 2),
    ],
)
def test_entries_without_id_or_status_come_from_a_silent_cell(services, count):
    """Nova shows a cell that is down by entries that say next to nothing."""
    assert build.fleet(*services).unresponsive_cells == count


def test_identities_add_up():
    """What an earlier run knew and what is seen now are kept together."""
    both = HostIdentity(frozenset({"a"}), frozenset({"n"})).union(
        HostIdentity(frozenset({"b"}), frozenset({"m"}))
    )

    assert both == HostIdentity(frozenset({"a", "b"}), frozenset({"n", "m"}))


def test_facts_compare_by_what_is_there_and_not_by_when_it_was_seen():
    """Heartbeats, clocks and the rest of the cloud do not make two hosts different."""
    facts = build.facts()

    same = replace(facts, heartbeats=(), fleet=build.fleet(build.neighbour("node9")))

    assert same == facts
    assert replace(facts, servers=(build.server(),)) != facts


def test_facts_are_frozen():
    """Nobody changes what was read."""
    with pytest.raises(FrozenInstanceError):
        build.facts().host = "node2"


CHANGE = Change("delete-service", "delete", "some id", "DELETE /os-services/some id")


def test_two_changes_are_the_same_when_they_do_the_same_to_the_same():
    """Step, action, target and number of rows decide; the wording does not."""
    assert CHANGE.key == replace(CHANGE, detail="worded otherwise").key
    assert CHANGE.key != replace(CHANGE, rows=2).key


WAIT = replace(CHANGE, only_waits=True)


@pytest.mark.parametrize(
    ("outcomes", "changed"),
    [
        ([], False),
        ([Outcome(CHANGE, Status.PLANNED)], False),
        ([Outcome(CHANGE, Status.NOT_NEEDED), Outcome(CHANGE, Status.PENDING)], False),
        ([Outcome(CHANGE, Status.PENDING), Outcome(CHANGE, Status.DONE, begun=True)], True),
        ([Outcome(CHANGE, Status.FAILED, begun=True)], True),
        ([Outcome(CHANGE, Status.PENDING, begun=True)], True),
        ([Outcome(WAIT, Status.DONE, begun=True)], False),
        ([Outcome(WAIT, Status.FAILED, begun=True)], False),
    ],
)
def test_changed_means_that_something_was_or_may_have_been_changed(outcomes, changed):
    """A change that was begun counts, however it ended; waiting does not."""
    outcomes = tuple(outcomes)
    host = HostReport("node1", Result.REMOVED, outcomes=outcomes)

    assert host.changed is changed
    assert Report("remove", 0, (HostReport("node2", Result.CLEAN), host)).changed is changed


def documented():
    """Says one thing
    over two lines.

    And then much more.
    """


@pytest.mark.parametrize(
    ("thing", "expected"), [(documented, "Says one thing over two lines."), (lambda: None, "")]
)
def test_summary_is_the_first_paragraph_in_one_line(thing, expected):
    """What plan, progress and documentation print comes from the docstring."""
    assert summary(thing) == expected


def test_purging_is_what_happens_to_rows_unless_told_otherwise():
    """The documented procedure ends when no row shows the host any more."""
    assert build.request().rows is Rows.PURGE
