# SPDX-License-Identifier: Apache-2.0
"""What doctor sees of schema, server and rights, with real users of the server."""

import pytest

from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.checks import API_COLUMNS, CELL_COLUMNS, CELL_DELETES, check_database
from nova_decom.clients.mysql.sources import Sources
from nova_decom.clients.mysql.url import target
from nova_decom.errors import UnavailableError
from tests.database.conftest import Images

pytestmark = pytest.mark.database

API_GRANTS = [
    f"SELECT ON nova_api.{table}"
    for table in ("cell_mappings", "host_mappings", "aggregate_hosts")
]
CELL_READS = [
    f"SELECT ON nova.{table}"
    for table in ("services", "compute_nodes", "pci_devices", "instances", "migrations")
]
DELETES = [f"DELETE ON nova.{table}" for table in CELL_DELETES]
UPDATES = [f"UPDATE ON nova.{table}" for table in ("compute_nodes", "services")]
#: What the documentation asks for, and nothing more.
MINIMUM = [*API_GRANTS, *CELL_READS, *DELETES]


@pytest.fixture
def user(nova):
    """Make the user `operator` with these grants; the URL of a database as that user."""

    def make(*grants, database="nova"):
        nova.server.make_user("operator", "o", *grants)
        return nova.server.url(database, user="operator", password="o")

    yield make
    nova.cell.query("DROP USER IF EXISTS operator@'127.0.0.1'")
    nova.cell.query("DROP ROLE IF EXISTS decommissioner")


def problems(nova, url, columns=CELL_COLUMNS, deletes=CELL_DELETES):
    """The names of the checks that failed, without the database, and what they say."""
    checks = list(check_database(nova.reader(target(url)), columns, deletes))
    assert all(check.remedy for check in checks if check.problem)
    return {c.name.split(": ")[1]: c.problem for c in checks if c.problem}


def test_nothing_is_wrong(nova, user):
    """With the documented grants nothing is wrong, and each thing looked at is named."""
    url = user(*MINIMUM)
    assert problems(nova, url) == {}
    assert problems(nova, user(*MINIMUM, database="nova_api"), API_COLUMNS, ()) == {}
    names = [c.name for c in check_database(nova.reader(target(url)), CELL_COLUMNS, CELL_DELETES)]
    assert [name.split(": ")[1] for name in names] == [
        "schema",
        "server takes writes",
        *(f"DELETE on {table}" for table in CELL_DELETES),
    ]


@pytest.mark.parametrize("rows", ["purge", "keep"])
def test_documented_grants_are_enough(nova, user, rows):
    """A user with the documented grants can plan and purge; with UPDATE, also hide rows."""
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    nova.api.host("node1", nova.api.ids("cell_mappings")[1])
    nova.api.aggregate("all", "node1")
    cell = user(*MINIMUM, *(UPDATES if rows == "keep" else ()))
    api = nova.server.url("nova_api", user="operator", password="o")
    sources = Sources(target(api), (target(cell),))
    found = NovaDatabases(sources, nova.reader).facts(["node1"])["node1"]
    assert found.services
    assert found.aggregate_hosts
    NovaDatabases(sources, nova.writer).run(nova.purge("node1", rows=rows), Images())
    assert not nova.cell.query("SELECT id FROM nova.services WHERE deleted = 0")
    assert bool(nova.cell.rows("services")) is (rows == "keep")


def test_grants_for_planning_are_enough(nova, user):
    """A user who may only SELECT can plan; what is missing for a purge is named."""
    nova.cell.host("node1")
    cell = user(*API_GRANTS, *CELL_READS)
    sources = nova.sources(cell)
    assert nova.reading(sources).facts(["node1"])["node1"].services
    assert set(problems(nova, cell)) == {f"DELETE on {table}" for table in CELL_DELETES}
    # MySQL asks for more than SELECT at the first locking read already.
    denied = "(SELECT with locking clause|DELETE) command denied"
    with pytest.raises(UnavailableError, match=denied) as caught:
        nova.writing(sources).run(nova.purge("node1"), Images())
    assert "nova-decom doctor" in caught.value.remedy
    assert nova.cell.ids("services")


def test_keep_without_update(nova, user):
    """Without the right to UPDATE, --rows keep is refused by the server and nothing changes."""
    nova.cell.host("node1")
    sources = nova.sources(user(*MINIMUM))
    with pytest.raises(UnavailableError, match="UPDATE command denied"):
        nova.writing(sources).run(nova.purge("node1", rows="keep"), Images())
    assert not nova.facts("node1").database.services[0].deleted


@pytest.mark.parametrize("table", CELL_DELETES)
def test_missing_delete(nova, user, table):
    """A missing right to delete from one table is named, with the GRANT that cures it."""
    url = user(*(grant for grant in MINIMUM if grant != f"DELETE ON nova.{table}"))
    assert list(problems(nova, url)) == [f"DELETE on {table}"]
    (check,) = (
        c
        for c in check_database(nova.reader(target(url)), CELL_COLUMNS, CELL_DELETES)
        if c.problem
    )
    assert check.remedy == f"GRANT SELECT, DELETE ON nova.{table} TO this user"


@pytest.mark.parametrize("table", CELL_COLUMNS)
def test_missing_select(nova, user, table):
    """A missing right to read a table is told by its columns, also when it may be written."""
    grants = [g for g in [*MINIMUM, *UPDATES] if g != f"SELECT ON nova.{table}"]
    found = problems(nova, user(*grants))
    assert f"{table}.{CELL_COLUMNS[table][0]}" in found["schema"]
    assert "SELECT is missing" in found["schema"]


def test_missing_column_right(nova, user):
    """A right to read only some columns of a table is told by the columns that are missing."""
    grants = [g for g in MINIMUM if not g.endswith("nova.instances")]
    columns = [c for c in CELL_COLUMNS["instances"] if c != "hostname"]
    url = user(*grants, f"SELECT ({', '.join(columns)}) ON nova.instances")
    assert problems(nova, url)["schema"].endswith("cannot see instances.hostname")


def test_columns_are_enough(nova, user):
    """Rights on the columns that are checked for, and on compute_id, let everything be read."""
    nova.cell.host("node1")
    nova.cell.instance("node1")
    nova.cell.migration("node1", "node2", "running")
    grants = [
        f"SELECT ({', '.join(f'`{c}`' for c in columns)}) ON {database}.{table}"
        for database, tables in (("nova", CELL_COLUMNS), ("nova_api", API_COLUMNS))
        for table, columns in tables.items()
    ]
    cell = user(*grants, "SELECT (compute_id) ON nova.instances")
    api = nova.server.url("nova_api", user="operator", password="o")
    assert "schema" not in problems(nova, cell)
    assert problems(nova, api, API_COLUMNS, ()) == {}
    reading = NovaDatabases(Sources(target(api), (target(cell),)), nova.reader)
    assert reading.facts(["node1"])["node1"].instances


@pytest.mark.parametrize(
    "grants",
    [
        ["SELECT, DELETE ON `nov%`.*"],
        ["SELECT, DELETE ON nova.*"],
        ["SELECT, DELETE ON *.*"],
        ["ALL ON nova.*"],
    ],
)
def test_wide_grants(nova, user, grants):
    """Rights that were granted on a database, by a wildcard or on everything do as well."""
    assert problems(nova, user(*grants)) == {}


@pytest.mark.parametrize("by_default", [True, False])
def test_grants_by_role(nova, user, by_default):
    """Rights of a role count when the role is active, which is what the server says."""
    url = user()
    nova.cell.query("CREATE ROLE decommissioner")
    for grant in MINIMUM:
        nova.cell.query(f"GRANT {grant} TO decommissioner")
    nova.cell.query("GRANT decommissioner TO operator@'127.0.0.1'")
    if by_default:
        nova.cell.query(
            nova.server.dialect.default_role.format(
                role="decommissioner", user="operator@'127.0.0.1'"
            )
        )
        assert problems(nova, url) == {}
    else:
        with pytest.raises(UnavailableError, match="Access denied"):
            problems(nova, url)


def test_wrong_database(nova):
    """A database that is not nova's is told as such, and so is the API database for a cell."""
    for name in ("mysql", "nova_api"):
        found = list(check_database(nova.reader(target(nova.server.url("nova"))), CELL_COLUMNS))
        assert not found[0].problem
        url = nova.server.url(name).replace("//nova:nova-secret", "//root:")
        (schema, *_) = check_database(nova.reader(target(url)), CELL_COLUMNS)
        assert "is not the database expected" in schema.problem


def test_missing_table(nova):
    """A table that is not there is named by its columns; rights on it are not guessed."""
    nova.cell2.query("RENAME TABLE nova_cell2.migrations TO nova_cell2.elsewhere")
    try:
        (schema, *_) = check_database(
            nova.reader(target(nova.server.url("nova_cell2"))), CELL_COLUMNS
        )
        assert "cannot see migrations.id" in schema.problem
        with pytest.raises(UnavailableError, match=r"doesn't exist \(error 1146\)"):
            nova.reader(target(nova.server.url("nova_cell2"))).may_delete("migrations")
    finally:
        nova.cell2.query("RENAME TABLE nova_cell2.elsewhere TO nova_cell2.migrations")


def test_read_only_server(nova, user):
    """A server with read_only is named, rights are still told, and the server refuses a purge."""
    nova.cell.host("node1")
    url = user(*MINIMUM)
    transaction = nova.purge("node1")
    nova.cell.query("SET GLOBAL read_only = ON")
    try:
        assert problems(nova, url) == {
            "server takes writes": f"{target(url).label}: the server is read-only"
        }
        with pytest.raises(UnavailableError, match="read-only") as caught:
            nova.writing(nova.sources(url)).run(transaction, Images())
    finally:
        nova.cell.query("SET GLOBAL read_only = OFF")
    assert "the node that takes writes" in caught.value.remedy
    assert nova.cell.ids("services")


def test_checks_change_nothing(nova, user):
    """All checks together leave every row as it is."""
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    before = nova.cell.checksums(*CELL_COLUMNS)
    problems(nova, user(*MINIMUM))
    assert nova.cell.checksums(*CELL_COLUMNS) == before
