# SPDX-License-Identifier: Apache-2.0
"""A Database that is not writable cannot write, whatever it is asked."""

import pytest

from nova_decom.clients.mysql.url import target
from nova_decom.errors import UnavailableError, WriteRefusedError
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
    """After may_delete, answered yes or no, the connection still cannot write."""
    if user == "reader":
        nova.server.make_user("reader", "r", "SELECT ON nova.*")
        reader = nova.reader(target(nova.server.url("nova", user="reader", password="r")))
    before = nova.cell.checksums(*CELL_TABLES)
    assert reader.may_delete("services") is (user == "nova")
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
