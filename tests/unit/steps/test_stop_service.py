# SPDX-License-Identifier: Apache-2.0
"""The step stop-service: what is stopped, what is waited for, and what both foretell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.errors import RefusedError
from nova_decom.model.heartbeat import Heartbeat
from nova_decom.model.machine import SystemdUnit
from nova_decom.model.request import Part, StopWith
from nova_decom.registrars import PLANNED_PARTS
from nova_decom.steps.stop_service import StopService
from tests.unit import build
from tests.unit.build import SERVICE, facts, request
from tests.unit.fake import FakeCloud
from tests.unit.world import World

STOP = StopService()
OFF = SystemdUnit("nova-compute.service", active=False, enabled=False)
NOT_REACHED = SystemdUnit("nova-compute", active=False, enabled=False, reached=False)
ENABLED = SystemdUnit("nova-compute.service", active=False, enabled=True)


def told(state):
    """Action and target of each change."""
    return [(change.action, change.target) for change in STOP.changes(state)]


#: Live rows of a host that is spelled otherwise, and nothing of this one.
NODE1_ROWS = {
    "host_mapping": None,
    "services": (build.service_row(host="NODE1"),),
    "compute_nodes": (build.node_row(host="NODE1"),),
}


PROVE = ("prove", SERVICE)
SILENT = {"service": build.service(state="down"), "heartbeats": (build.heartbeat(still=20),)}


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (facts(), [("stop", "node1"), PROVE]),
        (facts(unit=OFF), [PROVE]),
        (facts(unit=ENABLED), [("stop", "node1"), PROVE]),
        (facts(unit=OFF, **SILENT), []),
        (facts(unit=OFF, heartbeats=SILENT["heartbeats"]), [PROVE]),
        (facts(**SILENT), [("stop", "node1")]),
        (facts(request=request(stop_with=StopWith.COMMAND)), [("stop", "node1"), PROVE]),
        (facts(request=request(stop_with=StopWith.NONE)), [PROVE]),
        (facts(request=request(offline=True)), [PROVE]),
        (facts(service=build.service(id=None)), [("stop", "node1")]),
        (build.ghost(), [("stop", "node1")]),
        (build.ghost(unit=OFF), []),
        (build.ghost(unit=NOT_REACHED), []),
        (build.ghost(request=request(offline=True)), []),
        (build.ghost(request=request(stop_with=StopWith.COMMAND)), []),
        (build.ghost(compute_nodes=(), providers=(), database=None), []),
        (build.ghost(providers=(), database=None), []),
        (build.history(), []),
        (build.absent(database=build.database(**NODE1_ROWS)), []),
        (build.REMOVABLE["all in one"], [("stop", "node1"), PROVE]),
        (
            build.REMOVABLE["all in one, all binaries, conductor down"],
            [("stop", "node1"), PROVE, ("prove", build.CONDUCTOR)],
        ),
    ],
)
def test_the_service_is_stopped_and_its_silence_proved(state, changes):
    """A unit that is off is not stopped, a heartbeat that stood still is not waited for.

    Where the service's row is gone but traces are left, the host itself is asked, if it answers.
    """
    assert told(state) == changes


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({}, "ssh node1: systemctl disable --now (the unit of nova-compute found there)"),
        ({"stop_with": StopWith.COMMAND}, "run the stop command for node1"),
    ],
)
def test_stopping_says_how(asked, detail):
    """The plan shows by which way the unit will be stopped."""
    change, _ = STOP.changes(facts(request=request(**asked)))

    assert change.detail == detail


def test_stopping_where_no_service_is_left_depends_on_what_the_host_answers():
    """The plan says that the host may be dead, or have no such unit, and that this is fine."""
    (change,) = STOP.changes(build.ghost())

    assert change.detail.endswith(", if it answers and nova-compute still runs there")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"report_interval": 30.0}, "nova-compute must not change for 60 s"),
        ({}, "and nova must show it down, or the host must show that its process has ended"),
        (
            {"stop_with": StopWith.NONE},
            "for 20 s and nova must show it down (you stop it; this waits for you)",
        ),
        ({"offline": True}, "for 20 s and nova must show it down"),
    ],
)
def test_a_proof_says_for_how_long_and_whom_it_waits_for(asked, words):
    """Two report intervals, and a hint when it is the operator who has to act."""
    *_, change = STOP.changes(facts(request=request(**asked)))

    assert words in change.detail


def test_a_proof_waits_for_longer_than_the_longest_gap_that_was_seen():
    """Two intervals of ours are nothing where another host beats once in two minutes."""
    slow = facts(heartbeats=(build.heartbeat(gap=120.0),))
    *_, change = STOP.changes(slow)

    assert "for 130 s" in change.detail
    after = STOP.after(change, slow)
    assert after.is_silent(after.service)


ENDED = build.heartbeat().noted(ended=True)
LATE = ENDED.seen("count 8", 5, 5)


@pytest.mark.parametrize(
    ("beat", "changes"),
    [
        (ENDED, []),
        (LATE, []),
        (LATE.seen("count 9", 7, 7), [PROVE]),
        (LATE.noted(ended=False), [PROVE]),
        (ENDED.seen("count 8", 5, 5).noted(ended=True).seen("count 9", 7, 7), []),
    ],
    ids=["none since", "one from before", "two", "it runs again", "seen again"],
)
def test_a_process_that_was_seen_to_have_ended_is_not_waited_for(beat, changes):
    """Nova shows it up for a minute. A beat that cannot be its own contradicts."""
    state = facts(unit=OFF, heartbeats=(beat,))

    assert state.service.is_up
    assert told(state) == changes


def test_the_end_of_nova_compute_proves_no_other_binary_silent():
    """Each heartbeat is another process."""
    world = World(BOTH)
    world.sees_processes, world.beating, world.unit = True, False, OFF

    seen = FakeCloud(world).refresh("node1", PLANNED_PARTS | {Part.UNIT})

    assert told(seen) == [("prove", build.CONDUCTOR)]


def test_a_proof_only_waits():
    """To stop the unit is a change; to look at a heartbeat is none."""
    assert [(c.step, c.only_waits) for c in STOP.changes(facts())] == [
        ("stop-service", False),
        ("stop-service", True),
    ]


BOTH = build.REMOVABLE["all in one, all binaries, conductor down"]


def test_a_unit_that_was_stopped_is_off():
    """Whether the process has ended is what the heartbeats will tell."""
    stop, *_ = STOP.changes(BOTH)

    after = STOP.after(stop, BOTH)

    assert (after.unit, after.services, after.heartbeats) == (OFF, BOTH.services, BOTH.heartbeats)


@pytest.mark.parametrize("number", [0, 1], ids=["nova-compute", "the other binary"])
def test_a_service_that_is_proved_silent_is_down(number):
    """The others go on as they are heard."""
    state = replace(
        BOTH,
        services=tuple(replace(s, state="up") for s in BOTH.services),
        request=replace(BOTH.request, report_interval=30.0),
    )
    _, *proofs = STOP.changes(BOTH)
    proved, heard = state.services[number], state.heartbeats[1 - number]

    after = STOP.after(proofs[number], state)

    assert after.heartbeats == (heard, Heartbeat(proved.id, "", "", since=0, until=60.0))
    assert [s.state for s in after.services if s.id != proved.id] == ["up"]
    assert [s.state for s in after.services if s.id == proved.id] == ["down"]
    assert after.is_silent(after.services[number])
    assert after.unit == state.unit


def test_only_stopping_does_anything():
    """A proof is made by looking."""
    world = World(facts())
    stop, prove = STOP.changes(world.truth)

    assert STOP.apply(prove, None, world.truth) is None
    cloud = FakeCloud(world)
    assert STOP.apply(stop, cloud, cloud.refresh("node1", PLANNED_PARTS | {Part.UNIT})) is None
    assert world.writes == ["stop"]


def test_the_machine_of_another_nova_host_is_not_stopped():
    """Asked again in the step: the machine may have changed since the plan."""
    world = World(facts())
    world.configured = "node2"
    cloud = FakeCloud(world)
    stop, _ = STOP.changes(world.truth)

    with pytest.raises(RefusedError, match="host = node2"):
        STOP.apply(stop, cloud, cloud.refresh("node1", PLANNED_PARTS | {Part.UNIT}))

    assert world.writes == []
