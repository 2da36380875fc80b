# SPDX-License-Identifier: Apache-2.0
"""Runs that are killed or lied to; and running again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.exit_codes import ExitCode
from nova_decom.model.cloud import Aggregate, Owner
from nova_decom.model.machine import SystemdUnit
from nova_decom.model.report import Result
from nova_decom.model.request import StopWith
from nova_decom.registrars.network_agents import agents_of
from nova_decom.verify.readd import NOT_OURS
from tests.unit import build
from tests.unit.build import facts, request, service
from tests.unit.states import ALL_STATES, stale
from tests.unit.world import Kill, World

STORIES = {
    name: ALL_STATES[name]
    for name in (
        "in order",
        "in aggregates",
        "with PCI devices",
        "stopped by a command",
        "rows kept",
        "without a database",
        "all in one, all binaries, conductor down",
        "with a dead agent",
        "an evacuated server's allocation",
        "nobody's allocation on two",
        "provider missing, its name taken, in use",
        "compute node gone, in an aggregate",
        "compute node gone, nova 22",
        "compute node gone, nova 22, in an aggregate, kept",
        "both rows gone",
        "a tree of ghosts",
    )
}


def count_writes(state, run):
    """How many writes an undisturbed run makes, and how the host ends."""
    world = World(state)
    run(world).go()
    return len(world.writes), world.truth


@pytest.mark.parametrize("answer_lost", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("state", STORIES.values(), ids=STORIES)
def test_killed_at_any_write_and_run_again_ends_the_same(run, state, answer_lost):
    """The cloud says what is done: the second run goes on from wherever the first one died."""
    writes, end = count_writes(state, run)
    for number in range(1, writes + 1):
        world = World(state)
        world.fail(number, Kill(), answer_lost=answer_lost)
        with pytest.raises(Kill):
            run(world).go()

        report = run(world, was_known=True).go()

        assert (report.result, report.exit_code) == (Result.REMOVED, ExitCode.SUCCESS)
        assert world.truth == end
        assert len(world.writes) <= writes + 2


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_plan_of_a_killed_run_can_be_carried_out_to_its_end(run, number):
    """Changes less than reviewed are fine, so the same plan file serves again."""
    world = World(facts())
    world.fail(number, Kill(), answer_lost=True)
    first = run(world)
    with pytest.raises(Kill):
        first.go()

    report = run(world, was_known=True).go(first.reviewed)

    assert report.exit_code == ExitCode.SUCCESS
    # Stopping is asked of the host anew: a command may be the only one that knows.
    assert world.writes.count("delete") == world.writes.count("purge") == 1


@pytest.mark.parametrize("sees_processes", [False, True])
@pytest.mark.parametrize("stop_with", StopWith)
def test_a_heartbeat_that_moves_for_ever_ends_the_run_before_any_delete(
    run, stop_with, sees_processes
):
    """A unit that claims to be stopped proves nothing; the wait has a bound."""
    world = World(facts(request=request(stop_with=stop_with)))
    world.obeys, world.sees_processes = False, sees_processes

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.TIMEOUT)
    assert report.error.startswith("node1: stop-service")
    assert "must not change for 20 s" in report.error
    assert not {"delete", "purge"} & set(world.writes)
    assert 300 <= world.time.now() - 1000 <= 301


def test_a_unit_that_runs_again_is_not_taken_for_stopped(run):
    """Something starts it anew before the proof is complete: it is waited for, in vain."""
    world = World(facts())
    world.time.at(5, lambda: setattr(world, "beating", True))

    report = run(world).go()

    assert report.exit_code == ExitCode.TIMEOUT
    assert "delete" not in world.writes


def test_a_service_that_somebody_enables_again_is_not_deleted(run):
    """The scheduler may send servers once more: what was undone is named, nothing is deleted."""
    world = World(facts())
    world.time.at(5, lambda: world.change(services=(service(state="down"),)))

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert "delete-service not begun" in report.error
    assert f"disable-service: PUT /os-services/{build.SERVICE}" in report.error
    assert report.remedy == "find out what undid it, then run again"
    assert world.writes == ["disable", "stop"]


def test_a_unit_that_stays_active_is_waited_for(run):
    """Stopping is believed when the unit is seen to be off."""
    world = World(facts())
    process = run(world)
    still_on = SystemdUnit("nova-compute.service", active=True, enabled=False)

    world.on_stop = lambda: setattr(world, "unit", still_on)

    report = process.go()

    assert report.exit_code == ExitCode.TIMEOUT
    assert report.error.startswith("node1: stop-service node1")
    assert world.writes == ["disable", "stop"]


def test_a_call_that_nobody_reviewed_is_left_undone_and_named(run):
    """A second agent dies during the run: only the one of the plan is deleted."""
    dying = build.agent(id="dying", alive=True)
    world = World(facts(agents=(build.agent(), dying)))
    world.time.at(
        5,
        lambda: world.change(registrars=build.agents(build.agent(), replace(dying, alive=False))),
    )

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.CHANGES)
    assert report.error.startswith("still there: network-agent dying")
    assert world.writes.count("agent") == 1
    assert [a.id for a in agents_of(world.truth).own] == ["dying"]


RETURNS = [
    ("its service", {"services": (service(id="a new one"),)}, "compute-service a new one"),
    ("its provider", {"providers": (build.provider("new"),)}, "resource-provider new"),
    ("a membership", {"aggregates": (Aggregate(9, "slow", ("node1",)),)}, "aggregate 9"),
]


@pytest.mark.parametrize(
    ("news", "named"), [pytest.param(n, w, id=case) for case, n, w in RETURNS]
)
def test_what_comes_back_in_the_settle_time_is_exit_8(run, news, named):
    """Everything was deleted, and somebody still starts nova-compute."""
    world = World(facts())
    world.time.at(60, lambda: world.change(**news))

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.REAPPEARED)
    assert report.error.startswith(f"came back: {named}")
    assert "mask" in report.remedy


def test_rows_that_come_back_in_the_settle_time_are_exit_8(run):
    """nova-compute makes its row anew before anything else."""
    world = World(facts())

    def come_back():
        rows = world.truth.database
        world.change(database=replace(rows, services=(build.service_row(99, uuid="new"),)))

    world.time.at(60, come_back)

    assert run(world).go().exit_code == ExitCode.REAPPEARED


def test_without_a_settle_time_nobody_waits(run):
    """--settle 0 looks once."""
    world = World(facts(request=request(offline=True), service=service(state="down")))
    start = world.time.now()

    report = run(world, settle=0.0).go()

    assert report.result is Result.REMOVED
    assert report.unchecked == (*NOT_OURS, "whether it comes back: --settle 0")
    assert world.time.now() - start <= 21


LEFT = [
    ("an agent alive", {"agents": (build.agent(alive=True),)}, "stop it on the host, then"),
    (
        "an agent that neutron keeps",
        {"agents": (build.agent(refused=True),)},
        "remove its OVN chassis",
    ),
    ("an allocation", {"allocations": (build.allocation(),)}, "move the server"),
    (
        "an allocation that is not nova's",
        {"allocations": (stale(Owner.FOREIGN),)},
        "release it where it was made",
    ),
]


@pytest.mark.parametrize(("state", "cure"), [pytest.param(s, c, id=case) for case, s, c in LEFT])
def test_what_the_procedure_cannot_take_away_is_exit_3(run, state, cure):
    """It was there before, so it did not come back; it is named with its cure."""
    report = run(World(facts(**state))).go()

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.CHANGES)
    assert report.error.startswith("still there: ")
    assert cure in report.remedy


def test_a_leftover_that_looks_different_later_did_not_come_back(run):
    """An agent whose host was switched off is found dead a minute later: the same agent."""
    world = World(facts(agents=(build.agent(alive=True),)))
    world.time.at(60, lambda: world.change(registrars=build.agents(build.agent(alive=False))))

    assert run(world).go().exit_code == ExitCode.CHANGES


def test_a_doubt_at_the_end_is_told(run):
    """A cell that falls silent in the settle time leaves no trace, and no proof either."""
    world = World(facts())
    process = run(world)
    silent = replace(build.neighbour("node9"), id=None, status="UNKNOWN")
    fleet = replace(world.truth.fleet, services=(*world.truth.fleet.services, silent))
    world.time.at(30, lambda: world.change(fleet=fleet))

    report = process.go()

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.CHANGES)
    assert report.error.startswith("cells-answering: ")
    assert report.remedy
