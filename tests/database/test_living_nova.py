# SPDX-License-Identifier: Apache-2.0
"""Purges beside 200 hosts that report ten times as often as they would."""

import threading
import time
from dataclasses import dataclass, field

import pymysql
import pytest

from nova_decom.clock import Clock
from nova_decom.errors import ChangeFailedError
from tests.database.conftest import Images
from tests.database.server import CELL_TABLES

pytestmark = pytest.mark.database

HOSTS = 200
#: Each host reports every 10 s; ten times as often is every second.
RATE = HOSTS / 1.0
SECONDS = 5.0
WORKERS = 4
#: A heartbeat may wait so many seconds because of us.
BOUND = 0.05
#: As nova writes it (nova 34.0.0 servicegroup/drivers/db.py, objects/service.py).
BEAT = (
    "UPDATE services SET updated_at = UTC_TIMESTAMP(), report_count = report_count + 1, "
    "last_seen_up = UTC_TIMESTAMP() WHERE services.id = %s"
)
#: A heartbeat, a resource report, a server that comes and goes, a migration.
WRITES = (
    "UPDATE services SET report_count = report_count + 1 WHERE host = '{host}'",
    "UPDATE compute_nodes SET vcpus_used = vcpus_used + 1 WHERE host = '{host}'",
    "INSERT INTO instances (uuid, host, node, deleted) VALUES (UUID(), '{host}', '{host}', 0)",
    "UPDATE instances SET deleted = id WHERE host = '{host}' AND deleted = 0",
    "INSERT INTO migrations (source_compute, status, deleted) VALUES ('{host}', 'completed', 0)",
)
LOCK_WAITS = "SHOW GLOBAL STATUS WHERE Variable_name = 'Innodb_row_lock_waits'"


@dataclass
class Fleet:
    """Hosts that report in turn; how long each report took, in seconds."""

    nova: object
    ids: list[int]
    times: list[float] = field(default_factory=list)

    def report(self, meanwhile=lambda: None):
        """Report for some seconds, and do something beside it; the lock waits of all that."""
        before = self._lock_waits()
        stop = threading.Event()
        workers = [threading.Thread(target=self._work, args=(n, stop)) for n in range(WORKERS)]
        for worker in workers:
            worker.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            meanwhile()
            stop.wait(0.05)
        stop.set()
        for worker in workers:
            worker.join(timeout=30)
        return self._lock_waits() - before

    def _work(self, number, stop):
        mine = self.ids[number::WORKERS]
        due, pause = time.monotonic(), WORKERS / RATE
        with self.nova.server.connect("nova") as connection, connection.cursor() as cursor:
            while not stop.is_set():
                for identity in mine:
                    begin = time.monotonic()
                    cursor.execute(BEAT, (identity,))
                    self.times.append(time.monotonic() - begin)
                    due += pause
                    stop.wait(max(0.0, due - time.monotonic()))

    def _lock_waits(self):
        (row,) = self.nova.cell.query(LOCK_WAITS)
        return int(row["Value"])

    def told(self, name):
        """One line, in milliseconds."""
        ordered = [t * 1000 for t in sorted(self.times)]
        return (
            f"{name:>10}: {len(ordered)} heartbeats, median {ordered[len(ordered) // 2]:.1f} ms, "
            f"99% {ordered[-len(ordered) // 100]:.1f} ms, worst {ordered[-1]:.1f} ms"
        )


@pytest.fixture
def ids(nova):
    """The services of 200 hosts between which the one to go has its place in every index."""
    hosts = [f"node{number}" for number in range(HOSTS)]
    return [nova.cell.host(host)[0] for host in hosts]


def ghost(nova):
    """What is left of a host whose name stands between the others'."""
    _, node = nova.cell.host("node100.old")
    nova.cell.pci_device(node)
    nova.cell.pci_device(node)


def test_no_heartbeat_waits_for_a_purge(nova, ids, capsys):
    """Purge after purge, each with its locks held for long, beside a living nova."""
    purges = []

    def purge():
        ghost(nova)
        # Far longer than a journal takes to be on the disk.
        images = Images(lambda _table: time.sleep(0.1))
        nova.writing().run(nova.purge("node100.old"), images)
        purges.append(len(images.tables))

    without, beside = Fleet(nova, ids), Fleet(nova, ids)
    without.report()
    waits = beside.report(purge)

    with capsys.disabled():
        print(f"\n{without.told('without us')}\n{beside.told('with us')}, {len(purges)} purges")
    assert len(purges) >= 5
    assert len(beside.times) > 0.8 * RATE * SECONDS
    # What the server itself counts: no row lock of ours was ever waited for.
    assert waits == 0
    assert sorted(beside.times)[-3] < max(BOUND, max(without.times) + BOUND)
    assert {row["host"] for row in nova.cell.rows("services")} == {
        f"node{n}" for n in range(HOSTS)
    }


def test_a_measure_that_would_see_a_wait(nova, ids):
    """A lock on all rows, as a condition on hypervisor_hostname takes it, is seen and counted."""

    def lock():
        with nova.server.connect("nova") as other, other.cursor() as cursor:
            cursor.execute("START TRANSACTION")
            cursor.execute("SELECT id FROM services WHERE topic = 'no such' FOR UPDATE")
            time.sleep(0.2)
            other.rollback()

    fleet = Fleet(nova, ids)
    assert fleet.report(lock) > 0
    assert max(fleet.times) > BOUND


class Writers:
    """Sessions that write to hosts of their own without a pause, until they are stopped."""

    def __init__(self, nova, hosts):
        self._nova, self._hosts = nova, hosts
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(3)]
        self.rounds = [0] * len(self._threads)
        self.errors = []

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _write(self, number):
        with self._nova.server.connect("nova") as connection, connection.cursor() as cursor:
            while not self._stop.is_set():
                for host in self._hosts[number :: len(self._threads)]:
                    try:
                        for statement in WRITES:
                            cursor.execute(statement.format(host=host))
                    except pymysql.MySQLError as error:
                        self.errors.append(error)
                self.rounds[number] += 1


def test_purges_beside_sessions_that_write(nova):
    """Each of 25 purges succeeds at once; the rows of all others are as they were."""
    ghosts = [f"node{number:02}" for number in range(25)]
    writers = [f"{host}-writes" for host in ghosts]
    for host in ghosts:
        nova.cell.host(f"{host}-writes")
        for each in (host, f"{host}-stays"):
            nova.cell.pci_device(nova.cell.host(each)[1])
    nova.cell.instance("node07-stays")
    before = staying(nova)

    with Writers(nova, writers) as others:
        images = Images()
        for host in ghosts:
            nova.writing().run(nova.purge(host), images)

    assert others.errors == []
    assert min(others.rounds) >= 1
    # Each table once for each purge: none was run again.
    assert images.tables == ["pci_devices", "compute_nodes", "services"] * len(ghosts)
    assert staying(nova) == before
    left = {*writers, *(f"{host}-stays" for host in ghosts)}
    for table in ("services", "compute_nodes"):
        assert {row["host"] for row in nova.cell.rows(table)} == left


def staying(nova):
    """Whole rows of the hosts that nobody writes to."""
    nodes = [r for r in nova.cell.rows("compute_nodes") if r["host"].endswith("-stays")]
    own = {r["id"] for r in nodes}
    return {
        "compute_nodes": nodes,
        "pci_devices": [r for r in nova.cell.rows("pci_devices") if r["compute_node_id"] in own],
        **{
            table: [r for r in nova.cell.rows(table) if str(r["host"]).endswith("-stays")]
            for table in ("services", "instances")
        },
    }


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize("moment", ["before the purge", "while it waits to be run again"])
def test_a_server_that_lands_after_the_plan(nova, moment):
    """Between plan and purge, or between two attempts: nothing is deleted, all is as it was."""
    ghost(nova)
    transaction = nova.purge("node100.old")
    landed = []

    def land(*_):
        if not landed:
            landed.append(nova.cell.instance("node100.old"))

    def lose(table):
        if moment != "before the purge" and table == "services" and not landed:
            for row in nova.cell.query(
                "SELECT id FROM information_schema.processlist WHERE user = 'nova'"
            ):
                nova.cell.query("KILL %s", row["id"])

    if moment == "before the purge":
        land()
    databases = nova.writing()
    databases.cells[0].database._clock = Clock(sleep=land)
    before = nova.cell.checksums(*CELL_TABLES[:3])
    with pytest.raises(ChangeFailedError, match="1 row instead of 0 for: SELECT id, host FROM"):
        databases.run(transaction, Images(lose))

    assert nova.cell.checksums(*CELL_TABLES[:3]) == before
    assert len(landed) == len(nova.cell.rows("instances")) == 1
