# SPDX-License-Identifier: Apache-2.0
"""What doctor sees of schema, server and rights, with real users of the server."""

import pytest

from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.checked_rows import lacks_rights, with_missing_rights
from nova_decom.clients.mysql.checks import API_COLUMNS, CELL_COLUMNS, check_database
from nova_decom.clients.mysql.sources import Sources
from nova_decom.clients.mysql.url import target
from nova_decom.errors import UnavailableError
from nova_decom.model.request import Request, Rows
from tests.database.conftest import Images

pytestmark = pytest.mark.database

API_GRANTS = [
    f"SELECT ON nova_api.{table}"
    for table in ("cell_mappings", "host_mappings", "aggregate_hosts")
]
API_DELETES = [f"DELETE ON nova_api.{table}" for table in ("aggregate_hosts", "host_mappings")]
CELL_DELETES = ("pci_devices", "compute_nodes", "services")
CELL_READS = [
    f"SELECT ON nova.{table}"
    for table in ("services", "compute_nodes", "pci_devices", "instances", "migrations")
]
DELETES = [f"DELETE ON nova.{table}" for table in CELL_DELETES]
UPDATES = [f"UPDATE ON nova.{table}" for table in ("compute_nodes", "services")]
#: What the documentation asks for, and nothing more.
MINIMUM = [*API_GRANTS, *API_DELETES, *CELL_READS, *DELETES]


@pytest.fixture
def user(nova):
    """Make the user `operator` with these grants; the URL of a database as that user."""

    def make(*grants, database="nova"):
        nova.server.make_user("operator", "o", *grants)
        return nova.server.url(database, user="operator", password="o")

    yield make
    nova.cell.query("DROP USER IF EXISTS operator@'127.0.0.1'")
    nova.cell.query("DROP ROLE IF EXISTS decommissioner")


def tried(nova, url, rows="purge"):
    """The checks of every statement of a removal, sent as the user of the URL."""
    sources = Sources(cells=(target(url),))
    return NovaDatabases(sources, nova.reader).try_removal(Request(rows=Rows(rows)))


def problems(nova, url, columns=CELL_COLUMNS, rows="purge"):
    """The names of the checks that failed, without the database, and what they say."""
    checks = list(check_database(nova.reader(target(url)), columns))
    if columns is CELL_COLUMNS:
        checks += tried(nova, url, rows)
    assert all(check.remedy for check in checks if check.problem)
    return {c.name.split(": ")[1]: c.problem for c in checks if c.problem}


def test_nothing_is_wrong(nova, user):
    """With the documented grants nothing is wrong, and each thing looked at is named."""
    url = user(*MINIMUM)
    assert problems(nova, url) == {}
    assert problems(nova, user(*MINIMUM, database="nova_api"), API_COLUMNS) == {}
    names = [c.name for c in check_database(nova.reader(target(url)), CELL_COLUMNS)]
    assert [name.split(": ")[1] for name in names] == ["schema", "server accepts writes"]
    assert [c.name.split(": ")[1] for c in tried(nova, url)] == [
        *(f"SELECT with a lock on {table}" for table in CELL_DELETES),
        "SELECT with a lock on instances",
        "SELECT on migrations",
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
    deletes = {f"DELETE on {table}" for table in CELL_DELETES}
    found = set(problems(nova, cell))
    assert deletes <= found
    # MySQL asks for more than SELECT where rows are to be locked.
    assert found - deletes <= {f"SELECT with a lock on {table}" for table in CELL_DELETES}
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
    wrong = {c.name.split(": ")[1]: c for c in tried(nova, url) if c.problem}
    assert set(wrong) - {f"SELECT with a lock on {table}"} == {f"DELETE on {table}"}
    check = wrong[f"DELETE on {table}"]
    assert check.problem.startswith(f"{target(url).label}: DELETE on {table}: not granted: ")
    assert check.remedy == f"GRANT SELECT, DELETE ON nova.{table} TO 'operator'@'127.0.0.1';"


@pytest.mark.parametrize("table", ["compute_nodes", "services"])
def test_missing_update(nova, user, table):
    """With --rows keep UPDATE is tried, and DELETE is not; by default it is the other way."""
    url = user(*(g for g in [*MINIMUM, *UPDATES] if g != f"UPDATE ON nova.{table}"))
    assert problems(nova, url) == {}
    assert set(problems(nova, url, rows="keep")) == {f"UPDATE on {table}"}
    without_delete = user(*(g for g in [*MINIMUM, *UPDATES] if g not in DELETES))
    assert problems(nova, without_delete, rows="keep") == {}


def test_update_is_needed_where_nova_needs_the_compute_node(nova, user):
    """A plan that has an UPDATE is tried with it, one without is not."""
    url = user(*MINIMUM)
    nova.cell.host("node1")

    def lacking():
        databases = nova.reading(nova.sources(url))
        checks = databases.try_transactions([nova.purge("node1")])
        return [c.name.split(": ")[1] for c in checks if c.problem]

    assert lacking() == []
    nova.cell.instance("node1", deleted=True, compute_id=None)
    assert lacking() == ["UPDATE on compute_nodes"]


def test_of_many_hosts_one_may_need_another_right(nova, user):
    """With every right of the sample, a host whose compute node stays is planned for it."""
    for host in ("node1", "node2"):
        nova.cell.host(host)
        nova.api.host(host, nova.api.ids("cell_mappings")[1])
    nova.cell.instance("node1", deleted=True, compute_id=None)
    databases = nova.reading(nova.sources(user(*MINIMUM)))
    assert not lacks_rights(Request(), databases)

    def problems_of(host):
        facts = with_missing_rights(nova.facts(host), databases, has_rights=True)
        return facts.database.problems

    assert problems_of("node2") == ()
    assert ["UPDATE" in problem for problem in problems_of("node1")] == [True]


def test_a_missing_column_right_is_found(nova, user):
    """The statement itself is tried: UPDATE of one column alone is not enough to soft-delete."""
    grants = [g for g in [*MINIMUM, *UPDATES] if g != "UPDATE ON nova.compute_nodes"]
    url = user(*grants, "UPDATE (mapped) ON nova.compute_nodes")
    assert list(problems(nova, url, rows="keep")) == ["UPDATE on compute_nodes"]


@pytest.mark.parametrize("table", CELL_COLUMNS)
def test_each_statement_of_a_plan_is_tried(nova, user, table):
    """What the checks let pass, the server does as well, be it this or that right that lacks."""
    node = nova.cell.host("node1")[1]
    nova.cell.pci_device(node)
    transaction = nova.purge("node1")
    columns = ", ".join(f"`{name}`" for name in CELL_COLUMNS[table])
    for right in ("SELECT", "DELETE", "UPDATE"):
        grants = [g for g in [*MINIMUM, *UPDATES] if g != f"{right} ON nova.{table}"]
        if right == "SELECT":
            grants.append(f"SELECT ({columns}) ON nova.{table}")
        databases = nova.writing(nova.sources(user(*grants)))
        if all(check.problem is None for check in databases.try_transactions([transaction])):
            databases.run(transaction, Images())
            nova.cell.pci_device(nova.cell.host("node1")[1])
            transaction = nova.purge("node1")
        else:
            with pytest.raises(UnavailableError, match="denied"):
                databases.run(transaction, Images())


def test_a_locking_read_of_instances_needs_select_alone(nova, user):
    """Nothing is ever written there, and MySQL lets a shared lock be taken with SELECT."""
    nova.cell.host("node1")
    databases = nova.writing(nova.sources(user(*MINIMUM)))
    transaction = nova.purge("node1")
    assert not [c for c in databases.try_transactions([transaction]) if c.problem]
    databases.run(transaction, Images())
    assert nova.cell.rows("services") == []


def test_rights_of_the_api_database(nova, user):
    """Each right on host mappings and aggregate rows is tried, too."""
    cell = user(*MINIMUM)
    api = nova.server.url("nova_api", user="operator", password="o")
    sources = Sources(target(api), (target(cell),))

    def names():
        checks = NovaDatabases(sources, nova.reader).try_removal(Request())
        label = target(api).label
        return [c.name.removeprefix(f"{label}: ") for c in checks if c.problem]

    assert names() == []
    user(*(g for g in MINIMUM if g not in API_DELETES))
    deletes = ["DELETE on aggregate_hosts", "DELETE on host_mappings"]
    assert [name for name in names() if name.startswith("DELETE")] == deletes


def test_whether_any_host_may_lack_a_right(nova, user):
    """An overview plans no host for its statements while the rights for every table are there."""
    databases = NovaDatabases(Sources(cells=(target(user(*MINIMUM)),)), nova.reader)
    assert not lacks_rights(Request(), databases)
    assert not lacks_rights(Request(), None)

    fewer = Sources(cells=(target(user(*API_GRANTS, *CELL_READS)),))
    assert lacks_rights(Request(), NovaDatabases(fewer, nova.reader))


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
    assert problems(nova, api, API_COLUMNS) == {}
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
            tried(nova, nova.server.url("nova_cell2"))
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
            "server accepts writes": f"{target(url).label}: the server is read-only"
        }
        with pytest.raises(UnavailableError, match="read-only") as caught:
            nova.writing(nova.sources(url)).run(transaction, Images())
    finally:
        nova.cell.query("SET GLOBAL read_only = OFF")
    assert "the node that accepts writes" in caught.value.remedy
    assert nova.cell.ids("services")


def test_checks_change_nothing(nova, user):
    """All checks together leave every row as it is."""
    _, node = nova.cell.host("node1")
    nova.cell.pci_device(node)
    before = nova.cell.checksums(*CELL_COLUMNS)
    problems(nova, user(*MINIMUM))
    assert nova.cell.checksums(*CELL_COLUMNS) == before
