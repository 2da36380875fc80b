# SPDX-License-Identifier: Apache-2.0
"""No statement of a removal scans a table or locks a row of another host.

The same looks as ``python -m tests.bench rows``, on a cloud that is large enough for the server
to use its indexes, and small enough for a few seconds.
"""

import pytest

from nova_decom.model.sql import Statement, Transaction
from tests.bench import fill, statements
from tests.bench.fill import STATES, Sizes
from tests.bench.held import all_locks, at_commit
from tests.bench.locks import locked_rows_of_others, locks_of, parse
from tests.bench.removal import look_and_remove, undone
from tests.bench.statements import Sent
from tests.database.conftest import one_cell

pytestmark = pytest.mark.database

SIZES = Sizes(hosts=1500, instances=15_000, migrations=3000)
OWN = "a server lands on the host itself"
MEANWHILE = {
    "heartbeat of the host before",
    "heartbeat of the host after",
    "resource report of the host before",
    "resource report of the host after",
    "a server lands on the host after",
    "a server of the host after is deleted",
    "a migration from the host before to the host after",
}


@pytest.fixture(scope="module")
def cloud(server):
    """Nova with many hosts, some of which are to be removed."""
    with one_cell(server) as nova, server.connect() as connection:
        fill.fill(connection, SIZES, server.dialect)
        yield nova
        fill.clear(connection)


@pytest.mark.parametrize("state", STATES)
def test_nothing_scans(cloud, state):
    """Each statement of a removal finds its rows by an index, or has a reason not to."""
    with statements.overheard(cloud.server) as sent, undone(cloud) as databases:
        look_and_remove(databases, SIZES.ghosts(state)[:1])
    examined = statements.examine(cloud.server, sent, runs=1)
    assert statements.scans(examined, statements.table_sizes(cloud.server)) == []
    assert any("DELETE FROM services" in one.shape for one in examined)


@pytest.mark.parametrize(
    "scanning",
    [
        "SELECT uuid FROM compute_nodes WHERE host_ip = '192.0.2.1'",
        "SELECT id FROM compute_nodes WHERE service_id IN (1) FOR UPDATE",
        "SELECT COUNT(*) FROM instances WHERE deleted = 0",
        "SELECT id FROM services WHERE binary = 'nova-compute'",
        "DELETE FROM services WHERE uuid = 'x' OR report_count = -1",
    ],
)
def test_a_scan_is_noticed(cloud, scanning):
    """A statement without an index, or with one that leads to much of the table, is named."""
    text = scanning.replace("binary", "`binary`")
    examined = statements.examine(cloud.server, [Sent(1, "nova", text)], runs=1)
    (problem,) = statements.scans(examined, statements.table_sizes(cloud.server))
    assert text.split("'")[0].split("(1)")[0].split(" = 0")[0] in problem


@pytest.mark.parametrize("state", STATES)
def test_locks_are_on_rows_of_the_host(cloud, state):
    """A removal locks the host's own rows, and of others nothing but gaps between rows."""
    held, problems = all_locks(cloud, SIZES.ghosts(state)[:1])
    assert problems == []
    assert ("services", "PRIMARY", "X, record", "the host's own") in held
    assert {whose for *_, kind, whose in held if "record" in kind} == {"the host's own"}


@pytest.mark.parametrize("state", STATES)
def test_others_go_on(cloud, state):
    """Before the COMMIT all rows of others can be locked, and only servers for the host wait."""
    seen = at_commit(cloud, SIZES.ghosts(state)[0])
    assert seen.problems == []
    assert OWN in seen.waiting
    assert not seen.waiting & MEANWHILE


def test_a_lock_of_others_is_noticed(cloud):
    """Locks on rows of other hosts are named, by what InnoDB tells and by trying."""
    sql = "SELECT id FROM services WHERE host >= %s AND host <= %s FOR UPDATE"
    hosts = (fill.name(50), fill.name(52))
    reading = Transaction("cell1", hosts[0], (Statement(sql, hosts, 3),))
    locks = locks_of(cloud.server, "nova", reading)
    foreign = {lock.hosts for lock in locks if lock.is_foreign(hosts[0])}
    assert foreign >= {(fill.name(51),), (fill.name(52),)}
    with cloud.server.connect("nova") as connection, connection.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute(sql, hosts)
        locked = locked_rows_of_others(cloud.server, "nova", hosts[0])
        cursor.execute("ROLLBACK")
    assert any("services (PRIMARY)" in problem for problem in locked)


def test_a_lock_of_a_table_is_noticed():
    """A lock of a whole table, but for the intention to lock rows, is one on rows of others."""
    status = (
        "LIST OF TRANSACTIONS FOR EACH SESSION:\n---TRANSACTION 5, ACTIVE 0 sec\n"
        "MariaDB thread id 7, OS thread handle 1, query id 1 127.0.0.1 root\n"
        "TABLE LOCK table `nova`.`services` trx id 5 lock mode IX\n"
        "TABLE LOCK table `nova`.`services` trx id 5 lock mode X\n"
    )
    intention, whole = parse(status, 7, None)
    assert not intention.is_foreign("compute-000050")
    assert whole.is_foreign("compute-000050")
