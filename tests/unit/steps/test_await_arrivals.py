# SPDX-License-Identifier: Apache-2.0
"""Servers that are on their way to the host: which are, and that a run waits for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.cloud import Owner, owner_of
from nova_decom.model.report import Result
from nova_decom.model.request import Servers
from nova_decom.plan.jobs import DRAIN
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_stale
from nova_decom.steps.await_arrivals import AwaitArrivals
from tests.unit.build import allocation, facts, request, server
from tests.unit.moving_states import AUTO, WEB, occupied
from tests.unit.world import World

COMING = allocation(owner=Owner.ARRIVING, server="'web' BUILD, scheduling")
ARRIVING, BUSY, ELSEWHERE = Owner.ARRIVING, Owner.BUSY, Owner.ELSEWHERE


@pytest.mark.parametrize(
    ("flight", "host", "status", "task", "owner"),
    [
        ("a boot that is scheduled", "", "BUILD", "scheduling", ARRIVING),
        ("a boot whose request is in the queue", "", "BUILD", None, ARRIVING),
        ("a boot that failed", "", "ERROR", None, ARRIVING),
        ("an unshelve", "", "SHELVED_OFFLOADED", "unshelving", ARRIVING),
        ("shelved and offloaded", "", "SHELVED_OFFLOADED", None, ELSEWHERE),
        ("an evacuation to here", "dead", "ACTIVE", "rebuilding", BUSY),
        ("a cold migration or resize to here", "node2", "ACTIVE", "resize_prep", BUSY),
        (
            "a resize reverted to here",
            "node2",
            "REVERT_RESIZE",
            "resize_reverting",
            BUSY,
        ),
        ("a live migration to here", "node2", "MIGRATING", "migrating", BUSY),
        ("it has arrived meanwhile", "node1", "ACTIVE", None, ARRIVING),
        ("a rebuild here, not in the list", "node1", "REBUILD", "rebuilding", ARRIVING),
        ("it lives on another host", "node2", "ACTIVE", None, ELSEWHERE),
        ("it lives on a host with a similar name", "NODE1", "ACTIVE", None, ELSEWHERE),
    ],
)
def test_whose_an_allocation_is_of_a_server_that_is_not_listed(flight, host, status, task, owner):
    """By its host and its task: all of nova's flights."""
    found = server(host=host, status=status, task_state=task)

    assert owner_of(found, "node1") is owner, flight


def test_each_server_on_its_way_is_waited_for_where_servers_move():
    """Once, whatever the number of providers; without a way to move it, a guard refuses."""
    step = AwaitArrivals()
    coming = (COMING, replace(COMING, provider="child"), replace(COMING, consumer="other"))
    state = facts(allocations=coming, request=AUTO)

    first, second = step.changes(state)

    assert (first.target, second.target, first.only_waits) == ("id-of-web", "other", True)
    assert first.detail == (
        "wait for 'web' BUILD, scheduling id-of-web, which has an allocation on the host"
    )
    assert [c.target for c in step.changes(step.after(first, state))] == ["other"]
    assert list(step.changes(replace(state, request=request()))) == []


def arrive(world):
    """The server is there, and is listed."""
    there = occupied(WEB)
    world.change(servers=there.servers, allocations=there.allocations, database=there.database)


@pytest.mark.parametrize("job", [{}, {"job": DRAIN}], ids=["remove", "drain"])
def test_a_server_that_arrives_is_waited_for_and_moved(run, job):
    """Not before it is there: its request lies in the queue of nova-compute."""
    world = World(occupied(allocations=(COMING,), request=AUTO))
    process = run(world, **job)
    world.time.at(40, lambda: arrive(world))

    report = process.go()

    assert report.exit_code == ExitCode.SUCCESS, report.error
    assert world.nova.elsewhere["id-of-web"].status == "ACTIVE"
    steps = [(o.change.step, o.status) for o in report.outcomes]
    assert steps[:3] == [
        ("disable-service", Status.DONE),
        ("await-arrivals", Status.DONE),
        ("move-servers", Status.DONE),
    ]


def test_a_server_that_is_sent_to_the_host_just_before_it_is_disabled_is_waited_for(run):
    """Nobody has reviewed that; to wait changes nothing."""
    world = World(occupied())
    process = run(world)
    change = world.change

    def disable(**what):
        world.change = change
        change(**what, allocations=(COMING,))
        world.time.at(40, lambda: arrive(world))

    world.change = disable

    report = process.go()

    assert report.exit_code == ExitCode.SUCCESS, report.error
    assert world.nova.elsewhere["id-of-web"].status == "ACTIVE"
    assert [o.change.step for o in report.outcomes][1] == "await-arrivals"


@pytest.mark.parametrize("way", [Servers.REFUSE, Servers.AUTO])
def test_the_task_of_a_server_elsewhere_is_waited_for(run, way):
    """It does not come after all: then its allocation is one that is cleared."""
    busy = replace(COMING, owner=BUSY, server="'web' ACTIVE, rebooting")
    world = World(facts(request=request(servers=way), allocations=(busy,)))
    process = run(world)
    gone = (replace(busy, owner=ELSEWHERE),)
    world.time.at(40, lambda: world.change(allocations=gone))

    report = process.go()

    assert (report.result, report.error) == (Result.REMOVED, None)
    steps = [o.change.step for o in report.outcomes]
    assert steps[:2] == ["disable-service", "await-arrivals"]
    assert "clear-allocations" in steps
    assert world.truth == process.reviewed.result


def test_a_server_that_never_arrives_ends_the_run_before_any_delete(run):
    """The wait has a bound; nova-compute was not even stopped."""
    world = World(occupied(allocations=(COMING,), request=AUTO))

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.TIMEOUT)
    assert "await-arrivals id-of-web" in report.error
    assert set(world.writes) == {"disable"}


@pytest.mark.parametrize("way", [Servers.REFUSE, Servers.AUTO])
@pytest.mark.parametrize("state", ["in order", "half registered"])
def test_a_server_that_is_sent_to_the_host_during_the_run_stops_it_before_any_delete(
    run, way, state
):
    """Placement has it and nova lists it on no host: the allocations are read again."""
    what = {"providers": ()} if state == "half registered" else {}
    world = World(facts(request=request(servers=way), **what))
    process = run(world)
    world.time.at(5, lambda: world.change(allocations=(COMING,)))

    report = process.go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert "'web' BUILD, scheduling id-of-web" in report.error
    assert not {"delete", "purge", "create"} & set(world.writes)


def test_a_wait_more_does_not_make_a_reviewed_plan_stale():
    """It changes nothing."""
    state = facts(request=AUTO)
    now = make_plan(replace(state, allocations=(COMING,)))

    assert [c.step for c in now.changes][1] == "await-arrivals"
    assert raise_if_stale(make_plan(state), now) is None


def test_the_host_of_a_server_on_its_way_is_not_removed():
    """Every server must be able to leave: here no way was chosen."""
    plan = make_plan(facts(allocations=(COMING,)))

    assert [f.guard for f in plan.blocked] == ["servers-arriving"]
    assert f"openstack server show {COMING.consumer}" in plan.blocked[0].remedy


def test_nothing_is_awaited_where_only_servers_that_are_here_move():
    """They were named; one that arrives later was not."""
    coming = allocation(owner=Owner.ARRIVING)
    for only, waits in ((None, 1), (frozenset({"id-of-web"}), 0)):
        asked = request(servers=Servers.AUTO, only=only)
        state = facts(request=asked, allocations=(coming,))
        assert len(list(AwaitArrivals().changes(state))) == waits
