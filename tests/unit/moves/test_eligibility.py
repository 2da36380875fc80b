# SPDX-License-Identifier: Apache-2.0
"""Which way a server leaves: every state, by every way that may be chosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nova_decom.model.cloud import Action
from nova_decom.model.request import Servers
from nova_decom.moves.eligibility import moves_of
from nova_decom.moves.move import Move
from tests.unit import build
from tests.unit.build import facts, fleet, migration, neighbour, request, server, service

LIVE, COLD, EVACUATE = Action.LIVE, Action.COLD, Action.EVACUATE
CONFIRM, OFFLOAD = Action.CONFIRM, Action.OFFLOAD
STOP, START = Action.STOP, Action.START
#: No way leads off the host; nothing is asked, it passes by itself.
NO, WAIT = "no", "wait"
#: It may stay as it is.
STAY = "stay"
#: the state of a server, and how it leaves: auto, live, cold, evacuate, or is stopped
STATES = {
    "ACTIVE": (LIVE, LIVE, COLD, EVACUATE, STOP),
    "PAUSED": (LIVE, LIVE, NO, NO, NO),
    "SHUTOFF": (COLD, NO, COLD, EVACUATE, STAY),
    "ERROR": (NO, NO, NO, EVACUATE, NO),
    "SUSPENDED": (NO, NO, NO, NO, STAY),
    "RESCUE": (NO, NO, NO, NO, NO),
    "SOFT_DELETED": (NO, NO, NO, NO, STAY),
    "UNKNOWN": (NO, NO, NO, NO, NO),
    "VERIFY_RESIZE": (NO, NO, NO, NO, NO),
    "SHELVED": (OFFLOAD, OFFLOAD, OFFLOAD, NO, STAY),
    "SHELVED_OFFLOADED": (WAIT, WAIT, WAIT, NO, WAIT),
    "BUILD": (WAIT, WAIT, WAIT, NO, WAIT),
    "REBOOT": (WAIT, WAIT, WAIT, NO, WAIT),
    "HARD_REBOOT": (WAIT, WAIT, WAIT, NO, WAIT),
    "PASSWORD": (WAIT, WAIT, WAIT, NO, WAIT),
    "REBUILD": (WAIT, WAIT, WAIT, NO, WAIT),
    "MIGRATING": (WAIT, WAIT, WAIT, NO, WAIT),
    "RESIZE": (WAIT, WAIT, WAIT, NO, WAIT),
    "REVERT_RESIZE": (WAIT, WAIT, WAIT, NO, WAIT),
    "A STATE OF TOMORROW": (NO, NO, NO, NO, NO),
}
WAYS = (Servers.AUTO, Servers.LIVE, Servers.COLD, Servers.EVACUATE, Servers.STOP)
MATRIX = [
    pytest.param(status, way, wanted, id=f"{status}, {way}")
    for status, row in STATES.items()
    for way, wanted in zip(WAYS, row, strict=True)
]


def moved(way=Servers.AUTO, **what):
    """A host with one server that leaves this way."""
    asked = request(servers=way, offline=way is Servers.EVACUATE, **what.pop("asked", {}))
    return facts(**{"request": asked, "servers": (server(),)} | what)


def only(state):
    """The one course or obstacle."""
    (found,) = moves_of(state)
    return found


def kind(found):
    """What the tables above call it."""
    if not isinstance(found, Move):
        return NO
    return found.action or WAIT


@pytest.mark.parametrize(("status", "way", "wanted"), MATRIX)
def test_a_state_and_a_way_make_a_course(status, way, wanted):
    """What cannot leave is told why, and what would help."""
    state = moved(way, servers=(server(status=status),))
    if wanted is STAY:
        assert not tuple(moves_of(state))
        return
    found = only(state)

    assert (found.server, kind(found)) == ("id-of-web", wanted)
    assert "'web' id-of-web" in found.text
    if wanted is NO:
        assert found.remedy
        assert not found.in_migration


def test_without_a_way_nothing_moves():
    """Refusing is the default."""
    assert not tuple(moves_of(facts(servers=(server(),), migrations=(migration(),))))


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF", "PAUSED"])
def test_a_server_that_is_busy_is_waited_for(status):
    """Nova refuses to move it while a task is under way."""
    found = only(moved(servers=(server(status=status, task_state="image_uploading"),)))

    assert kind(found) == WAIT
    assert "image_uploading" in found.text


@pytest.mark.parametrize("task", [None, "rebuilding"])
def test_a_dead_host_is_evacuated_whatever_its_servers_were_doing(task):
    """Their tasks went with the host."""
    found = only(moved(Servers.EVACUATE, servers=(server(task_state=task),)))

    assert kind(found) is EVACUATE


def test_auto_evacuates_a_dead_host():
    """Nothing else would work."""
    state = facts(request=request(servers=Servers.AUTO, offline=True), servers=(server(),))

    assert kind(only(state)) is EVACUATE


def test_locked_servers_are_told():
    """An administrator's token moves them all the same."""
    assert "locked" in only(moved(servers=(server(locked=True),))).text


#: type, status, source, destination; with --confirm-resizes; how it leaves
MIGRATIONS = [
    ("live-migration", "running", "node1", "node2", False, WAIT),
    ("live-migration", "accepted", "node1", None, False, WAIT),
    ("live-migration", "running", "node2", "node1", False, WAIT),
    ("migration", "finished", "node1", "node2", False, CONFIRM),
    ("migration", "finished", "node2", "node1", False, CONFIRM),
    ("migration", "confirming", "node1", "node2", False, WAIT),
    ("resize", "migrating", "node1", "node2", False, WAIT),
    ("resize", "finished", "node1", "node2", False, NO),
    ("resize", "finished", "node2", "node1", False, NO),
    ("resize", "finished", "node1", "node2", True, CONFIRM),
]


@pytest.mark.parametrize(("kind_of", "status", "source", "to", "confirm", "wanted"), MIGRATIONS)
def test_a_migration_is_waited_for_or_confirmed(kind_of, status, source, to, confirm, wanted):
    """A cold migration is an operator's; a resize is its user's to confirm."""
    going = migration(type=kind_of, status=status, source=source, destination=to)
    state = moved(asked={"confirm_resizes": confirm}, servers=(), migrations=(going,))

    found = only(state)

    assert (found.server, kind(found)) == ("id-of-web", wanted)
    assert f"{kind_of} 7, {status}, from {source} to {to or 'no host yet'}" in found.text
    if wanted is NO:
        assert found.in_migration
    else:
        assert found.migration == going


def test_a_server_with_a_migration_is_told_once():
    """It is here until it has moved."""
    found = only(moved(migrations=(migration(),)))

    assert kind(found) == WAIT
    assert "'web' id-of-web (ACTIVE)" in found.text


@pytest.mark.parametrize(("type_of", "wanted"), [("live-migration", NO), ("evacuation", WAIT)])
def test_on_a_dead_host_only_an_evacuation_ends(type_of, wanted):
    """Whatever else was going on waits for a host that does not come back."""
    found = only(moved(Servers.EVACUATE, migrations=(migration(type=type_of),)))

    assert kind(found) == wanted


@pytest.mark.parametrize(("confirm", "wanted"), [(False, NO), (True, CONFIRM)])
def test_a_resize_within_the_host_waits_for_its_user(confirm, wanted):
    """Its migration may be one that nova no longer tells."""
    state = moved(asked={"confirm_resizes": confirm}, servers=(server(status="VERIFY_RESIZE"),))

    assert kind(only(state)) == wanted


BEGAN = "2026-11-23T04:00:00Z"


def fleet_after(seconds):
    """A cloud whose newest report came so long after BEGAN; without one, no time is known."""
    if seconds is None:
        return fleet()
    newest = datetime(2026, 11, 23, 4, tzinfo=UTC) + timedelta(seconds=seconds)
    moment = newest.strftime("%Y-%m-%dT%H:%M:%S.000000")
    return fleet(service(updated_at="2026-11-23T03:00:00.000000"), neighbour(updated_at=moment))


#: status, task, seconds without a change; words of the cure where it blocks
PASSING = [
    ("BUILD", "scheduling", 600, None),
    ("BUILD", "scheduling", 601, "delete it, or openstack server set --state error"),
    ("BUILD", "spawning", 3600, None),
    ("BUILD", "spawning", 3601, "then rebuild it"),
    ("MIGRATING", "migrating", 601, "openstack server set --state active --auto-approve"),
    ("ACTIVE", "powering-on", 601, "the log of nova-compute"),
    ("ACTIVE", "image_uploading", 601, None),
    ("ACTIVE", "deleting", 600, None),
    ("ACTIVE", "deleting", 601, "--state error --auto-approve, then delete it again"),
    ("REBOOT", None, None, None),
]


@pytest.mark.parametrize(("status", "task", "seconds", "cure"), PASSING)
def test_a_state_that_does_not_pass_blocks(status, task, seconds, cure):
    """With the time since when, and its cure; copying a disk may take longer."""
    one = server(status=status, task_state=task, updated_at=BEGAN)

    found = only(moved(servers=(one,), fleet=fleet_after(seconds)))

    assert kind(found) == (NO if cure else WAIT)
    if cure:
        assert f"unchanged since {BEGAN}" in found.text
        assert cure in found.remedy


@pytest.mark.parametrize("task", ["deleting", "soft-deleting"])
def test_a_server_that_is_being_deleted_is_waited_for_and_not_moved(task):
    """On a dead host it is deleted by its record, and not built anew."""
    one = server(task_state=task)

    waited = only(moved(servers=(one,)))
    dead = only(moved(Servers.EVACUATE, servers=(one,)))

    assert (kind(waited), kind(dead)) == (WAIT, NO)
    assert waited.text == f"wait until 'web' id-of-web (ACTIVE), {task}, is gone"
    assert "openstack server delete" in dead.remedy


@pytest.mark.parametrize(("seconds", "wanted"), [(None, WAIT), (86400, WAIT), (86401, NO)])
def test_a_migration_that_has_not_changed_for_a_day_blocks(seconds, wanted):
    """It is aborted; one that waits to be confirmed may wait for longer."""
    stalled = migration(updated_at=BEGAN)
    waiting = migration(type="migration", status="finished", updated_at=BEGAN)
    later = fleet_after(seconds)

    found = only(moved(migrations=(stalled,), fleet=later))

    assert kind(found) == wanted
    assert kind(only(moved(migrations=(waiting,), fleet=later))) is CONFIRM
    if wanted is NO:
        assert "live-migration 7, running, from node1 to node2; it has not changed" in found.text


LATER = "2026-11-23T04:00:01Z"
#: status of the newest migration, its source, when it and the server changed; seconds; the way
RECORDS = [
    ("completed", "node1", BEGAN, BEGAN, 61, NO),
    ("done", "node1", BEGAN, BEGAN, 61, NO),
    ("completed", "node1", LATER, BEGAN, 61, WAIT),
    ("completed", "node1", BEGAN, LATER, 61, WAIT),
    ("completed", "node1", BEGAN, BEGAN, None, WAIT),
    ("completed", "node2", BEGAN, BEGAN, 61, WAIT),
    ("error", "node1", BEGAN, BEGAN, 61, WAIT),
]


@pytest.mark.parametrize(("status", "source", "ended_at", "updated", "seconds", "wanted"), RECORDS)
def test_records_that_contradict_each_other_block(
    status, source, ended_at, updated, seconds, wanted
):
    """A server that is migrating here, while its migration ended elsewhere, never ends."""
    ended = migration(status=status, source=source, updated_at=ended_at)
    one = server(status="MIGRATING", task_state="migrating", updated_at=updated)
    both = (migration(8, server="other"), ended)

    found = only(moved(servers=(one,), ended=both, fleet=fleet_after(seconds)))

    assert kind(found) == wanted
    if wanted is NO:
        assert f"live-migration 7, {status}, from node1 to node2" in found.text
        assert "virsh list" in found.remedy


def test_an_ended_migration_says_nothing_of_a_server_that_does_not_migrate():
    """Most servers have one."""
    state = moved(
        servers=(server(updated_at=BEGAN),),
        ended=(migration(status="completed", updated_at=BEGAN),),
        fleet=fleet_after(1e6),
    )

    assert kind(only(state)) is LIVE


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_the_target_is_told(status):
    """Where one is named."""
    found = only(moved(asked={"target": "node2"}, servers=(server(status=status),)))

    assert found.text.endswith(" to node2")


def test_each_way_is_one_of_the_ways():
    """The table of states has a column for each."""
    assert {*WAYS, Servers.REFUSE} == set(Servers)
    assert build.HOST == "node1"


#: the state of a server that a drain has stopped, and what brings it back
STARTED = [("SHUTOFF", START), ("ACTIVE", STAY), ("ERROR", NO), ("PAUSED", NO), ("BUILD", WAIT)]


@pytest.mark.parametrize(("status", "wanted"), STARTED)
def test_a_server_that_was_stopped_is_started_where_it_is(status, wanted):
    """Another that is off was off before; what comes to the host is no business of this host."""
    back = {"home": "node1", "target": "node1", "stopped": frozenset({"id-of-web"})}
    servers = (server(status=status), server("other", status="SHUTOFF"))
    state = moved(servers=servers, asked=back, migrations=(migration(source="node2"),))

    assert [kind(m) for m in moves_of(state)] == [wanted] * (wanted is not STAY)


def test_a_resize_is_confirmed_before_its_server_is_stopped():
    """Where that is allowed."""
    resized = (server(status="VERIFY_RESIZE"),)
    found = only(moved(Servers.STOP, servers=resized, asked={"confirm_resizes": True}))

    assert (found.action, found.text.split(" 'web'")[0]) == (CONFIRM, "confirm, then stop,")
