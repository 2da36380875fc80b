# SPDX-License-Identifier: Apache-2.0
"""Host names that look like SQL are data, in the plan and in the server."""

import pytest

from nova_decom.clients.mysql.url import target
from nova_decom.errors import ChangeFailedError, UnavailableError
from nova_decom.model.sql import Statement
from tests.database.conftest import Images
from tests.database.server import CELL_TABLES

pytestmark = pytest.mark.database

HOSTILE = [
    "x' OR '1'='1",
    'x" OR ""="',
    "x'; DELETE FROM services; -- ",
    "back\\slash",
    "ends-with\\",
    "\\' OR 1=1 #",
    "100%",
    "%s%(host)s%d%%",
    "{0}{host}",
    "no\0de",
    "two\nlines\r\x1a",
    "nöde-€-節点",
    "node-\N{SNOWMAN}",
    "`services`",
    "/* node1 */",
    "?",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(nova, name):
    """Whatever the host is called, exactly its rows go, and the statements run as shown."""
    nova.cell.host("node1")
    _, node = nova.cell.host(name)
    nova.cell.pci_device(node)
    facts = nova.facts(name)
    assert facts.database.services[0].host == name
    nova.writing().run(nova.purge(name), Images())
    assert [row["host"] for row in nova.cell.rows("services")] == ["node1"]
    assert [row["host"] for row in nova.cell.rows("compute_nodes")] == ["node1"]


@pytest.mark.parametrize("name", HOSTILE)
def test_text_is_what_the_driver_sends(nova, name):
    """The text of a statement is, letter by letter, what PyMySQL would send."""
    statement = Statement("SELECT id FROM services WHERE host = %s AND id <> %s", (name, 1), 0)
    with nova.server.connect() as connection, connection.cursor() as cursor:
        assert cursor.mogrify(statement.sql, statement.params) == statement.text


def test_a_name_that_no_column_can_hold(nova):
    """A name outside of the columns' character set is refused by the server, in one line."""
    code = nova.server.dialect.foreign_character
    with pytest.raises(UnavailableError, match=rf"\(error {code}\)$"):
        nova.facts("node-\N{PILE OF POO}")


@pytest.fixture
def no_escapes(nova):
    """A server where a backslash is a letter like any other."""
    (row,) = nova.cell.query("SELECT @@GLOBAL.sql_mode AS mode")
    nova.cell.query("SET GLOBAL sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')")
    yield nova
    nova.cell.query("SET GLOBAL sql_mode = %s", row["mode"])


def test_plain_names_without_backslash_escapes(no_escapes):
    """sql_mode NO_BACKSLASH_ESCAPES does not matter for names without special letters."""
    no_escapes.cell.host("node1")
    no_escapes.writing().run(no_escapes.purge("node1"), Images())
    assert no_escapes.cell.rows("services") == []


@pytest.mark.parametrize("name", ["back\\slash", "it's", 'say "hi"'])
def test_special_names_without_backslash_escapes(no_escapes, name):
    """With NO_BACKSLASH_ESCAPES a name that would be sent as another text is refused."""
    no_escapes.cell.host(name)
    no_escapes.cell.host("node1")
    before = no_escapes.cell.checksums(*CELL_TABLES)
    writer = no_escapes.writer(target(no_escapes.server.url("nova")))
    transaction = no_escapes.purge(name)
    with pytest.raises(ChangeFailedError, match="would run"):
        writer.run(transaction, Images())
    assert no_escapes.cell.checksums(*CELL_TABLES) == before
