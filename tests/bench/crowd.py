# SPDX-License-Identifier: Apache-2.0
"""Rows of many hosts behind a real nova-api and a real placement."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymysql.connections import Connection

from tests.database.servers.dialects import Dialect
from tests.lab import Lab

NAME = "crowd-"
SERVICES = """
INSERT INTO nova.services (created_at, host, `binary`, topic, report_count, disabled, deleted,
    forced_down, version, uuid, last_seen_up)
SELECT '2026-01-01', CONCAT(%(name)s, seq), 'nova-compute', 'compute', 1, 0, 0, 0,
    (SELECT MAX(version) FROM nova.services AS known), UUID(), '2026-01-01'
FROM seq_1_to_{count} AS seqs"""
NODES = """
INSERT INTO nova.compute_nodes (created_at, deleted, mapped, uuid, host, hypervisor_hostname,
    vcpus, memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used, free_ram_mb,
    free_disk_gb, current_workload, running_vms, disk_available_least, hypervisor_type,
    hypervisor_version, cpu_info, host_ip)
SELECT '2026-01-01', 0, 1, UUID(), CONCAT(%(name)s, seq), CONCAT(%(name)s, seq),
    1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1, 'fake', 1, '{{}}', '127.0.0.1'
FROM seq_1_to_{count} AS seqs"""
MAPPINGS = """
INSERT INTO nova_api.host_mappings (created_at, cell_id, host)
SELECT '2026-01-01', (SELECT MAX(cell_id) FROM nova_api.host_mappings AS known),
    CONCAT(%(name)s, seq) FROM seq_1_to_{count} AS seqs"""
PROVIDERS = """
INSERT INTO placement.resource_providers (created_at, uuid, name, generation)
SELECT '2026-01-01', uuid, hypervisor_hostname, 1 FROM nova.compute_nodes
WHERE host LIKE %(all)s"""
ROOTS = """
UPDATE placement.resource_providers SET root_provider_id = id
WHERE name LIKE %(all)s"""
# VCPU, MEMORY_MB and DISK_GB, of which every nova-compute reports some.
INVENTORIES = """
INSERT INTO placement.inventories (created_at, resource_provider_id, resource_class_id, total,
    reserved, min_unit, max_unit, step_size, allocation_ratio)
SELECT '2026-01-01', p.id, c.id, 64, 0, 1, 64, 1, 1 FROM placement.resource_providers AS p
JOIN placement.resource_classes AS c ON c.name IN ('VCPU', 'MEMORY_MB', 'DISK_GB')
WHERE p.name LIKE %(all)s"""
OURS = f"host LIKE '{NAME}%'"
GONE = (
    (
        "DELETE i FROM placement.inventories AS i JOIN placement.resource_providers AS p "
        "ON p.id = i.resource_provider_id WHERE p.name LIKE %(all)s"
    ),
    "UPDATE placement.resource_providers SET root_provider_id = NULL WHERE name LIKE %(all)s",
    "DELETE FROM placement.resource_providers WHERE name LIKE %(all)s",
    "DELETE FROM nova_api.host_mappings WHERE host LIKE %(all)s",
    "DELETE FROM nova.compute_nodes WHERE host LIKE %(all)s",
    "DELETE FROM nova.services WHERE host LIKE %(all)s",
)


@contextmanager
def crowd(lab: Lab, count: int) -> Iterator[str]:
    """Within: so many hosts that are down, and empty; a glob for their names."""
    _run(lab, *GONE)
    made = (statement.format(count=count) for statement in (SERVICES, NODES, MAPPINGS))
    try:
        _run(lab, *made, PROVIDERS, ROOTS, INVENTORIES)
        yield f"{NAME}*"
    finally:
        _run(lab, *GONE)


def _run(lab: Lab, *statements: str) -> None:
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, {"name": NAME, "all": f"{NAME}%"})


def fill(connection: Connection, count: int, dialect: Dialect) -> None:
    """Make the rows of nova's databases only, and take away those of before."""
    gone = (statement for statement in GONE if "placement." not in statement)
    numbers = dialect.numbers.format(count)
    made = (
        statement.format(count=count).replace(f"seq_1_to_{count}", numbers)
        for statement in (SERVICES, NODES, MAPPINGS)
    )
    with connection.cursor() as cursor:
        for statement in (*gone, *made):
            cursor.execute(statement, {"name": NAME, "all": f"{NAME}%"})
        cursor.execute(f"UPDATE nova.services SET updated_at = last_seen_up WHERE {OURS}")
