# SPDX-License-Identifier: Apache-2.0
"""The GRANT statements of ``doctor --grants``, run as they are printed, are enough and no more."""

from contextlib import closing
from dataclasses import replace

import pymysql
import pytest

from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.grants import CELL_RIGHTS, api_grants
from nova_decom.clients.mysql.sources import Sources
from nova_decom.clients.mysql.url import target
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Request, Rows
from nova_decom.steps.close_evacuations import CloseEvacuations
from tests.database.conftest import Images

#: MySQL's number of an error.
DENIED = 1142
pytestmark = pytest.mark.database


@pytest.fixture
def granted(nova):
    """The databases as a user whose only rights are the statements for these rows."""

    def make(rows, *, closes=False):
        statements = list(nova.reading().grants(Rows(rows), closes=closes))
        with nova.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DROP USER IF EXISTS 'decom'@'%'")
            cursor.execute("CREATE USER 'decom'@'%' IDENTIFIED BY 'decom'")
            for statement in statements:
                cursor.execute(statement)
        urls = [
            nova.server.url(name, user="decom", password="decom") for name in ("nova_api", "nova")
        ]
        sources = Sources(target(urls[0]), (target(urls[1]),))
        return NovaDatabases(sources, nova.writer)

    yield make
    nova.cell.query("DROP USER IF EXISTS 'decom'@'%'")


@pytest.mark.parametrize("rows", ["purge", "keep"])
def test_the_grants_are_enough_for_a_removal(nova, granted, rows):
    """Every statement of any removal passes, and a real one runs."""
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    nova.api.host("node1", nova.api.ids("cell_mappings")[1])
    nova.api.aggregate("all", "node1")
    databases = granted(rows)

    assert [c for c in databases.checks() if c.problem] == []
    assert [c for c in databases.try_removal(Request(rows=Rows(rows))) if c.problem] == []
    databases.run(nova.purge("node1", rows=rows), Images())

    assert not nova.cell.query("SELECT id FROM nova.services WHERE deleted = 0")
    assert bool(nova.cell.rows("services")) is (rows == "keep")


@pytest.mark.parametrize("closes", [True, False])
def test_to_close_evacuations_needs_a_right_of_its_own(granted, closes):
    """Every statement of it is tried, and the missing right is named."""
    databases = granted("purge", closes=closes)
    problems = [
        c.name for c in databases.try_removal(Request(close_evacuations=True)) if c.problem
    ]

    assert bool(problems) is not closes
    assert all("migrations" in name for name in problems)


def test_open_evacuations_are_closed_by_primary_key(nova, granted):
    """Those of another host, and those that nova has closed, stay as they are."""

    def evacuation(source, status="done"):
        server = nova.cell.instance("node2")
        more = {"migration_type": "evacuation", "instance_uuid": server}
        return nova.cell.migration(source, "node2", status, **more)

    kept = [evacuation("NODE1"), evacuation("node1", "completed")]
    closed = [evacuation("node1"), evacuation("node1")]
    databases, images = granted("purge", closes=True), Images()
    request = Request(close_evacuations=True)
    facts = HostFacts("node1", request, database=databases.facts(["node1"])["node1"])
    (change,) = CloseEvacuations().changes(facts)
    databases.run(change.transaction, images)

    status = {r["id"]: r["status"] for r in nova.cell.rows("migrations")}
    assert [status[i] for i in (*kept, *closed)] == ["done", *["completed"] * 3]
    assert [r["status"] for r in images.rows["migrations"]] == ["done", "done"]
    again = databases.facts(["node1"])["node1"]
    assert list(CloseEvacuations().changes(replace(facts, database=again))) == []


@pytest.mark.parametrize("table", [t for t, rights in CELL_RIGHTS.items() if "INSERT" in rights])
def test_a_restore_may_insert_only_where_rows_are_deleted(granted, table):
    """With --rows keep it finds them in their place."""
    refused = {}
    for rows in ("purge", "keep"):
        place = granted(rows).cells[0].database.target
        with (
            closing(pymysql.connect(**place.arguments)) as connection,
            connection.cursor() as cursor,
        ):
            try:
                cursor.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0")
            except pymysql.OperationalError as error:
                refused[rows] = error.args[0]

    assert refused == {"keep": DENIED}


def test_each_database_has_its_place_before_its_statements(nova):
    """A comment, so that the output can be given to the client of the server as it is."""
    lines = list(nova.reading().grants(Rows.PURGE))
    places = [line for line in lines if line.startswith("-- ")]

    assert lines[0] == places[0]
    assert [p.split()[1] for p in places][:2] == ["nova_api", "nova"]
    assert all(line.endswith(";") for line in lines if line not in places)


def test_a_user_with_a_quote_in_the_name_ends_no_string():
    """It comes from the URL."""
    (line, *_) = api_grants("nova_api", "o'hara\\")

    assert line == r"GRANT SELECT ON nova_api.cell_mappings TO 'o''hara\\'@'%';"
