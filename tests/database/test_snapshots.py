# SPDX-License-Identifier: Apache-2.0
"""Rows that change between a transaction's first read and its own statement about them.

MariaDB from 11.6.2 on refuses that statement with error 1020 and ends the whole transaction:
whatever is sent afterwards is committed at once, statement by statement.
"""

import pymysql
import pytest

from nova_decom.clients.mysql.transaction import WritableDatabase
from nova_decom.clients.mysql.url import target
from nova_decom.errors import RowCountError
from nova_decom.model.sql import Transaction, by_id
from tests.database.conftest import IMPATIENT, Images

pytestmark = pytest.mark.database

BEAT = "UPDATE nova.services SET report_count = report_count + 1 WHERE host = 'node1'"
TABLES = ("services", "compute_nodes", "pci_devices")
SNAPSHOT = "SELECT COUNT(*) AS n FROM instances"


@pytest.fixture
def node1(nova):
    """A host with one row in each table, beside a neighbour."""
    nova.cell.host("node2")
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    return nova


class Outdated(WritableDatabase):
    """Before the first statement that is ``due``: a snapshot, and then ``meanwhile`` commits."""

    def __init__(self, nova, due, meanwhile):
        super().__init__(target(nova.server.url("nova")), IMPATIENT)
        self.sent = []
        self._due, self._meanwhile = due, meanwhile

    def _execute(self, cursor, statement):
        if self._due(statement):
            self._due = lambda _statement: False
            cursor.execute(SNAPSHOT)
            self._meanwhile()
        self.sent.append(statement.sql)
        return super()._execute(cursor, statement)

    def count(self, begin):
        return sum(sql.startswith(begin) for sql in self.sent)


def before(begin):
    """True for a statement that begins so."""
    return lambda statement: statement.sql.startswith(begin)


def attempts(nova):
    return 1 if nova.server.dialect.changed_since_read is None else 2


def test_the_server_ends_the_transaction_or_shows_the_row(node1):
    """After error 1020 what was written is gone, and a write that follows stays."""
    refused = node1.server.dialect.changed_since_read
    with node1.server.connect("nova") as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute(SNAPSHOT)
        cursor.execute("UPDATE services SET report_count = 7 WHERE host = 'node2'")
        node1.cell.query(BEAT)
        code = None
        try:
            cursor.execute("SELECT report_count FROM services WHERE host = 'node1' FOR UPDATE")
        except pymysql.OperationalError as error:
            code = error.args[0]
        cursor.execute("DELETE FROM pci_devices")
        cursor.execute("ROLLBACK")

    assert code == refused
    assert [r["report_count"] for r in node1.cell.rows("services")] == [42, 43]
    assert len(node1.cell.rows("pci_devices")) == (0 if refused else 1)


@pytest.mark.parametrize("begin", ["SELECT * FROM services", "SELECT id, host FROM compute_nodes"])
def test_a_purge_sees_that_its_transaction_has_ended(node1, begin):
    """All of it is run again, from its first read; the rows of others are as they were."""

    def meanwhile():
        # The row itself, or one more in the range that the locking read goes through.
        if "services" in begin:
            node1.cell.query(BEAT)
        else:
            node1.cell.compute_node("node1", "old.example.org", deleted=True)

    neighbour = [r for r in node1.cell.rows("services") if r["host"] == "node2"]
    images, writing = Images(), Outdated(node1, before(begin), meanwhile)
    writing.run(node1.purge("node1"), images)
    writing.close()

    assert writing.count("SELECT * FROM pci_devices") == attempts(node1)
    assert writing.count("DELETE") == 3
    assert images.tables == ["pci_devices", "compute_nodes", "services"]
    assert node1.cell.rows("services") == neighbour
    assert node1.cell.rows("pci_devices") == []
    if "services" in begin:
        assert images.rows["services"][0]["report_count"] == 43


def test_a_purge_that_meets_a_server_behind_its_snapshot(node1):
    """A server that lands after the first read stops the purge; nothing of it was done."""
    due = before("SELECT id, host FROM instances")
    writing = Outdated(node1, due, lambda: node1.cell.instance("node1"))
    sums = node1.cell.checksums(*TABLES)

    with pytest.raises(RowCountError, match="1 row instead of 0"):
        writing.run(node1.purge("node1"), Images())
    writing.close()

    assert node1.cell.checksums(*TABLES) == sums


def test_a_write_that_is_refused_takes_back_the_writes_before_it(node1):
    """No statement after it runs outside of a transaction: all writes are made again."""
    numbers = {r["host"]: r["id"] for r in node1.cell.rows("services")}
    writes = (
        by_id("DELETE", "services", [numbers["node2"]], "node2"),
        by_id("DELETE", "services", [numbers["node1"]], "node1"),
        by_id("DELETE", "pci_devices", node1.cell.ids("pci_devices")),
    )
    seen = []

    def beat():
        node1.cell.query(BEAT)
        seen.append(node1.cell.ids("services"))

    second = writes[1].params
    writing = Outdated(node1, lambda statement: statement.params == second, beat)
    writing.run(Transaction("cell1", "node1", writes), Images())
    writing.close()

    # What everybody else saw when the second write was about to be refused.
    assert seen == [sorted(numbers.values())]
    assert writing.count("DELETE FROM services") == 2 * attempts(node1)
    assert node1.cell.rows("services") == node1.cell.rows("pci_devices") == []
