# SPDX-License-Identifier: Apache-2.0
"""HAProxy that ends idle connections and turns to another node."""

import time

import pytest

from nova_decom.clients.mysql.url import target
from nova_decom.errors import UnavailableError
from tests.database.conftest import Images
from tests.galera.balancer import IDLE, balancer
from tests.galera.cluster import wait
from tests.galera.test_cluster import BEAT, ONCE, Once, is_gone, is_whole

COUNT = "SELECT report_count AS n FROM services WHERE host = 'node1'"
PORT = "SELECT @@port AS port"


@pytest.fixture
def balanced(cluster, tmp_path):
    """Its port."""
    with balancer(cluster.nodes, tmp_path) as port:
        yield port


def place(nova, port):
    return target(nova.server.url("nova", port=port))


def idle():
    """As in a settle time or a long drain."""
    time.sleep(IDLE + 0.5)


def test_connections_that_are_ended_while_idle(through, balanced):
    """A reader reads on; a purge is run again as a whole, and done once."""
    one, *_ = through
    reader = one.reader(place(one, balanced))
    (before,) = reader.rows(COUNT)
    idle()
    one.server.run(BEAT)
    assert reader.rows(COUNT) == [{"n": before["n"] + 1}]

    images = Once(idle)
    one.writer(place(one, balanced)).run(one.purge("node1"), images)

    assert images.tables == ONCE * 2
    assert is_gone(one)


def test_another_node_behind_an_idle_connection(cluster, through, balanced):
    """It is waited for until it has what the first one committed."""
    one, two, _ = through
    reader = one.reader(place(one, balanced))
    assert reader.rows(PORT) == [{"port": one.server.port}]
    one.server.run(BEAT)
    (before,) = two.reader(place(two, two.server.port)).rows(COUNT)

    cluster.nodes[0].kill()
    wait(lambda: _answers(reader), "HAProxy to turn to the second node")

    assert reader.rows(PORT) == [{"port": two.server.port}]
    assert reader.rows("SELECT @@wsrep_sync_wait AS n, @@autocommit AS a") == [{"n": 1, "a": 1}]
    assert reader.rows(COUNT) == [before]


def test_a_replica_behind_an_idle_connection(cluster, through, balanced):
    """A server that takes no writes proves nothing after one that does: exit 69."""
    one, two, _ = through
    reader, writer = (make(place(one, balanced)) for make in (one.reader, one.writer))
    transaction = one.purge("node1")
    for database in (reader, writer):
        database.rows(COUNT)
    cluster.nodes[1].run("SET GLOBAL read_only = 1")

    cluster.nodes[0].kill()
    wait(lambda: cluster.nodes[1].status("cluster_size") == "2", "the others to notice")

    for use in (lambda: reader.rows(COUNT), lambda: writer.run(transaction, Images())):
        with pytest.raises(UnavailableError, match="is read-only, unlike before") as caught:
            _until_turned(use)
        assert "accepts writes" in caught.value.remedy
    assert is_whole(two)


def _until_turned(use):
    """HAProxy needs a moment: until then it refuses, or leads nowhere."""
    end = time.monotonic() + 10
    while True:
        try:
            return use()
        except UnavailableError as error:
            if "read-only" in str(error) or time.monotonic() > end:
                raise
        time.sleep(0.1)


def _answers(database):
    try:
        return bool(database.rows(PORT))
    except UnavailableError:
        return False
