# SPDX-License-Identifier: Apache-2.0
"""The step move-servers: what it asks for, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.model.cloud import Action, Owner
from nova_decom.model.request import Servers
from nova_decom.moves.move import IMMOVABLE_STATES
from nova_decom.steps.move_servers import MoveServers, move_of
from tests.unit.build import allocation, database, instance_row, migration, request, server
from tests.unit.fake import FakeCloud
from tests.unit.moving_states import OFF, WEB, dead, occupied
from tests.unit.world import World

STEP = MoveServers()
NAMED, CALL = "'off' id-of-off (SHUTOFF)", "POST /servers/id-of-off/action"
BUSY, SUSPENDED = server(status="BUILD"), server(status="SUSPENDED")
TO_NODE2 = request(servers=Servers.AUTO, target="node2")


CURE = IMMOVABLE_STATES["SUSPENDED"]


def change_of(state, number=0):
    """One of the changes."""
    return tuple(STEP.changes(state))[number]


def test_each_server_has_its_change():
    """By its id; the label is for those who watch."""
    changes = tuple(STEP.changes(occupied(WEB, OFF)))

    assert [(c.step, c.action, c.target) for c in changes] == [
        ("move-servers", "move", "id-of-web"),
        ("move-servers", "move", "id-of-off"),
    ]
    assert [c.label for c in changes] == [
        "live-migrate 'web' id-of-web (ACTIVE)",
        "cold-migrate 'off' id-of-off (SHUTOFF)",
    ]


@pytest.mark.parametrize(
    ("state", "detail"),
    [
        (
            occupied(OFF),
            f"cold-migrate {NAMED}: {CALL} " + '{"migrate": null}',
        ),
        (
            occupied(OFF, request=TO_NODE2),
            f"cold-migrate {NAMED} to node2: {CALL} " + '{"migrate": {"host": "node2"}}',
        ),
        (occupied(BUSY), "wait for 'web' id-of-web (BUILD), BUILD, then move it"),
        (
            occupied(SUSPENDED),
            f"cannot move 'web' id-of-web (SUSPENDED); {CURE}, or shelve it",
        ),
    ],
    ids=["moves", "to a target", "waits", "cannot"],
)
def test_the_plan_shows_what_is_sent(state, detail):
    """The call, with its body; for what is only waited for, none."""
    assert change_of(state).detail == detail


def test_what_cannot_leave_stays_in_the_plan():
    """It is a change that fails, so that nobody takes the host for empty."""
    state = occupied(SUSPENDED)

    assert STEP.after(change_of(state), state) == state


WEB_ROW, OFF_ROW = instance_row(), instance_row("off")
OF_WEB, OF_OFF = allocation(), allocation(consumer="id-of-off")
GOING = migration(server="id-of-web")
OTHER = migration(8, server="id-of-off")
OF_GOING = allocation(consumer=GOING.uuid)


def test_the_server_leaves_with_all_that_is_its_own():
    """Its row, its migration, and what both hold; those of other servers stay."""
    state = occupied(
        WEB,
        OFF,
        migrations=(GOING, OTHER),
        allocations=(OF_WEB, OF_GOING, OF_OFF),
        database=database(instances=(WEB_ROW, OFF_ROW), active_migrations=(GOING, OTHER)),
    )

    assert STEP.after(change_of(state), state) == replace(
        state,
        servers=(OFF,),
        migrations=(OTHER,),
        allocations=(OF_OFF,),
        database=database(instances=(OFF_ROW,), active_migrations=(OTHER,)),
    )


def test_a_dead_host_keeps_what_its_servers_held():
    """Nova frees nothing of a host that does not run: the server holds it from elsewhere."""
    state = dead(WEB, OFF)

    after = STEP.after(change_of(state), state)

    assert after.servers == (OFF,)
    assert after.allocations == (replace(OF_WEB, owner=Owner.ELSEWHERE), OF_OFF)


def test_nothing_is_claimed_of_a_database_that_was_not_read():
    """There is nothing to foretell."""
    state = occupied(WEB, database=None)

    assert STEP.after(change_of(state), state).database is None


@pytest.mark.parametrize(
    ("state", "asked"),
    [
        (occupied(WEB), ("id-of-web", Action.LIVE, None)),
        (occupied(OFF, request=TO_NODE2), ("id-of-off", Action.COLD, "node2")),
        (dead(WEB), ("id-of-web", Action.EVACUATE, None)),
    ],
    ids=["alive", "stopped, to a target", "dead"],
)
def test_the_move_is_begun_by_one_call(state, asked):
    """With a request id to look for."""
    world = World(state)

    assert STEP.apply(change_of(state), FakeCloud(world), state) == "req-1"
    assert world.nova.asked == [asked]


@pytest.mark.parametrize(
    "now", [occupied(BUSY), occupied(SUSPENDED), occupied()], ids=["waits", "cannot", "gone"]
)
def test_a_move_by_itself_asks_only_for_what_the_state_allows(now):
    """What is not here, and what passes by itself, is not asked for."""
    assert STEP.apply(change_of(occupied(WEB)), None, now) is None


@pytest.mark.parametrize(
    ("now", "action"),
    [
        (occupied(OFF, WEB), Action.LIVE),
        (occupied(OFF, server(status="SHUTOFF")), Action.COLD),
        (occupied(OFF, BUSY), None),
    ],
    ids=["as before", "stopped meanwhile", "busy now"],
)
def test_the_course_is_that_of_the_server_by_its_state_of_now(now, action):
    """Whatever it was when the plan was made, and whoever else is on the host."""
    move = move_of(change_of(occupied(WEB)), now)

    assert (move.server, move.action) == ("id-of-web", action)


@pytest.mark.parametrize("now", [occupied(OFF), occupied(SUSPENDED)], ids=["gone", "cannot"])
def test_without_a_course_there_is_none(now):
    """Of a server that is not here any more, or cannot leave."""
    assert move_of(change_of(occupied(WEB)), now) is None
