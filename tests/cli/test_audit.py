# SPDX-License-Identifier: Apache-2.0
"""Ghosts of every kind, each found once and cured by the command that is named."""

import uuid
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.cli.run import NovaDecom, Ran
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.schema import run_tool

#: The kinds of traces that each ghost leaves, by its name.
GHOSTS = {
    "ghost-map": ["host-mapping", "network-agent"],
    "ghost-member": ["aggregate"],
    "ghost-provider": ["resource-provider"],
    "ghost-node": ["compute-node"],
    "ghost-service": ["compute-service", "old-version"],
    "ghost-mapped": ["stale-mapped"],
    "ghost-odd": ["odd-soft-delete"],
}


@pytest.fixture
def ghosts(lab: Lab) -> Iterator[None]:
    """What SQL by hand, half removals and old releases leave, all at once."""
    aggregate = lab.connection().compute.create_aggregate(name="ghosts")
    with lab.sql("nova_api") as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO host_mappings (created_at, cell_id, host) "
            "SELECT UTC_TIMESTAMP(), cell_id, 'ghost-map' FROM host_mappings LIMIT 1"
        )
        cursor.execute(
            "INSERT INTO aggregate_hosts (created_at, host, aggregate_id) "
            "VALUES (UTC_TIMESTAMP(), 'ghost-member', %s)",
            (aggregate.id,),
        )
    _provider(lab, "ghost-provider")
    _node(lab, "ghost-node", deleted="0", mapped=1)
    _node(lab, "ghost-mapped", deleted="id", mapped=1)
    _service(lab, "ghost-service", deleted=0)
    _service(lab, "ghost-odd", deleted=1)
    lab.network_agent("ghost-map")
    yield
    for name in GHOSTS:
        lab.purge_host(name)
    lab.connection().compute.delete_aggregate(aggregate.id)


def test_a_cloud_in_order_has_nothing_to_tell(decom: NovaDecom, snapshot: Snapshot) -> None:
    """Nothing is printed, nothing invented, nothing changed; cron stays quiet."""
    before = snapshot.checksums()
    ran = decom("audit", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert decom("audit", "--detailed-exitcode").code == 0
    assert decom("audit", "-f", "json").json["hosts"] == []
    assert snapshot.checksums() == before


@pytest.mark.usefixtures("ghosts")
def test_every_ghost_is_found_once_and_its_cure_works(
    decom: NovaDecom, snapshot: Snapshot
) -> None:
    """Each trace is named once with the command that takes it away; then nothing is left."""
    ran = decom("audit", "-f", "json", "--detailed-exitcode")
    assert ran.code == 3
    assert found(ran) == {name: Counter(kinds) for name, kinds in GHOSTS.items()}
    table = decom("audit", "-f", "value", "-c", "host", "-c", "kind")
    assert sorted(table.out.split("\n")[:-1]) == sorted(
        f"{name} {kind}" for name, kinds in GHOSTS.items() for kind in kinds
    )

    for host in ran.json["hosts"]:
        for leftover in host["leftovers"]:
            assert f"nova-decom remove {host['host']}" in leftover["remedy"]
        cured = decom.remove(host["host"], "--offline")
        assert cured.code == 0, cured.shown
        assert snapshot.traces_of(host["host"]) == set()

    assert decom("audit", "--detailed-exitcode").code == 0


def test_a_living_host_that_gets_no_server_is_named_and_the_cures_work(
    decom: NovaDecom, lab: Lab
) -> None:
    """Without host mapping; and in an aggregate of which placement does not know."""
    nova = lab.connection().compute
    aggregate = nova.create_aggregate(name="not-in-placement")
    nova.add_host_to_aggregate(aggregate.id, "node2")
    with lab.sql("placement") as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM resource_provider_aggregates")
    with lab.sql("nova_api") as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM host_mappings WHERE host = 'node2'")

    ran = decom("audit", "-f", "json")

    kinds = ["provider-aggregate", "host-mapping-missing"]
    assert found(ran) == {"node2": Counter(kinds)}
    for leftover in ran.host["leftovers"]:
        program, *words = leftover["remedy"].split()
        run_tool(lab.site, program, "--config-file", str(lab.nova_conf), *words)
    assert decom("audit", "--detailed-exitcode").code == 0
    nova.remove_host_from_aggregate(aggregate.id, "node2")
    nova.delete_aggregate(aggregate.id)


def found(ran: Ran) -> dict[str, Counter[str]]:
    """Host -> the kinds of its leftovers."""
    hosts = ran.json["hosts"]
    return {h["host"]: Counter(x["kind"] for x in h["leftovers"]) for h in hosts}


def _provider(lab: Lab, name: str) -> None:
    placement = lab.connection().placement
    new = str(uuid.uuid4())
    body = {"uuid": new, "name": name}
    placement.post("/resource_providers", json=body, microversion="1.20")
    traits = {"traits": ["COMPUTE_NODE"], "resource_provider_generation": 0}
    answer = placement.put(f"/resource_providers/{new}/traits", json=traits, microversion="1.20")
    assert answer.status_code == 200, answer.text


def _node(lab: Lab, host: str, *, deleted: str, mapped: int) -> None:
    """A row as node1's, of another host."""
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copy SELECT * FROM compute_nodes LIMIT 1")
        cursor.execute(
            "UPDATE copy SET id = (SELECT MAX(id) + 1 FROM compute_nodes), uuid = UUID(), "
            "host = %s, hypervisor_hostname = %s, service_id = NULL, mapped = %s",
            (host, host, mapped),
        )
        cursor.execute(f"UPDATE copy SET deleted = {deleted}")
        cursor.execute("INSERT INTO compute_nodes SELECT * FROM copy")


def _service(lab: Lab, host: str, *, deleted: int) -> None:
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO services (created_at, host, `binary`, topic, report_count, disabled, "
            "deleted, forced_down, version, uuid, last_seen_up) VALUES (UTC_TIMESTAMP(), %s, "
            "'nova-compute', 'compute', 1, 0, %s, 0, 61, UUID(), "
            "UTC_TIMESTAMP() - INTERVAL 1 HOUR)",
            (host, deleted),
        )
