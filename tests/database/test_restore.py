# SPDX-License-Identifier: Apache-2.0
"""Rows that a run purged come back, byte for byte, and only where nothing took their place."""

import json
import stat
import subprocess

import pytest

from nova_decom.clients.mysql.url import target
from nova_decom.errors import ChangeFailedError, RowCountError
from nova_decom.model.request import Rows
from tests.database.conftest import Images
from tests.database.proxy import lose_reply, lose_request
from tests.database.removed import Removal, Restoring
from tests.database.rows import STAMP
from tests.database.server import CELL_TABLES

pytestmark = pytest.mark.database

TABLES = ("services", "compute_nodes", "pci_devices", "host_mappings", "aggregate_hosts")
JSON = json.dumps({"arch": "x86_64", "flags": ["sse", 'q"\\'], "text": "ünï→\n\t%s\0"})


@pytest.fixture
def node1(nova, tmp_path):
    """A host with history, devices and aggregates, among neighbours of similar names."""
    (cell,) = [c["id"] for c in nova.api.rows("cell_mappings") if c["name"] == "cell1"]
    for neighbour in ("node0", "node10"):
        _, node = nova.cell.host(neighbour)
        nova.cell.pci_device(node)
        nova.api.host(neighbour, cell)
    nova.cell.service("NODE1", deleted=True)
    nova.cell.pci_device(nova.cell.compute_node("NODE1", deleted=True))
    nova.cell.service("node1", deleted=True, disabled_reason="rack 7")
    nova.cell.pci_device(nova.cell.compute_node("node1", deleted=True), deleted=True)
    service = nova.cell.service("node1", forced_down=1, disabled_reason=None)
    node = nova.cell.compute_node(
        "node1",
        "node1.example.org",
        service_id=service,
        stats=JSON,
        supported_instances=JSON,
        ram_allocation_ratio=1 / 3,
        cpu_allocation_ratio=1.1754943508222875e-38,
    )
    nova.cell.pci_device(node, extra_info=JSON)
    nova.cell.pci_device(node)
    nova.api.host("node1", cell)
    nova.api.aggregate("fast", "node0", "node1")
    return Removal(nova, tmp_path)


def rows(nova):
    """Every column of every row, but when nova wrote mappings and memberships: it forgets that."""
    found = {t: nova.cell.rows(t) for t in TABLES[:3]}
    for table in TABLES[3:]:
        found[table] = [
            {n: v for n, v in row.items() if n not in {"created_at", "updated_at"}}
            for row in nova.api.rows(table)
        ]
    for row in found["aggregate_hosts"]:
        row.pop("id")
    found["aggregate_hosts"].sort(key=str)
    return found


@pytest.mark.parametrize("how", list(Rows))
def test_every_byte_comes_back(node1, how):
    """Floats, NULLs, dates, JSON and history; living rows live again, neighbours are untouched."""
    node1.rows = how
    before, sums = rows(node1.nova), node1.nova.cell.checksums(*CELL_TABLES)
    node1.run()
    assert node1.nova.cell.checksums(*CELL_TABLES) != sums
    restoring = Restoring(node1)

    plan = restoring.go()

    assert rows(node1.nova) == before
    assert node1.nova.cell.checksums(*CELL_TABLES) == sums
    assert plan.leftovers == ()
    again = restoring.plan()
    assert (again.changes, again.leftovers, again.blocked) == ((), (), ())


def test_evacuations_that_were_closed_are_open_again(node1):
    """One that somebody has changed since is left."""
    nova = node1.nova
    more = {"migration_type": "evacuation", "updated_at": STAMP}
    numbers = [
        nova.cell.migration(
            "node1", "node0", "done", **more, instance_uuid=nova.cell.instance("node0")
        )
        for _ in range(2)
    ]
    before = nova.cell.rows("migrations")
    node1.run()
    assert {r["status"] for r in nova.cell.rows("migrations")} == {"completed"}
    nova.cell.query("UPDATE nova.migrations SET status = 'error' WHERE id = %s", numbers[1])

    Restoring(node1).go()

    assert nova.cell.rows("migrations")[0] == before[0]
    assert nova.cell.rows("migrations")[1]["status"] == "error"
    assert Restoring(node1).plan().changes == ()
    assert "UPDATE migrations SET" in node1.sql.read_text("utf-8")


def test_a_ghost_comes_back_as_a_ghost(node1):
    """Live rows without a service, their mapping and memberships, purged by SQL alone."""
    node1.nova.cell.query("DELETE FROM nova.services WHERE BINARY host = 'node1'")
    tables = [f"nova.{t}" for t in TABLES[:3]] + [f"nova_api.{t}" for t in TABLES[3:]]
    sums = node1.nova.cell.query(f"CHECKSUM TABLE {', '.join(tables)}")
    node1.run(through_api=False)
    assert node1.nova.cell.query(f"CHECKSUM TABLE {', '.join(tables)}") != sums

    Restoring(node1).go()

    assert node1.nova.cell.query(f"CHECKSUM TABLE {', '.join(tables)}") == sums


def test_hidden_ghosts_live_again(node1):
    """--rows keep soft-deleted them; their images say how they were."""
    node1.nova.cell.query("DELETE FROM nova.services WHERE BINARY host = 'node1'")
    node1.rows = Rows.KEEP
    sums = node1.nova.cell.checksums(*CELL_TABLES)
    node1.run(through_api=False)

    Restoring(node1).go()

    assert node1.nova.cell.checksums(*CELL_TABLES) == sums


def test_the_statements_are_those_of_the_plan(node1):
    """Parents before children, and nothing but inserts by id."""
    node1.run()

    mapping, cell, member = Restoring(node1).plan().changes

    assert [s.sql.split()[2] for s in cell.transaction.writes] == [
        *["services"] * 2,
        *["compute_nodes"] * 2,
        *["pci_devices"] * 3,
    ]
    assert all(s.text in cell.detail for s in cell.transaction.writes)
    assert mapping.target.startswith("API database: host_mappings")
    assert (member.step, member.action) == ("restore-aggregates", "add")


def client(nova, text):
    """The database's own client, as a DBA uses it; its exit code and what it says."""
    done = subprocess.run(
        nova.server.client,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_dba_restores_the_rows_without_the_program(node1):
    """Every column of every row, by the .sql and the plain client; a second time does nothing."""
    node1.run()
    assert stat.S_IMODE(node1.sql.stat().st_mode) == 0o600
    text = node1.sql.read_text()

    assert client(node1.nova, text) == (0, "")

    assert node1.nova.cell.checksums(*CELL_TABLES) == node1.between
    code, said = client(node1.nova, text)
    assert (code, "1062" in said) == (1, True)
    assert node1.nova.cell.checksums(*CELL_TABLES) == node1.between


def test_a_dba_makes_the_host_live_again(node1):
    """By the statements in the comments, where the rows were soft-deleted."""
    live = ("id", "host", "deleted", "deleted_at", "disabled", "disabled_reason")
    before = [{n: r[n] for n in live} for r in node1.nova.cell.rows("services")]
    node1.run()
    text = node1.sql.read_text()
    ids = [r["id"] for r in before if r["host"] == "node1" and not r["deleted"]]
    marks = [f"WHERE id = {number} AND `deleted`" for number in ids]
    revived = [x.removeprefix("--") for x in text.splitlines() if any(m in x for m in marks)]

    assert client(node1.nova, "\n".join([text, *revived])) == (0, "")

    assert [{n: r[n] for n in live} for r in node1.nova.cell.rows("services")] == before


@pytest.mark.parametrize("through_api", [True, False])
def test_a_dba_takes_back_what_was_only_changed(node1, through_api):
    """--rows keep deletes nothing: the .sql says how the rows were."""
    if not through_api:
        node1.nova.cell.query("DELETE FROM nova.services WHERE BINARY host = 'node1'")
    node1.rows = Rows.KEEP
    node1.run(through_api=through_api)

    if not node1.sql.exists():
        assert node1.nova.cell.checksums(*CELL_TABLES) == node1.between
        return
    assert client(node1.nova, node1.sql.read_text()) == (0, "")
    assert node1.nova.cell.checksums(*CELL_TABLES) == node1.between


def test_rows_of_the_api_database_come_back_by_sql_too(node1):
    """A mapping and memberships that were purged, with when they were made."""
    node1.nova.cell.query("DELETE FROM nova.services WHERE BINARY host = 'node1'")
    tables = ", ".join(f"nova_api.{t}" for t in TABLES[3:])
    sums = node1.nova.cell.query(f"CHECKSUM TABLE {tables}")
    node1.run(through_api=False)

    assert client(node1.nova, node1.sql.read_text()) == (0, "")

    assert node1.nova.cell.query(f"CHECKSUM TABLE {tables}") == sums
    assert node1.nova.cell.checksums(*CELL_TABLES) == node1.between


@pytest.mark.parametrize("how", list(Rows))
def test_a_host_that_came_back_by_itself_keeps_its_new_rows(node1, how):
    """nova-compute was started again: the old rows are refused, one by one, and named."""
    node1.rows = how
    node1.run()
    node1.nova.cell.host("node1")
    before = node1.nova.cell.rows("services")

    plan = Restoring(node1).go()

    refused = [x.target for x in plan.leftovers]
    assert [t.split()[1] for t in refused].count("services") == 1
    assert "taken" in plan.leftovers[0].detail or "lives as another" in plan.leftovers[0].detail
    live = [r for r in node1.nova.cell.rows("services") if not r["deleted"]]
    assert live == [r for r in before if not r["deleted"]]


def test_a_node_of_the_same_uuid_is_not_put_back_twice(node1):
    """Nova makes the compute node again under its old uuid, and uuids are unique."""
    uuid = [r["uuid"] for r in node1.nova.cell.rows("compute_nodes") if r["vcpus"]][-1]
    node1.run()
    node1.nova.cell.compute_node("node1", "node1.example.org", uuid=uuid)

    plan = Restoring(node1).plan()

    kinds = [x.target.split()[1] for x in plan.leftovers]
    assert kinds == ["compute_nodes", "pci_devices", "pci_devices"]


def test_an_id_that_is_anothers_by_now_is_left(node1):
    """Ids are given again by some servers when they start."""
    number = max(r["id"] for r in node1.nova.cell.rows("services") if r["host"] == "node1")
    node1.run()
    node1.nova.cell.service("node7", id=number)

    plan = Restoring(node1).go()

    (left,) = plan.leftovers
    assert left.target == f"cell1: services {number}"
    assert "node7" in left.detail


def test_a_host_that_is_mapped_again_needs_no_mapping(node1):
    """discover_hosts gave it another id; that is as good. To another cell it is not."""
    node1.run()
    (cell,) = [c["id"] for c in node1.nova.api.rows("cell_mappings") if c["name"] == "cell1"]
    node1.nova.api.host("node1", cell)

    assert not [c for c in Restoring(node1).plan().changes if "host_mappings" in c.target]

    other = node1.nova.api.cell("cell2", node1.nova.server.url("nova_cell2"))
    node1.nova.api.query("UPDATE nova_api.host_mappings SET cell_id = %s", other)
    (left,) = Restoring(node1).plan().leftovers
    assert "mapped to another cell" in left.detail


def test_an_aggregate_that_is_gone_is_named(node1):
    """With what to type when there is another one."""
    node1.run()
    node1.nova.api.query("UPDATE nova_api.aggregates SET name = 'slow'")

    (left,) = Restoring(node1).plan().leftovers

    assert (left.kind, left.detail) == ("aggregate", "'fast' is now called 'slow'")


def test_another_cloud_is_refused(node1):
    """Cells have uuids."""
    node1.run()
    node1.nova.api.query("UPDATE nova_api.cell_mappings SET uuid = 'x' WHERE name = 'cell1'")

    (blocked,) = Restoring(node1).plan().blocked

    assert blocked.guard == "same-cloud"


def test_a_host_that_comes_alive_meanwhile_stops_it(node1):
    """Between plan and transaction: nothing is written."""
    node1.run()
    restoring = Restoring(node1)
    (change,) = [c for c in restoring.plan().changes if c.target.startswith("cell1")]
    node1.nova.cell.service("node1")
    before = node1.nova.cell.checksums(*CELL_TABLES)

    with pytest.raises(RowCountError, match="1 row instead of 0"):
        restoring.run(change.transaction)

    assert node1.nova.cell.checksums(*CELL_TABLES) == before


@pytest.mark.parametrize("fault", [lose_reply, lose_request])
@pytest.mark.parametrize("how", list(Rows))
def test_an_answer_to_commit_that_is_lost(node1, proxy, behind_proxy, fault, how):
    """Committed or not, all rows are there once."""
    node1.rows = how
    sums = node1.nova.cell.checksums(*CELL_TABLES)
    node1.run()
    (change,) = [c for c in Restoring(node1).plan().changes if c.target.startswith("cell1")]
    proxy.fault = fault

    behind_proxy().run(change.transaction, Images())

    assert node1.nova.cell.checksums(*CELL_TABLES) == sums


def test_a_transaction_that_was_tried_twice_is_restored_once(node1):
    """Its rows are in the journal twice."""
    sums = node1.nova.cell.checksums(*CELL_TABLES)
    node1.run()
    path = node1.state_dir / "runs" / "20261123T041500Z-7f3a.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines + [x for x in lines if "before-image" in x]))

    Restoring(node1).go()

    assert node1.nova.cell.checksums(*CELL_TABLES) == sums


def test_a_unique_key_that_nobody_saw_rolls_back(node1):
    """A device at the same address of the node: all or nothing."""
    node1.run()
    (change,) = [c for c in Restoring(node1).plan().changes if c.target.startswith("cell1")]
    first, *_ = [s for s in change.transaction.writes if "INTO services" in s.sql]
    node1.nova.cell.service("node9", uuid=first.params[_position(first, "uuid")])
    before = node1.nova.cell.checksums(*CELL_TABLES)

    with pytest.raises(ChangeFailedError, match=r"1062\); rolled back"):
        node1.nova.writer(target(node1.nova.server.url("nova"))).run(change.transaction, Images())

    assert node1.nova.cell.checksums(*CELL_TABLES) == before


def _position(statement, column):
    names = statement.sql.split("(")[1].split(")")[0].replace("`", "").split(", ")
    return names.index(column)


def test_dates_of_the_image_are_those_of_the_row(node1):
    """A soft-deleted row of the history keeps when it was deleted."""
    node1.run()
    Restoring(node1).go()

    rows_of = [r for r in node1.nova.cell.rows("services") if r["host"] == "node1"]
    assert [str(r["deleted_at"]) for r in rows_of if r["deleted"]] == [STAMP]
