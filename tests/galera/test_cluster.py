# SPDX-License-Identifier: Apache-2.0
"""Purges through one node while others write, die or are cut off."""

import threading
import time

import pymysql
import pytest

from nova_decom.clients.mysql.checks import CELL_COLUMNS, check_database
from nova_decom.clients.mysql.connection import Database
from nova_decom.clients.mysql.url import target
from nova_decom.errors import ChangeFailedError, UnavailableError
from nova_decom.exit_codes import ExitCode
from tests.database.conftest import IMPATIENT, Images
from tests.galera.cluster import locked, wait

ONCE = ["pci_devices", "compute_nodes", "services"]
BEAT = "UPDATE nova.services SET report_count = report_count + 1 WHERE host = 'node1'"


def hosts(nova):
    """The hosts of which there are rows."""
    return [{r["host"] for r in nova.cell.rows(t)} for t in ("services", "compute_nodes")]


def is_whole(nova):
    return hosts(nova) == [{"node1", "node2"}] * 2 and len(nova.cell.rows("pci_devices")) == 1


def is_gone(nova):
    return hosts(nova) == [{"node2"}] * 2 and nova.cell.rows("pci_devices") == []


def has_all(images):
    """The last before-image of each table holds the row."""
    return all(len(images.rows[table]) == 1 for table in ONCE)


class Once(Images):
    """Does something at the first hand-over of a table."""

    def __init__(self, action, table="services"):
        super().__init__(self._look)
        self._action, self._table = action, table

    def _look(self, table):
        if table == self._table and self.tables.count(table) == 1:
            self._action()


def writer(nova, address):
    """Our client behind the address."""
    url = nova.server.url("nova", port=address.port, read_timeout="5")
    return nova.writer(target(url))


def at_commit(address, action):
    """Do it when COMMIT is asked for, and then let COMMIT go on."""

    def fault(_client, server, data):
        action()
        server.sendall(data)

    address.fault = fault


def test_a_conflict_at_commit_repeats_the_whole_purge(cluster, through, address):
    """Another node was first: all is rolled back, all guards are asked again, then it is done."""
    one, two, _ = through
    transaction = one.purge("node1")
    applied = int(cluster.nodes[0].status("last_committed"))

    def beat_elsewhere():
        cluster.nodes[1].run(BEAT)
        wait(lambda: int(cluster.nodes[0].status("last_committed")) > applied, "the write to come")

    images = Images()
    at_commit(address, beat_elsewhere)
    writer(one, address).run(transaction, images)

    assert images.tables == [*ONCE, *ONCE]
    assert images.rows["services"][0]["report_count"] == 43
    assert is_gone(one)
    assert is_gone(two)


def test_a_transaction_that_a_write_through_another_node_has_ended(cluster, through):
    """The next statement, whichever it is, fails with 1213; the one after it stays."""
    _, two, _ = through
    with cluster.nodes[0].connect("nova") as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("SELECT id FROM services WHERE host = 'node1' FOR UPDATE")
        two.cell.query(BEAT)
        wait(lambda: _code(cursor, "SELECT 1") == 1213, "the transaction to be ended")
        cursor.execute("DELETE FROM pci_devices")
        cursor.execute("ROLLBACK")
    assert two.cell.rows("pci_devices") == []


def _code(cursor, sql):
    try:
        cursor.execute(sql)
    except pymysql.MySQLError as error:
        return error.args[0]
    return None


@pytest.mark.parametrize("table", ONCE)
def test_a_write_through_another_node_between_lock_and_delete(cluster, through, table):
    """Our locks are not known there; the purge loses, and begins again."""
    one, two, _ = through
    before = int(cluster.nodes[0].status("last_committed"))

    def beat_elsewhere():
        cluster.nodes[1].run(BEAT)
        wait(lambda: int(cluster.nodes[0].status("last_committed")) > before, "the write to come")

    images = Once(beat_elsewhere, table)
    one.writing().run(one.purge("node1"), images)

    assert has_all(images)
    assert images.rows["services"][0]["report_count"] == 43
    assert is_gone(two)


def test_a_server_that_lands_through_another_node_aborts_the_purge(through, address):
    """The gap lock is local; but what comes from there throws us out, and then it is seen."""
    one, two, _ = through
    transaction = one.purge("node1")

    def land():
        two.cell.instance("node1")
        wait(lambda: one.server.status("local_bf_aborts") != aborts, "the purge to be aborted")

    aborts = one.server.status("local_bf_aborts")
    at_commit(address, land)
    with pytest.raises(ChangeFailedError, match="1 row instead of 0") as caught:
        writer(one, address).run(transaction, Images())

    assert "rolled back, no row was changed" in str(caught.value)
    assert is_whole(one)
    assert is_whole(two)


@pytest.mark.parametrize("rows", ["purge", "keep"])
def test_two_purges_through_two_nodes(through, rows):
    """Both hold "their" locks at once; one is done, the other finds nothing and says so."""
    one, two, three = through
    both = threading.Barrier(2, timeout=20)
    ends = {}

    def purge(name, nova):
        images = Once(both.wait)
        try:
            nova.writing().run(nova.purge("node1", rows=rows), images)
            ends[name] = "done"
        except ChangeFailedError as error:
            ends[name] = str(error)

    # Each by its own connection to its own node, as two controllers would.
    for nova in (one, two):
        url = nova.server.url("nova")
        nova.writing = lambda n=nova, u=url: n.writer(target(u))
    threads = [threading.Thread(target=purge, args=pair) for pair in (("one", one), ("two", two))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(end == "done" for end in ends.values()) == [False, True], ends
    (lost,) = (end for end in ends.values() if end != "done")
    assert "rolled back, no row was changed" in lost
    live = [r["host"] for r in three.cell.rows("services") if not r["deleted"]]
    assert live == ["node2"]
    assert len(three.cell.rows("services")) == (1 if rows == "purge" else 2)


def test_a_node_that_dies_in_the_middle(cluster, through):
    """Nothing was changed, and the error names the node that does not answer."""
    one, two, _ = through
    with pytest.raises(UnavailableError) as caught:
        one.writing().run(one.purge("node1"), Once(cluster.nodes[0].kill))

    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    assert f"127.0.0.1:{cluster.nodes[0].port}" in str(caught.value)
    assert is_whole(two)


@pytest.mark.parametrize("moment", ["before COMMIT", "after COMMIT was sent"])
def test_a_node_that_dies_behind_an_address(cluster, through, address, moment):
    """The address leads to another node: there it is read what became of it, and finished."""
    one, two, three = through
    transaction = one.purge("node1")

    def die(client, server, data):
        if moment != "before COMMIT":
            server.sendall(data)
        cluster.nodes[0].kill()
        address.lead_to(cluster.nodes[1].port)
        wait(lambda: cluster.nodes[1].status("cluster_size") == "2", "the others to notice")
        client.close()

    images = Images()
    address.fault = die
    writer(one, address).run(transaction, images)

    assert has_all(images)
    assert is_gone(two)
    assert is_gone(three)


def test_a_commit_that_comes_through_late(cluster, through, address):
    """Given up for lost and begun anew at another node: then it was done after all."""
    one, two, three = through
    transaction = one.purge("node1")
    late = []

    def hold(client, server, data):
        late.append((server.dup(), data))
        address.lead_to(cluster.nodes[1].port)
        client.close()

    def deliver(table):
        if table == "services" and len(late) == 1 and images.tables.count(table) == 2:
            held, data = late.pop()
            with held:
                held.sendall(data)
                held.recv(100)

    images = Images(deliver)
    address.fault = hold
    writer(one, address).run(transaction, images)

    assert images.tables[:6] == [*ONCE, *ONCE]
    assert is_gone(two)
    assert is_gone(three)


def test_a_node_that_is_cut_off(cluster, through):
    """It takes no statement (1047): exit 69, which names it and says what to give instead."""
    *_, three = through
    transaction = three.purge("node1")
    cluster.nodes[2].isolate()

    for ask in (
        lambda: three.reading().facts(["node1"]),
        lambda: three.writer(target(three.server.url("nova"))).run(transaction, Images()),
    ):
        with pytest.raises(UnavailableError) as caught:
            ask()
        assert f"127.0.0.1:{cluster.nodes[2].port}" in str(caught.value)
        assert "error 1047" in str(caught.value)
        assert "primary component" in caught.value.remedy
    assert is_whole(through[0])


def test_a_node_that_is_cut_off_at_commit(cluster, through, address):
    """Whether the others have it is not known there; with them it is read, and finished."""
    one, two, _ = through
    transaction = one.purge("node1")

    def cut(client, server, data):
        cluster.nodes[0].isolate()
        address.lead_to(cluster.nodes[1].port)
        server.sendall(data)
        client.sendall(server.recv(1000))

    images = Images()
    address.fault = cut
    writer(one, address).run(transaction, images)

    assert has_all(images)
    assert is_gone(two)


def test_a_node_that_stays_cut_off_at_commit(cluster, through, address):
    """Nobody else can be asked: the run says that it does not know."""
    one, two, _ = through
    transaction = one.purge("node1")
    at_commit(address, cluster.nodes[0].isolate)

    with pytest.raises(UnavailableError, match="not known whether the 3 rows"):
        writer(one, address).run(transaction, Images())
    assert is_whole(two)


def test_the_checks_name_a_node_that_is_not_ready(cluster, through):
    """Where wsrep_dirty_reads lets it answer with old rows: in doctor, and in every command."""
    cluster.nodes[2].isolate()
    cluster.nodes[2].run("SET GLOBAL wsrep_dirty_reads = ON")
    database = through[2].reader(target(cluster.nodes[2].url("nova")))

    (check,) = check_database(database, CELL_COLUMNS)

    assert f"127.0.0.1:{cluster.nodes[2].port}" in check.problem
    assert "wsrep_ready is OFF" in check.problem
    assert "primary component" in check.remedy


def test_a_node_that_is_read_only(cluster, through):
    """Named by the checks; a purge there is exit 69 and changes nothing."""
    *_, three = through
    transaction = three.purge("node1")
    cluster.nodes[2].run("SET GLOBAL read_only = 1")
    database = three.writer(target(three.server.url("nova")))

    problems = [c.problem for c in check_database(database, CELL_COLUMNS)]
    assert any(p and "the server is read-only" in p for p in problems)
    with pytest.raises(UnavailableError) as caught:
        database.run(transaction, Images())
    assert "accepts writes" in caught.value.remedy
    assert is_whole(through[0])


def test_reads_see_what_was_committed_elsewhere(cluster, through):
    """A node that lags is waited for: a plan never rests on what is old."""
    one, _, three = through
    database = Database(target(three.server.url("nova")), IMPATIENT)
    sql = "SELECT report_count AS n FROM services WHERE host = 'node1'"
    (before,) = database.rows(sql)
    with cluster.nodes[2].connect("nova") as careless, careless.cursor() as cursor:
        with locked(cluster.nodes[2]):
            one.server.run(BEAT)
            cursor.execute(sql)
            assert cursor.fetchone() == before
            seen = []
            thread = threading.Thread(target=lambda: seen.extend(database.rows(sql)))
            thread.start()
            thread.join(timeout=0.3)
            assert seen == []
        thread.join(timeout=10)
    database.close()
    assert seen == [{"n": before["n"] + 1}]


def test_the_others_go_on(through, cluster):
    """While a purge is open at one node, heartbeats through another do not wait for it."""
    one, *_ = through
    times = []

    def beat():
        with cluster.nodes[1].connect("nova") as other, other.cursor() as cursor:
            for _ in range(20):
                begin = time.monotonic()
                cursor.execute(BEAT.replace("node1", "node2"))
                times.append(time.monotonic() - begin)

    one.writing().run(one.purge("node1"), Once(beat))
    assert sorted(times)[-3] < 0.05, times
