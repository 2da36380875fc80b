# SPDX-License-Identifier: Apache-2.0
"""A nova-compute that was asked to stop works on for minutes: it is waited out, never killed.

``graceful_shutdown_timeout`` is 180 s since nova 33.0.0. Until it ends its heartbeat counts on
and nova shows it up; nova shows it down a minute after the last beat.
"""

from __future__ import annotations

import pytest

from nova_decom.exit_codes import ExitCode
from nova_decom.model.host import SystemdUnit
from nova_decom.model.report import Result
from nova_decom.model.request import StopWith
from tests.unit import build
from tests.unit.build import facts, request
from tests.unit.world import UNIT, World

SHUTDOWN, DOWN_AFTER, INTERVAL = 180.0, 60.0, 10.0
STOPPING = SystemdUnit(UNIT, active=True, enabled=False)
OFF = SystemdUnit(UNIT, active=False, enabled=False)


def shut_down(world, moments):
    """nova-compute begins to end; the process and its heartbeat go on for a while."""
    world.unit = STOPPING

    def end():
        moments.append(world.time.now())
        world.unit, world.beating = OFF, False
        world._silent_since = world.time.now()
        world.time.at(DOWN_AFTER, world.fall_silent)

    world.time.at(SHUTDOWN, end)


def stopping(stop_with):
    """A world in which stopping takes three minutes, and the moment at which it has ended."""
    world, moments = World(facts(request=request(stop_with=stop_with))), []
    if stop_with is StopWith.NONE:
        world.time.at(5, lambda: shut_down(world, moments))
    elif stop_with is StopWith.COMMAND:
        world.on_stop = lambda: shut_down(world, moments)
    else:

        def stop():
            # systemctl returns when the unit has ended.
            shut_down(world, moments)
            world.time.sleep(SHUTDOWN)

        world.on_stop = stop
    return world, moments


@pytest.mark.parametrize("stop_with", StopWith)
def test_a_shutdown_of_three_minutes_is_waited_out(run, stop_with):
    """The default timeout suffices; nothing is deleted before the heartbeat stands still."""
    world, ended = stopping(stop_with)
    deleted = []
    delete = world.delete_service
    world.delete_service = lambda uuid: (deleted.append(world.time.now()), delete(uuid))

    report = run(world).go()

    assert (report.result, report.error) == (Result.REMOVED, None)
    assert world.writes.count("stop") == (stop_with is not StopWith.NONE)
    # The last beat may be an interval older than the end of the process.
    assert deleted[0] - ended[0] >= request().silence - INTERVAL


@pytest.mark.parametrize("stop_with", StopWith)
def test_a_server_that_is_built_during_the_shutdown_stops_the_run_before_any_delete(
    run, stop_with
):
    """nova-compute carries out what it has in hand: the servers are read again."""
    world, _ = stopping(stop_with)
    built = {"servers": (build.server(),), "allocations": (build.allocation(),)}
    world.time.at(60, lambda: world.change(**built))

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert "servers-present: 1 server on the host: 'web'" in report.error
    assert not {"delete", "purge"} & set(world.writes)


@pytest.mark.parametrize("stop_with", [StopWith.COMMAND, StopWith.NONE])
def test_a_shutdown_longer_than_the_timeout_ends_the_run_and_a_second_one_goes_on(run, stop_with):
    """The process is left alone; running again waits on."""
    world, _ = stopping(stop_with)

    report = run(world, timeout=100.0).go()

    assert report.exit_code == ExitCode.TIMEOUT
    assert not {"delete", "purge"} & set(world.writes)
    world.on_stop = lambda: None
    assert run(world).go().result is Result.REMOVED
