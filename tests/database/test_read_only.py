# SPDX-License-Identifier: Apache-2.0
"""A Database that is not writable cannot write, whatever it is asked."""

import pytest

from nova_decom.clients.mysql.url import target
from nova_decom.errors import UnavailableError, WriteRefusedError
from nova_decom.model.sql import Statement, insert, update
from tests.database.server import CELL_TABLES

pytestmark = pytest.mark.database


@pytest.fixture
def reader(nova):
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    return nova.reader(target(nova.server.url("nova")))


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM services",
        "UPDATE services SET deleted = id",
        "INSERT INTO services (host, report_count) VALUES ('x', 0)",
        "DELETE p FROM pci_devices p JOIN compute_nodes n ON n.id = p.compute_node_id",
        "TRUNCATE TABLE pci_devices",
        "DROP TABLE pci_devices",
    ],
)
def test_the_server_refuses_writes(nova, reader, sql):
    """The server itself refuses every write over a connection for reading."""
    before = nova.cell.checksums(*CELL_TABLES)
    with pytest.raises(UnavailableError, match="READ ONLY"):
        reader.rows(sql)
    assert nova.cell.checksums(*CELL_TABLES) == before


@pytest.mark.parametrize("user", ["nova", "reader"])
def test_asking_for_rights_opens_nothing(nova, reader, user):
    """After a trial, answered yes or no, the connection still cannot write."""
    if user == "reader":
        nova.server.make_user("reader", "r", "SELECT ON nova.*")
        reader = nova.reader(target(nova.server.url("nova", user="reader", password="r")))
    before = nova.cell.checksums(*CELL_TABLES)
    delete = Statement("DELETE FROM services WHERE id = %s", (1,), 1)
    assert (reader.refusal_of(delete) is None) is (user == "nova")
    with pytest.raises(UnavailableError):
        reader.rows("DELETE FROM services")
    assert nova.cell.checksums(*CELL_TABLES) == before


def test_transactions_are_refused(nova, reader):
    """A transaction over a connection for reading is a bug of ours, and nothing is sent."""
    before = nova.cell.checksums(*CELL_TABLES)
    transaction = nova.purge("node1")
    with pytest.raises(WriteRefusedError):
        reader.run(transaction, lambda *_: None)
    with pytest.raises(WriteRefusedError):
        nova.reading().run(transaction, lambda *_: None)
    assert nova.cell.checksums(*CELL_TABLES) == before


def test_a_new_connection_only_reads_too(nova, reader):
    """A connection that was lost and made again cannot write either."""
    (row,) = reader.rows("SELECT CONNECTION_ID() AS id")
    nova.cell.query("KILL %s", row["id"])
    assert reader.rows("SELECT CONNECTION_ID() AS id") != [row]
    with pytest.raises(UnavailableError, match="READ ONLY"):
        reader.rows("DELETE FROM services")


def test_reading_takes_no_lock(nova, reader):
    """Reading waits for nobody, and nobody waits for it."""
    with nova.server.connect("nova") as other, other.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("UPDATE services SET report_count = 99")
        (row,) = reader.rows("SELECT report_count FROM services")
        assert row["report_count"] == 42
        cursor.execute("ROLLBACK")


STATEMENTS = [
    Statement("DELETE FROM services WHERE id IN (%s)", (1,), 1),
    Statement("DELETE FROM services WHERE host = %s", ("node1",), 1),
    Statement("SELECT * FROM services WHERE id IN (%s) AND host = %s FOR UPDATE", (1, "x"), 1),
    update("services", 1, {"deleted": 1}, {"deleted": 0}),
    insert("services", {"id": 77, "host": "it's WHERE", "report_count": 0}),
]


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s.right)
def test_a_trial_touches_nothing(nova, reader, statement):
    """Every kind of statement, also where it would find rows, leaves rows and locks alone."""
    nova.cell.query("UPDATE nova.services SET id = 1")
    before = nova.cell.checksums(*CELL_TABLES)
    assert reader.refusal_of(statement) is None
    assert nova.cell.checksums(*CELL_TABLES) == before
    with nova.server.connect("nova", innodb_lock_wait_timeout=1) as other:
        assert other.cursor().execute("UPDATE services SET report_count = 43") == 1
    assert reader.rows("SELECT report_count FROM services") == [{"report_count": 43}]


def test_a_statement_that_cannot_be_tried(reader):
    """One whose condition cannot be made false is not sent at all."""
    with pytest.raises(WriteRefusedError):
        reader.refusal_of(Statement("DELETE FROM services", (), 0))
