# SPDX-License-Identifier: Apache-2.0
"""Two cells on a real Nova, each with a database that numbers its rows on its own."""

from collections.abc import Iterator

import pytest

from tests.cli.run import NovaDecom
from tests.cli.two_cells import lab
from tests.lab import Lab

__all__ = ["lab"]

CELLS = {"cell1": "node1", "cell2": "node1-cell2"}


@pytest.fixture
def wanderer(lab: Lab) -> Iterator[str]:
    """A name that a test uses in both cells; no trace of it stays."""
    yield "wanderer"
    lab.purge_host("wanderer")


def test_a_server_boots_in_each_cell(lab: Lab) -> None:
    """Its row is in the database of its own cell and in no other."""
    servers = {cell: lab.create_servers(1, on=host)[0] for cell, host in CELLS.items()}

    for cell, host in CELLS.items():
        rows = lab.cell_sql(cell, "SELECT uuid, host FROM instances WHERE deleted = 0")
        assert rows == [(servers[cell], host)]
    shown = {s.id: s.compute_host for s in lab.connection().compute.servers(all_projects=True)}
    assert shown == {servers[cell]: host for cell, host in CELLS.items()}
    lab.delete_servers(*servers.values())


def test_hosts_beat_in_their_own_cell_and_are_mapped_to_it(lab: Lab) -> None:
    for cell in CELLS:
        hosts = {host.name for host in lab.hosts.all() if host.cell.name == cell}
        rows = lab.cell_sql(
            cell, "SELECT host FROM services WHERE `binary` = 'nova-compute' AND deleted = 0"
        )
        mapped = lab.cell_sql(
            cell,
            "SELECT h.host FROM nova_api.host_mappings h JOIN nova_api.cell_mappings c"
            " ON c.id = h.cell_id WHERE c.name = %s",
            cell,
        )
        assert len(hosts) == 2
        assert {host for (host,) in rows} == hosts == {host for (host,) in mapped}


def test_migrations_of_two_cells_have_one_id(lab: Lab) -> None:
    """Also after one cell had more migrations than the other."""
    lone = lab.create_servers(1, on="node1", status="VERIFY_RESIZE")
    same = lab.resize_with_same_migration_id(*CELLS.values())

    for cell, host in CELLS.items():
        rows = lab.cell_sql(
            cell,
            "SELECT instance_uuid, source_compute, status FROM migrations WHERE id = %s",
            same.migration,
        )
        assert rows == [(same.servers[host], host, "finished")]
    statuses = {s.id: s.status for s in lab.connection().compute.servers(all_projects=True)}
    assert set(statuses.values()) == {"VERIFY_RESIZE"}
    assert statuses.keys() == {*lone, *same.servers.values()}
    lab.delete_servers(*lone, *same.servers.values())


def test_a_name_leaves_a_deleted_row_in_one_cell_and_lives_in_the_other(
    lab: Lab, wanderer: str
) -> None:
    """As where a machine was taken out of one cell and put into another under its old name."""
    lab.start_compute(wanderer, cell="cell1")
    lab.stop_compute(wanderer)
    compute = lab.connection().compute
    (service,) = compute.services(host=wanderer, binary="nova-compute")
    compute.delete_service(service)
    lab.wipe_compute(wanderer, cell="cell2")
    lab.start_compute(wanderer)

    statement = "SELECT deleted = 0 FROM services WHERE host = %s"
    assert lab.cell_sql("cell1", statement, wanderer) == [(0,)]
    assert lab.cell_sql("cell2", statement, wanderer) == [(1,)]
    lab.delete_servers(*lab.create_servers(1, on=wanderer))


def test_no_row_of_a_purged_host_stays_in_any_cell(lab: Lab) -> None:
    lab.start_compute("passing", cell="cell2")
    lab.create_servers(1, on="passing")
    lab.purge_host("passing")

    for cell in CELLS:
        for table in ("services", "compute_nodes"):
            assert lab.cell_sql(cell, f"SELECT id FROM {table} WHERE host = 'passing'") == []
        left = "SELECT id FROM instances WHERE host = 'passing' OR launched_on = 'passing'"
        assert lab.cell_sql(cell, left) == []
    assert lab.hosts.get("passing") is None


def test_nova_decom_finds_the_databases_of_both_cells(decom: NovaDecom) -> None:
    """A plan names the cell in whose database rows go."""
    for cell, host in (("cell1", "node2"), ("cell2", "node2-cell2")):
        changes = decom("plan", "-f", "json", host).host["changes"]
        (target,) = [c["target"] for c in changes if c["step"] == "purge-rows"]
        assert target.startswith(f"{cell}: compute_nodes ")
