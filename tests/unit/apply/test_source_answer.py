# SPDX-License-Identifier: Apache-2.0
"""Nothing is asked of a nova-compute that is called up and is not known to answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.apply.move_limits import MoveLimits
from nova_decom.apply.source_answer import DOWN_WITHIN, PROVES_FOR, SourceAnswer
from nova_decom.errors import ChangeFailedError, UnavailableError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.cloud import Action
from nova_decom.plan.jobs import DRAIN
from tests.unit.build import facts, heartbeat, request, server, service
from tests.unit.moving_states import OFF, WEB, dead, occupied
from tests.unit.world import World

INTERVAL = request().report_interval


def dies(world):
    """nova-compute is killed; nova takes it for up."""
    world.beating, world._silent_since = False, world.time.now()


def killed(down_after=None):
    """A host that was killed a moment ago; nova notices after so many seconds, or never."""
    world = World(occupied(OFF))
    world.beats_fast = False
    dies(world)
    if down_after is not None:
        world.time.at(down_after, world.fall_silent)
    return world


@pytest.mark.parametrize(
    ("down_after", "words"),
    [(50, "nova-compute is down"), (None, "heartbeat does not change")],
)
def test_nothing_is_sent_to_a_host_that_was_killed_a_moment_ago(run, down_after, words):
    """A cold migration would be accepted, and stay in resize_prep for ever."""
    world = killed(down_after)

    report = run(world, job=DRAIN).go()

    assert (report.exit_code, world.nova.asked) == (ExitCode.FAILED, [])
    assert words in report.error
    assert "--offline" in report.remedy
    assert world.truth.servers == (OFF,)
    assert world.time.now() - 1000 < DOWN_WITHIN + INTERVAL


def test_moves_begin_when_the_heartbeat_has_moved(run):
    """At most an interval later."""
    world = World(occupied(OFF))
    world.beats_fast = False
    process = run(world, job=DRAIN)

    report = process.go()

    assert report.exit_code == ExitCode.SUCCESS
    waits = [told for told in process.told if told[0] == "waiting"]
    assert ("waiting", "nova-compute answers", DOWN_WITHIN) in waits
    assert world.nova.asked


def test_a_host_that_dies_while_it_is_emptied_gets_no_more_requests(run):
    """Its last proof counts for some intervals; when nova marks it down, the run ends."""
    world = World(occupied(*(server(f"s{n}") for n in range(9))))
    for number in range(9):
        world.nova.script(f"id-of-s{number}", takes=10)
    died = 45.0
    world.time.at(died, lambda: dies(world))
    world.time.at(died + 90, world.fall_silent)
    times = []
    ask = world.nova.act
    world.nova.act = lambda *what: times.append(world.time.now() - 1000) or ask(*what)

    report = run(world, job=DRAIN, pacing=MoveLimits(at_once=1)).go()

    assert report.exit_code == ExitCode.FAILED
    assert "nova-compute is down; no more servers are moved" in report.error
    assert 1 < len(times) < 9
    assert max(times) <= died + PROVES_FOR * INTERVAL + INTERVAL


def test_nothing_is_asked_of_a_dead_host(run):
    """It is evacuated, whatever its heartbeat is."""
    world = World(dead(WEB))

    assert run(world, job=DRAIN).go().exit_code == ExitCode.SUCCESS
    assert {action for _, action, _ in world.nova.asked} >= {Action.EVACUATE}


class Cloud:
    """Answers with these facts, or with no answer."""

    def __init__(self, answer):
        """To each reading."""
        self.answer, self.reads = answer, 0

    def refresh(self, _host, _parts):
        """One reading."""
        self.reads += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def beating(value, **what):
    """A host with this value of its heartbeat."""
    return facts(heartbeats=(heartbeat(value=value, **what),))


STATE = beating("count 1")
SOON, LATE = (PROVES_FOR - 1) * INTERVAL + 1, PROVES_FOR * INTERVAL + 1
ANSWERS = [
    ("it has moved, and the old proof counts", SOON, beating("count 2"), True),
    ("it has not moved, and the old proof counts", SOON, beating("count 1"), True),
    ("it has moved, some time since the last reading", LATE, beating("count 2"), False),
    ("it cannot be read", LATE, facts(heartbeats=()), False),
    ("nova does not answer", LATE, UnavailableError("no", "wait"), False),
    ("by the API alone", SOON, beating("", updated_at="later"), True),
]


@pytest.mark.parametrize(
    ("later", "answer", "known"), [pytest.param(*rest, id=c) for c, *rest in ANSWERS]
)
def test_a_beat_proves_an_answer_since_the_reading_before_it(later, answer, known):
    """Not more: it may be as old as that."""
    world = World(STATE)
    source = SourceAnswer(Cloud(answer), world.time.clock, "node1", proved=1000.0)
    source.observe(STATE, 1000.0)
    world.time.sleep(later)

    assert source.is_known(STATE) is known


def test_an_old_proof_is_followed_by_the_next_beat():
    """Two readings that differ, however long the time before them."""
    world = World(STATE)
    source = SourceAnswer(Cloud(beating("count 8")), world.time.clock, "node1")
    source.observe(STATE, 1000.0)
    world.time.sleep(LATE)
    assert not source.is_known(STATE)

    source.cloud = Cloud(beating("count 9"))
    world.time.sleep(1.0)
    assert source.is_known(STATE)


def test_a_proof_counts_for_some_intervals():
    """Nothing is read meanwhile."""
    world, cloud = World(STATE), Cloud(STATE)
    source = SourceAnswer(cloud, world.time.clock, "node1", proved=1000.0)
    world.time.sleep((PROVES_FOR - 1) * INTERVAL)

    assert source.is_known(STATE)
    assert cloud.reads == 0


@pytest.mark.parametrize("gone", [service(state="down"), None])
def test_a_host_that_nova_takes_for_down_ends_the_moves(gone):
    """Or whose service was deleted."""
    state = replace(STATE, services=() if gone is None else (gone,))
    world = World(STATE)
    source = SourceAnswer(Cloud(state), world.time.clock, "node1")

    with pytest.raises(ChangeFailedError, match="nova-compute is down"):
        source.is_known(STATE)


def test_our_own_write_proves_nothing():
    """Without databases it moves the only sign that there is."""
    world, cloud = World(STATE), Cloud(beating("", updated_at="written by us"))
    source = SourceAnswer(cloud, world.time.clock, "node1")
    source.observe(beating("", updated_at="before"), 1000.0)
    source.forget()

    assert not source.is_known(STATE)
    cloud.answer = beating("", updated_at="a beat")
    assert source.is_known(STATE)


def test_without_databases_the_disabling_is_no_beat(run):
    """A host that was killed a moment ago gets no request there either."""
    world = killed()
    world.truth = replace(world.truth, database=None)
    world.beat = lambda: f"written {len(world.writes)} times"

    assert run(world, job=DRAIN).go().exit_code == ExitCode.FAILED
    assert world.nova.asked == []
