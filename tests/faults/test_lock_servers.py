# SPDX-License-Identifier: Apache-2.0
"""Removals in real time with locks at a real etcd, Redis and ZooKeeper, which die or hang."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import tooz.drivers.etcd3gw
import tooz.drivers.redis
import tooz.drivers.zookeeper  # noqa: F401 - imported once for all processes

from nova_decom.clients.lock_service import SECONDS, shared_locks
from nova_decom.errors import BusyError
from nova_decom.exit_codes import ExitCode
from tests.chaos.shapes import World
from tests.faults.conftest import Cloud
from tests.faults.lock_servers import LEASE, SERVERS, lock_servers
from tests.faults.openstack import UNIT_OFF
from tests.faults.real_time import FORK, Run, beating
from tests.lab.waiting import wait_until

#: Seconds between heartbeats: in two of them, before the delete, the lock service is lost.
INTERVAL = 2.5
#: Seconds beside the waits of the program, for so many processes on a machine with two cores.
WORK = 20
OPTIONS = ("--report-interval", str(INTERVAL), "--settle", "0")
#: Seconds from the loss of the lock service to the end of the run.
BOUND = 2 * INTERVAL + SECONDS + WORK
#: How a lapsed lock ends the run: ZooKeeper refuses the session until it is a new one.
LAPSED = {
    "etcd": {ExitCode.BUSY},
    "redis": {ExitCode.BUSY},
    "zookeeper": {ExitCode.BUSY, ExitCode.UNAVAILABLE},
}


@pytest.fixture
def services(tmp_path):
    with lock_servers(tmp_path / "locks") as running:
        yield running


@pytest.fixture
def world(cloud: Cloud) -> Iterator[Cloud]:
    """A cloud with a stopped host for each run, whose other hosts are alive."""
    world = World(cloud.site)
    for host in SERVERS:
        world.host(host)
        world.state.units[host] = UNIT_OFF
    world.state.write()
    with beating(cloud):
        yield cloud


@contextmanager
def removals(cloud: Cloud, urls: dict[str, str]) -> Iterator[list[Run]]:
    """Removals with a lock at each service, which have begun: they are named as the services."""
    runs = [Run(cloud, host, *OPTIONS, NOVA_DECOM_LOCK_URL=url) for host, url in urls.items()]
    try:
        wait_until(
            lambda: len(cloud.writes) == len(runs) or not all(r.process.is_alive() for r in runs),
            timeout=3 * WORK,
            what="the first change of each run",
        )
        assert len(cloud.writes) == len(runs), [r.err.read_text() for r in runs]
        yield runs
    finally:
        for run in runs:
            run.process.kill()
            run.process.join()


def left(cloud: Cloud) -> set[str]:
    """The hosts that nova still has."""
    rows = cloud.truth.rows["nova.services"].values()
    return {row["host"] for row in rows if not row["deleted"]}


def test_a_lock_service_that_dies_ends_the_run_before_anything_is_deleted(world, services):
    """Within the bound of one call, with the libraries' complaints in no output."""
    with removals(world, services.urls) as runs:
        services.signal(signal.SIGKILL)
        for run in runs:
            code, document, stderr = run.end(BOUND)

            assert code == document["exit_code"] == ExitCode.UNAVAILABLE, (run.host, stderr)
            error = document["hosts"][0]["error"]
            assert error["message"].startswith("the lock service of --lock-url cannot be used (")
            assert "WARNING" not in stderr
    assert {run.host for run in runs} <= left(world)


def test_a_lock_service_that_hangs_keeps_no_signal_from_ending_the_run(world, services):
    """The lock cannot be released; it lapses."""
    with removals(world, services.urls) as runs:
        services.signal(signal.SIGSTOP)
        for run in runs:
            run.process.terminate()
        for run in runs:
            code, document, stderr = run.end(BOUND)

            assert code == document["exit_code"] == ExitCode.TERMINATED, (run.host, stderr)
            assert document["changed"]
            assert "WARNING" not in stderr
    assert {run.host for run in runs} <= left(world)


def test_a_lock_that_lapses_while_the_machine_is_suspended_ends_the_run(world, services):
    """Another run has had it by then; nothing is deleted."""
    with removals(world, services.urls) as runs:
        for run in runs:
            os.kill(run.process.pid or 0, signal.SIGSTOP)
        others = [FORK.Process(target=take, args=item) for item in services.urls.items()]
        for other in others:
            other.start()
        for other in others:
            other.join(LEASE + WORK)
            assert other.exitcode == 0
        for run in runs:
            os.kill(run.process.pid or 0, signal.SIGCONT)
        for run in runs:
            code, document, stderr = run.end(BOUND)

            assert code == document["exit_code"], (run.host, stderr)
            assert code in LAPSED[run.host], (run.host, stderr)
            assert "lock service of --lock-url" in document["hosts"][0]["error"]["message"]
            assert "WARNING" not in stderr
    assert {run.host for run in runs} <= left(world)


def take(host: str, url: str) -> None:
    """Take the lock as soon as it is free."""
    while True:
        with shared_locks(url, [host]) as locks, suppress(BusyError):
            locks.check(host)
            return
