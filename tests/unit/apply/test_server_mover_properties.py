# SPDX-License-Identifier: Apache-2.0
"""What holds for servers in any states, and for a nova that fails in any way."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from nova_decom.apply.move_limits import MOVE_ATTEMPTS, MoveLimits
from nova_decom.errors import BadRequestError, ConflictError, NoAnswerError, TransientError
from nova_decom.model.change import Status
from nova_decom.model.cloud import HostCapacity
from nova_decom.model.request import Servers
from nova_decom.moves.move import MOVING
from nova_decom.plan.jobs import DRAIN
from tests.unit.build import fleet, neighbour, request, server, service
from tests.unit.conftest import Run
from tests.unit.moving_states import occupied
from tests.unit.nova import WAYS
from tests.unit.world import World

ALIVE = ("ACTIVE", "PAUSED", "SHUTOFF", "SHELVED", "BUILD")
DEAD = ("ACTIVE", "SHUTOFF", "ERROR")
ARRIVES = {"SHELVED": {"SHELVED_OFFLOADED"}, "BUILD": {"ACTIVE"}, "ERROR": {"ACTIVE", "SHUTOFF"}}
FAILURES = st.sampled_from(
    [
        NoAnswerError("no answer", "look"),
        ConflictError("HTTP 409", "look"),
        TransientError("HTTP 503", "look"),
        BadRequestError("HTTP 400", "look"),
    ]
)
#: As many examples as the profile has.
EXAMPLES = settings.default.max_examples
#: Nothing is deleted by any of these.
HARMLESS = {"disable", *MOVING, "confirmResize", "shelveOffload", "os-start", "os-stop"}


@dataclass(frozen=True)
class Story:
    """Servers in some states, and what happens to them."""

    is_dead: bool
    statuses: list[str]
    ways: list[list[str]]
    takes: list[float]
    at_once: int
    failures: dict[int, Exception] = field(default_factory=dict)
    answer_lost: bool = False
    late: float | None = None
    deleted: float | None = None
    silent: tuple[float, float] = (0.0, 0.0)
    leaves_stopped: bool = False

    @property
    def world(self) -> World:
        """Where it happens."""
        here = [server(f"s{n}", status=status) for n, status in enumerate(self.statuses)]
        asked = request(servers=Servers.AUTO, offline=self.is_dead)
        world = World(
            occupied(
                *here,
                request=asked,
                service=service(state="down" if self.is_dead else "up", status="disabled"),
                fleet=fleet(service(), neighbour(), neighbour("node3")),
                rooms=(
                    HostCapacity("node2", (("MEMORY_MB", 9),)),
                    HostCapacity("node3", (("MEMORY_MB", 8),)),
                ),
            )
        )
        nova = world.nova
        nova.leaves_stopped = self.leaves_stopped
        for one, ways, takes in zip(here, self.ways, self.takes, strict=True):
            nova.script(one.id, *ways, takes=takes)
        world.failures, world.answer_lost = self.failures, self.answer_lost
        if self.late is not None and not self.is_dead:
            world.time.at(self.late, lambda: nova.arrive(server("late")))
        if self.deleted is not None and here:
            world.time.at(self.deleted, lambda: nova.delete(here[0].id))
        begin, length = self.silent
        world.time.at(begin, lambda: setattr(nova, "silent_until", world.time.now() + length))
        return world


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Any story."""
    is_dead = draw(st.booleans())
    statuses = draw(st.lists(st.sampled_from(DEAD if is_dead else ALIVE), min_size=1, max_size=7))
    number = len(statuses)
    ways = st.lists(st.sampled_from(WAYS), max_size=3)
    return Story(
        is_dead,
        statuses,
        draw(st.lists(ways, min_size=number, max_size=number)),
        draw(st.lists(st.sampled_from([0.5, 3.0, 10.0, 47.0]), min_size=number, max_size=number)),
        draw(st.integers(1, 4)),
        draw(st.dictionaries(st.integers(1, 12), FAILURES, max_size=3)),
        draw(st.booleans()),
        draw(st.none() | st.floats(0.5, 60)),
        draw(st.none() | st.floats(0.5, 60)),
        draw(st.tuples(st.floats(0, 60), st.floats(0, 200))),
        draw(st.booleans()),
    )


#: A confirmation that nova heard, refused twice: the next move began beside it.
CONFIRMATION_REFUSED = Story(
    is_dead=False,
    statuses=["ACTIVE", "ACTIVE", "SHUTOFF", "ACTIVE", "ACTIVE", "ACTIVE"],
    ways=[[]] * 6,
    takes=[3.0] * 6,
    at_once=1,
    failures={4: NoAnswerError("no answer", "look"), 5: ConflictError("HTTP 409", "look")},
    answer_lost=True,
)


@settings(max_examples=EXAMPLES * 3 // 2, deadline=None)
@given(stories())
@example(CONFIRMATION_REFUSED)
def test_whatever_happens_the_moves_are_told_as_they_are(story: Story) -> None:
    """Done is elsewhere in its old state; the limit, the bounds and the host are kept."""
    world = story.world
    pacing = MoveLimits(at_once=story.at_once, move_timeout=90.0)
    before = {s.id: s.status for s in world.truth.servers} | {"id-of-late": "ACTIVE"}

    report = Run(world, job=DRAIN, pacing=pacing).go()

    for outcome in report.outcomes:
        if outcome.status is Status.DONE and outcome.change.step == "move-servers":
            there = world.nova.elsewhere.get(outcome.change.target)
            status = before[outcome.change.target]
            assert there is None or there.status in ARRIVES.get(status, {status})
            assert outcome.change.target not in {s.id for s in world.truth.servers}
    assert world.nova.most <= story.at_once
    assert world.time.now() - 1000 <= pacing.bound(len(before)) + pacing.api_outage_limit
    assert set(world.writes) <= HARMLESS
    assert (report.exit_code == 0) is (not world.truth.servers and _all_well(report))
    assert len(report.outcomes) == len({o.change.key for o in report.outcomes})


def _all_well(report):
    return {o.status for o in report.outcomes} <= {Status.DONE, Status.NOT_NEEDED}


@settings(max_examples=EXAMPLES, deadline=None)
@given(stories())
def test_no_server_is_moved_more_often_than_it_may(story: Story) -> None:
    """Once, once more elsewhere when that failed, once more when nova refused or was not heard."""
    world = story.world
    Run(world, job=DRAIN, pacing=MoveLimits(story.at_once, move_timeout=90.0)).go()

    for name in {s for s, _, _ in world.nova.asked}:
        asked = [to for s, action, to in world.nova.asked if s == name and action in MOVING]
        assert len(asked) <= MOVE_ATTEMPTS + 1
        begun = [m for m in world.nova.records.values() if m.server == name]
        assert len(begun) <= MOVE_ATTEMPTS
        tried = [m.destination for m in begun if m.destination]
        assert len(set(tried)) == len(tried)


@settings(max_examples=EXAMPLES * 3 // 5, deadline=None)
@given(stories())
def test_what_is_left_of_a_removal_is_a_host_that_is_still_there(story: Story) -> None:
    """Nothing is deleted while a server is left on it."""
    world = story.world

    report = Run(world, pacing=MoveLimits(story.at_once, move_timeout=90.0)).go()

    if {"delete", "purge", "release"} & set(world.writes):
        assert not world.truth.servers
    if world.truth.servers:
        assert world.truth.services
        assert report.exit_code != 0
