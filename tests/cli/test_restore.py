# SPDX-License-Identifier: Apache-2.0
"""The way back: a host that was removed is a host again, under its old identity."""

import pytest

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom, Ran
from tests.cli.snapshot import Snapshot
from tests.lab import Lab


def restore(decom: NovaDecom, run: str, *arguments: str) -> Ran:
    return decom("restore", run, "--yes", "-f", "json", *arguments)


@pytest.mark.parametrize("how", ["purge", "keep"])
def test_a_removed_host_comes_back_under_its_old_identity(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot, how: str
) -> None:
    """Same ids and uuids, enabled, in its aggregates; it is up again and takes a server."""
    name = f"back-{how}"
    hosts.start(name)
    compute = lab.connection().compute
    aggregate = compute.create_aggregate(name=f"racks-{how}")
    compute.add_host_to_aggregate(aggregate, name)
    before = identity(lab, name)
    removed = decom.remove(name, "--rows", how, "--reason", "rack 7")
    assert removed.code == 0, removed.shown
    run = removed.json["run"]

    (told,) = decom("runs", run, "-f", "json").json["runs"]
    assert (told["result"], told["reason"], told["hosts"]) == ("removed", "rack 7", [name])

    checks = snapshot.checksums()
    shown = decom("restore", run, "--dry-run", "-f", "json")
    assert shown.code == 0, shown.shown
    assert "restore-rows restore" in shown.changes("planned")
    assert decom("restore", run).code == 13
    assert snapshot.checksums() == checks

    back = restore(decom, run)
    assert back.code == 0, back.shown
    assert (back.host["result"], back.json["changed"]) == ("restored", True)
    assert any("start nova-compute" in thing for thing in back.host["to_do"])
    assert identity(lab, name) == before

    lab.start_compute(name)
    assert identity(lab, name) == before
    (server,) = lab.create_servers(1, on=name)
    lab.delete_servers(server)
    assert name in compute.get_aggregate(aggregate).hosts

    again = restore(decom, run)
    assert (again.code, again.host["result"], again.json["changed"]) == (0, "unchanged", False)
    compute.remove_host_from_aggregate(aggregate, name)
    compute.delete_aggregate(aggregate)


def test_a_host_that_came_back_by_itself_is_left_alone(
    lab: Lab, decom: NovaDecom, hosts: Hosts
) -> None:
    """Its new rows stay as they are, and each old row that they stand for is named."""
    hosts.start("itself1")
    run = decom.remove("itself1").json["run"]
    lab.start_compute("itself1")
    before = identity(lab, "itself1")

    ran = restore(decom, run)

    assert (ran.code, ran.host["result"], ran.json["changed"]) == (4, "refused", False)
    assert "its place is taken: services" in ran.host["error"]["message"]
    assert identity(lab, "itself1") == before


def identity(lab: Lab, host: str) -> dict[str, object]:
    """What makes it this host: ids and uuids of its rows, its mapping, its state."""
    found: dict[str, object] = {}
    for database, table, columns in (
        ("nova", "services", "id, uuid, disabled, disabled_reason, deleted, created_at"),
        ("nova", "compute_nodes", "id, uuid, service_id, deleted, mapped, created_at"),
        ("nova_api", "host_mappings", "id, cell_id"),
        ("nova_api", "aggregate_hosts", "aggregate_id"),
    ):
        with lab.sql(database) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {table} WHERE host = %s", (host,))
            found[table] = cursor.fetchall()
    return found
