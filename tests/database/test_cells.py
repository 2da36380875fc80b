# SPDX-License-Identifier: Apache-2.0
"""Which database is which cell's."""

import pytest

from nova_decom.clients.mysql.sources import Sources
from nova_decom.clients.mysql.url import target
from nova_decom.errors import ConfigurationError
from tests.database.server import PASSWORD

pytestmark = pytest.mark.database


def names(databases):
    return [(cell.name, cell.database.target.database) for cell in databases.cells]


@pytest.fixture
def two_cells(nova):
    nova.api.cell("cell2", nova.server.url("nova_cell2"))
    return nova


def test_host_is_found_in_its_cell(two_cells):
    """A host's rows come from the cell that has them, whichever that is."""
    two_cells.cell.host("node1")
    two_cells.cell2.host("node2")
    found = two_cells.reading().facts(["node1", "node2"])
    assert [(f.cell, f.cells_naming_host) for f in found.values()] == [
        ("cell1", ("cell1",)),
        ("cell2", ("cell2",)),
    ]


def test_host_in_two_cells(two_cells):
    """A host with live rows in two cells is told as such; both cells are named."""
    two_cells.cell.host("node1")
    two_cells.cell2.host("node1")
    found = two_cells.reading().facts(["node1"])["node1"]
    assert found.cells_naming_host == ("cell1", "cell2")


def test_live_rows_decide(two_cells):
    """Of a cell with deleted rows and one with live rows, the live one is the host's."""
    two_cells.cell.service("node1", deleted=True)
    two_cells.cell2.host("node1")
    found = two_cells.reading().facts(["node1"])["node1"]
    assert (found.cell, found.cells_naming_host) == ("cell2", ("cell2",))


@pytest.mark.parametrize("name", ["cell1", None])
def test_cells_of_one_name(two_cells, name):
    """Two cells of the same name, which nova allows, stay two; a purge reaches the right one."""
    two_cells.api.query("UPDATE nova_api.cell_mappings SET name = %s WHERE name <> 'cell0'", name)
    two_cells.cell.service("node1", deleted=True)
    two_cells.cell2.service("node2", deleted=True)
    found = two_cells.reading().facts(["node1", "node2"])
    assert [bool(f.services) for f in found.values()] == [True, True]
    transactions = [two_cells.purge(host) for host in ("node1", "node2")]
    assert transactions[0].cell != transactions[1].cell
    for transaction in transactions:
        two_cells.writing().run(transaction, lambda *_: None)
    assert two_cells.cell.ids("services") == two_cells.cell2.ids("services") == []


def test_cell0_is_skipped(nova):
    """Cell0 has no hosts and is not even connected to; nothing answers at its address here."""
    nova.cell0.service("node1")
    nova.cell.host("node2")
    reading = nova.reading()
    assert names(reading) == [("cell1", "nova")]
    assert reading.facts(["node1"])["node1"].services == ()


def test_disabled_cells_are_read(two_cells):
    """A cell that is disabled for scheduling still has its hosts."""
    two_cells.api.query("UPDATE nova_api.cell_mappings SET disabled = 1")
    two_cells.cell2.host("node2")
    assert two_cells.reading().facts(["node2"])["node2"].cell == "cell2"


@pytest.mark.parametrize(
    "template",
    [
        "{scheme}://{username}:{password}@{hostname}:{port}/nova_cell2",
        "{scheme}://{username}:{password}@{hostname}:{port}/{path}_cell2?{query}",
        "mysql+pymysql://nova:{password}@127.0.0.1:{port}/nova_cell2",
    ],
)
def test_templates_are_filled(nova, template):
    """The template of a cell mapping gets its parts from [database] connection."""
    nova.api.cell("cell2", template)
    nova.cell2.host("node2")
    sources = nova.sources(main=nova.server.url("nova", connect_timeout="3"))
    assert nova.reading(sources).facts(["node2"])["node2"].cell == "cell2"


def test_given_credentials_replace_those_of_the_mapping(nova):
    """The user of --cell-db-url is used for the cell whose database it names."""
    nova.api.query(
        "UPDATE nova_api.cell_mappings SET database_connection = %s WHERE name = 'cell1'",
        nova.server.url("nova", password="not-ours"),
    )
    nova.cell.host("node1")
    sources = nova.sources(nova.server.url("nova"))
    assert nova.reading(sources).facts(["node1"])["node1"].services


def test_another_way_to_the_same_database(nova):
    """A --cell-db-url by another address is matched by a database name that is only once."""
    nova.api.query(
        "UPDATE nova_api.cell_mappings SET database_connection = %s WHERE name = 'cell1'",
        "mysql+pymysql://nova:x@db.internal/nova",
    )
    nova.cell.host("node1")
    sources = nova.sources(nova.server.url("nova"))
    assert nova.reading(sources).facts(["node1"])["node1"].services


def test_an_exact_place_goes_first(nova):
    """A --cell-db-url is never taken for another cell's database of the same name."""
    nova.api.query(
        "UPDATE nova_api.cell_mappings SET database_connection = %s WHERE name = 'cell1'",
        "mysql+pymysql://nova:x@elsewhere.invalid/nova",
    )
    nova.api.cell("cell2", nova.server.url("nova", password="not-ours"))
    reading = nova.reading(nova.sources(nova.server.url("nova")))
    places = {
        c.name: (c.database.target.host, c.database.target.arguments["password"])
        for c in reading.cells
    }
    assert places == {
        "cell1": ("elsewhere.invalid", b"x"),
        "cell2": ("127.0.0.1", PASSWORD.encode()),
    }


def test_ambiguous_names_are_not_guessed(nova):
    """A --cell-db-url that by its name could be either of two cells is refused."""
    for number in (1, 2):
        nova.api.cell(f"far{number}", f"mysql+pymysql://nova:x@db{number}.invalid/nova_far")
    reading = nova.reading(nova.sources("mysql+pymysql://nova:x@vip.invalid/nova_far"))
    with pytest.raises(ConfigurationError, match=r"nova_far at vip\.invalid:3306"):
        _ = reading.cells


def test_unknown_cell_database(nova):
    """A --cell-db-url that no cell mapping names is a configuration error; no secret is shown."""
    reading = nova.reading(nova.sources(nova.server.url("nova_cell2", password="geheim")))
    with pytest.raises(ConfigurationError, match="no cell mapping names") as caught:
        _ = reading.cells
    assert "geheim" not in f"{caught.value!r} {caught.value.remedy}"


def test_cells_given_without_api_database(nova):
    """Cells of one database name on different servers stay apart without an API database."""
    urls = [nova.server.url("nova"), nova.server.url("nova").replace("127.0.0.1", "localhost")]
    reading = nova.reading(Sources(cells=tuple(target(url) for url in urls)))
    assert len({cell.name for cell in reading.cells}) == 2
