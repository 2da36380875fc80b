# SPDX-License-Identifier: Apache-2.0
"""Who has to wait for whom while a purge is open."""

import threading
import time

import pymysql
import pytest

from nova_decom.clients.mysql import connection
from nova_decom.clients.mysql.url import target
from nova_decom.errors import ChangeFailedError
from tests.database.conftest import Images
from tests.database.server import CELL_TABLES

pytestmark = pytest.mark.database

LOCK_WAIT_TIMEOUT = 1205
REGISTRATION = (
    "INSERT INTO services (host, `binary`, topic, report_count, deleted) "
    "VALUES ('node1', 'nova-compute', 'compute', 0, 0)"
)


@pytest.fixture
def hosts(nova):
    """A ghost that is to go, and 200 others that live, all but it with a server."""
    for number in range(200):
        nova.cell.host(f"node{number}")
        if number != 1:
            nova.cell.instance(f"node{number}")
    # A server that takes the table for empty may scan it, and lock the rows of all hosts.
    nova.cell.query("ANALYZE TABLE nova.instances")
    return nova


@pytest.fixture
def at_commit(hosts, proxy, behind_proxy):
    """A purge of node1 that stands still before COMMIT, all its locks held."""
    reached, go = threading.Event(), threading.Event()

    def hold(_client, server, data):
        reached.set()
        go.wait(timeout=30)
        server.sendall(data)

    proxy.fault = hold
    transaction = hosts.purge("node1")
    thread = threading.Thread(target=behind_proxy().run, args=(transaction, Images()))
    thread.start()
    assert reached.wait(timeout=10)
    yield hosts
    go.set()
    thread.join(timeout=10)
    assert "node1" not in [row["host"] for row in hosts.cell.rows("compute_nodes")]


@pytest.fixture
def impatient(server):
    """Another session that does not wait for any lock."""
    with server.connect("nova", innodb_lock_wait_timeout=0) as other, other.cursor() as cursor:
        yield cursor


@pytest.mark.parametrize(
    "landing",
    [
        "INSERT INTO instances (uuid, host, node, deleted) VALUES ('new', 'node1', 'node1', 0)",
        "UPDATE instances SET host = 'node1', node = 'node1' WHERE host = 'node7'",
    ],
)
def test_no_server_lands(at_commit, impatient, landing):
    """While the purge is open, no server can land on the host."""
    with pytest.raises(pymysql.OperationalError) as caught:
        impatient.execute(landing)
    assert caught.value.args[0] == LOCK_WAIT_TIMEOUT
    assert at_commit.cell.query("SELECT id FROM nova.instances WHERE host = 'node1'") == []


@pytest.mark.parametrize(
    "revival",
    [
        "UPDATE services SET report_count = report_count + 1 WHERE host = 'node1'",
        REGISTRATION,
        "UPDATE compute_nodes SET vcpus_used = 1 WHERE host = 'node1'",
    ],
)
def test_no_service_comes_back(at_commit, impatient, revival):
    """While the purge is open, services of the host wait with heartbeat and registration."""
    with pytest.raises(pymysql.OperationalError) as caught:
        impatient.execute(revival)
    assert caught.value.args[0] == LOCK_WAIT_TIMEOUT
    assert at_commit.cell.ids("services")


def test_other_hosts_go_on(at_commit, impatient):
    """Heartbeats and resource reports of all other hosts go through at once."""
    times = []
    for table, change in (
        ("services", "report_count = report_count + 1, updated_at = UTC_TIMESTAMP()"),
        ("compute_nodes", "vcpus_used = vcpus_used + 1, updated_at = UTC_TIMESTAMP()"),
    ):
        for row in at_commit.cell.rows(table):
            if row["host"] == "node1":
                continue
            begin = time.monotonic()
            assert impatient.execute(f"UPDATE {table} SET {change} WHERE id = %s", (row["id"],))
            times.append(time.monotonic() - begin)
    # Not the very worst: this machine may have been busy with something else.
    assert sorted(times)[-4] < 0.05


def test_servers_land_elsewhere(at_commit, impatient):
    """Servers of other hosts are created, deleted and migrated meanwhile."""
    impatient.execute("UPDATE instances SET task_state = 'deleting' WHERE host = 'node7'")
    impatient.execute("UPDATE instances SET deleted = id WHERE host = 'node7'")
    impatient.execute(
        "INSERT INTO instances (uuid, host, node, deleted) VALUES ('new', 'node7', 'node7', 0)"
    )
    impatient.execute(
        "INSERT INTO migrations (source_compute, dest_compute, status, deleted) "
        "VALUES ('node7', 'node8', 'queued', 0)"
    )
    assert at_commit.cell.query("SELECT id FROM nova.instances WHERE uuid = 'new'")


@pytest.mark.parametrize(
    "held",
    [
        "UPDATE services SET report_count = 43 WHERE host = 'node1'",
        "SELECT id FROM compute_nodes WHERE host = 'node1' FOR UPDATE",
        "INSERT INTO instances (uuid, host, deleted) VALUES ('landing', 'node1', 0)",
    ],
)
def test_waiting_for_a_lock_is_bounded(nova, monkeypatch, held):
    """What another session holds is waited for, a few times, and then nothing was changed."""
    monkeypatch.setattr(connection, "LOCK_WAIT", 1)
    monkeypatch.setattr(connection, "DATABASE_ATTEMPTS", 2)
    nova.cell.host("node1")
    transaction = nova.purge("node1")
    before = nova.cell.checksums(*CELL_TABLES)
    with nova.server.connect("nova") as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute(held)
        begin = time.monotonic()
        with pytest.raises(ChangeFailedError, match=r"error 1205\); rolled back") as caught:
            nova.writing().run(transaction, Images())
        assert 1.5 < time.monotonic() - begin < 5
        cursor.execute("ROLLBACK")
    assert "run again" in caught.value.remedy
    assert nova.cell.checksums(*CELL_TABLES) == before


def test_a_lock_that_is_let_go(nova, monkeypatch):
    """When the other session lets go before the last attempt, the purge succeeds."""
    monkeypatch.setattr(connection, "LOCK_WAIT", 1)
    nova.cell.host("node1")
    transaction = nova.purge("node1")
    with nova.server.connect("nova") as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("SELECT id FROM services WHERE host = 'node1' FOR UPDATE")
        timer = threading.Timer(1.5, other.rollback)
        timer.start()
        nova.writing().run(transaction, Images())
        timer.join()
    assert nova.cell.rows("services") == []


def test_the_session_is_bounded(nova):
    """Every wait of a session of ours has an end: row locks, table locks, the network."""
    assert connection.LOCK_WAIT <= 5
    dialect = nova.server.dialect
    for client in (nova.reader, nova.writer):
        opened = client(target(nova.server.url("nova")))
        (row,) = opened.rows(
            "SELECT @@innodb_lock_wait_timeout AS row_lock, @@lock_wait_timeout AS table_lock, "
            f"@@{dialect.isolation} AS isolation, @@{dialect.read_only} AS read_only"
        )
        assert row == {
            "row_lock": connection.LOCK_WAIT,
            "table_lock": connection.LOCK_WAIT,
            "isolation": "REPEATABLE-READ",
            "read_only": int(opened.read_only),
        }
        timeouts = ("connect_timeout", "read_timeout", "write_timeout")
        assert all(opened.target.arguments[name] for name in timeouts)
