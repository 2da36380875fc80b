# SPDX-License-Identifier: Apache-2.0
"""Deadlocks, killed connections, and answers to COMMIT that never come."""

import threading
import time

import pytest

from nova_decom.clients.mysql import connection
from nova_decom.clients.mysql.url import target
from nova_decom.errors import ChangeFailedError, UnavailableError
from nova_decom.model.sql import Statement
from tests.database.conftest import Images
from tests.database.proxy import lose_reply, lose_request
from tests.database.server import CELL_TABLES

pytestmark = pytest.mark.database

WAITING = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
ONCE = ["pci_devices", "compute_nodes", "services"]
OPEN = "SELECT id FROM information_schema.processlist WHERE user = 'nova' AND db = 'nova'"
DELETE = Statement("DELETE FROM services WHERE id = %s", (1,), 1)


@pytest.fixture
def node1(nova):
    """A host with one row in each table, beside a neighbour."""
    nova.cell.host("node2")
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    return nova


def is_gone(nova):
    tables = ("services", "compute_nodes")
    hosts = [row["host"] for table in tables for row in nova.cell.rows(table)]
    return hosts == ["node2", "node2"] and nova.cell.rows("pci_devices") == []


class Once:
    """Notes each table that is read, and does something at the first reading of one of them."""

    def __init__(self, table, action):
        self.tables = []
        self._table, self._action = table, action

    def __call__(self, table):
        self.tables.append(table)
        if table == self._table and self.tables.count(table) == 1:
            self._action()


def deadlock(nova, transaction, run):
    """Run a purge into a deadlock that it loses: the other session has more to roll back."""
    waiting = threading.Event()
    with nova.server.connect("nova") as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        for number in range(200):
            cursor.execute(
                "INSERT INTO instances (uuid, deleted) VALUES (%s, 0)", (f"weight-{number}",)
            )
        cursor.execute("SELECT id FROM services WHERE host = 'node1' FOR UPDATE")

        def cross():
            waiting.set()
            cursor.execute("SELECT id FROM compute_nodes WHERE host = 'node1' FOR UPDATE")
            other.rollback()

        thread = threading.Thread(target=cross)

        def meet():
            thread.start()
            waiting.wait(timeout=5)
            while not nova.cell.query(WAITING):
                time.sleep(0.15)  # the table is renewed every 0.1 s, if nobody asks meanwhile

        watch = Once("compute_nodes", meet)
        run(transaction, watch)
        thread.join(timeout=10)
    return watch


def test_deadlock(node1):
    """A purge that loses a deadlock runs again, whole, and succeeds."""
    images = Images()
    watch = deadlock(
        node1, node1.purge("node1"), lambda t, watch: node1.watching(watch).run(t, images)
    )
    assert watch.tables == ["pci_devices", "compute_nodes", *ONCE]
    assert images.tables == ONCE
    assert is_gone(node1)


def test_deadlock_asks_the_guards_again(node1):
    """What changed while the purge was beaten is seen by the next attempt."""
    transaction = node1.purge("node1")

    def run(transaction, watch):
        with pytest.raises(ChangeFailedError, match="1 row instead of 0"):
            node1.watching(lambda t: (watch(t), land(t))).run(transaction, Images())

    def land(table):
        if table == "compute_nodes" and not node1.cell.rows("instances"):
            node1.cell.instance("node1")

    deadlock(node1, transaction, run)
    assert not is_gone(node1)


@pytest.mark.parametrize("table", ONCE)
def test_killed_connection(node1, table):
    """A connection that is killed before COMMIT is made again, and all is run again."""

    def kill():
        for row in node1.cell.query(OPEN):
            node1.cell.query("KILL %s", row["id"])

    watch = Once(table, kill)
    node1.watching(watch).run(node1.purge("node1"), Images())
    assert watch.tables == [*ONCE[: ONCE.index(table) + 1], *ONCE]
    assert is_gone(node1)


def test_killed_every_time(node1):
    """A connection that is killed each time ends in an error, and nothing was changed."""
    before = node1.cell.checksums(*CELL_TABLES)

    tables = []

    def kill(table):
        tables.append(table)
        for row in node1.cell.query(OPEN):
            node1.cell.query("KILL %s", row["id"])

    with pytest.raises(UnavailableError):
        node1.watching(kill).run(node1.purge("node1"), Images())
    assert tables == ["pci_devices"] * connection.DATABASE_ATTEMPTS
    assert node1.cell.checksums(*CELL_TABLES) == before


@pytest.mark.parametrize("rows", ["purge", "keep"])
def test_committed_but_not_told(node1, proxy, behind_proxy, images, rows):
    """When only the answer to COMMIT is lost, nothing is run twice."""
    transaction = node1.purge("node1", rows=rows)
    proxy.fault = lose_reply
    behind_proxy().run(transaction, images)
    assert len(images.tables) == len(transaction.writes)
    assert not [s for s in node1.facts("node1").database.services if not s.deleted]
    assert is_gone(node1) is (rows == "purge")


@pytest.mark.parametrize("rows", ["purge", "keep"])
def test_not_committed(node1, proxy, behind_proxy, images, rows):
    """When COMMIT never reached the server, all is run again."""
    transaction = node1.purge("node1", rows=rows)
    proxy.fault = lose_request
    behind_proxy().run(transaction, images)
    assert len(images.tables) == 2 * len(transaction.writes)
    assert not [s for s in node1.facts("node1").database.services if not s.deleted]
    assert is_gone(node1) is (rows == "purge")


@pytest.mark.parametrize("rows", ["purge", "keep"])
def test_commit_that_comes_late(node1, proxy, behind_proxy, images, rows):
    """A COMMIT that is still on its way when the connection ends is waited for."""
    timers = []

    def deliver_late(client, server, data):
        later = server.dup()

        def deliver():
            with later:
                later.sendall(data)
                later.recv(100)

        timers.append(threading.Timer(0.5, deliver))
        timers[0].start()
        client.close()

    transaction = node1.purge("node1", rows=rows)
    proxy.fault = deliver_late
    behind_proxy().run(transaction, images)
    timers[0].join()
    assert len(images.tables) == len(transaction.writes)
    assert is_gone(node1) is (rows == "purge")


def test_server_that_falls_silent(node1, proxy, behind_proxy, images):
    """A server that never answers COMMIT is given up after read_timeout; the rows then decide."""

    def swallow(_client, server, data):
        server.sendall(data)
        server.recv(100)

    proxy.fault = swallow
    behind_proxy(read_timeout="1").run(node1.purge("node1"), images)
    assert images.tables == ONCE
    assert is_gone(node1)


@pytest.mark.parametrize("fault", [lose_reply, lose_request])
def test_unknown_end(node1, proxy, behind_proxy, images, fault):
    """When the server cannot be asked after a lost COMMIT, the end is said to be unknown."""

    def cut_for_good(client, server, data):
        proxy.refuse()
        fault(client, server, data)

    proxy.fault = cut_for_good
    with pytest.raises(UnavailableError, match="not known whether the 3 rows") as caught:
        behind_proxy().run(node1.purge("node1"), images)
    assert "run again" in caught.value.remedy
    assert is_gone(node1) is (fault is lose_reply)


def test_reading_again(nova):
    """A read over a connection that was killed meanwhile is asked again over a new one."""
    nova.cell.host("node1")
    reading = nova.reading()
    reading.facts(["node1"])
    for row in nova.cell.query(OPEN):
        nova.cell.query("KILL %s", row["id"])
    assert reading.facts(["node1"])["node1"].services


@pytest.mark.parametrize(
    "ask",
    [lambda r: r.refusal_of(DELETE) is None, lambda r: r.has_column("instances", "compute_id")],
    ids=["refusal_of", "has_column"],
)
def test_asking_over_a_lost_connection(nova, ask):
    """A connection that was lost meanwhile is made again."""
    reader = nova.reader(target(nova.server.url("nova")))
    (row,) = reader.rows("SELECT CONNECTION_ID() AS id")
    nova.cell.query("KILL %s", row["id"])
    assert ask(reader)
