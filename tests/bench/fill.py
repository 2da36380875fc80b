# SPDX-License-Identifier: Apache-2.0
"""The rows of a large cloud, as nova leaves them, made inside the server.

Host ``n`` is ``compute-000000`` + n. Of every hundred hosts one is left to be removed (``GHOST``):
no server lives on it, and on some of them deleted ones have been.
"""

import json
import re
from dataclasses import dataclass

from pymysql.connections import Connection

from tests.database.servers.dialects import Dialect

PREFIX = "compute-"
#: Of every hundred hosts the one with this number, in three states by turns.
GHOST = 50
STATES = (
    "deleted through the API",
    "alive, never had a server",
    "needed by deleted servers",
)
#: An INSERT into an empty table writes no undo log and sorts its indexes, without these two.
IN_BULK = "SET SESSION unique_checks = 0, foreign_key_checks = 0"
#: MariaDB's tables of numbers, which another server spells otherwise.
NUMBERS = re.compile(r"\bseq_1_to_(\d+)")
TABLES = (
    *("nova.pci_devices", "nova.compute_nodes", "nova.services", "nova.migrations"),
    *("nova.instances", "nova_api.aggregate_hosts", "nova_api.aggregates"),
    "nova_api.host_mappings",
)


@dataclass(frozen=True)
class Sizes:
    """How many rows; hosts that are to be removed are among the hosts."""

    hosts: int
    instances: int
    migrations: int

    def ghosts(self, state: str | None = None) -> list[str]:
        """The hosts to be removed, all or those in one of ``STATES``."""
        numbers = range(GHOST, self.hosts + 1, 100)
        wanted = [n for n in numbers if state is None or _state(n) == state]
        return [name(n) for n in wanted]


def name(number: int) -> str:
    """Of a host."""
    return f"{PREFIX}{number:06}"


def fill(connection: Connection, sizes: Sizes, dialect: Dialect) -> None:
    """Make the rows; of cells there is one already, ``cell1``."""
    clear(connection)
    with connection.cursor() as cursor:
        cursor.execute(IN_BULK)
        cursor.execute("USE nova")
        for statement in (*_hosts(sizes), *_work(sizes)):
            cursor.execute(NUMBERS.sub(lambda m: dialect.numbers.format(m[1]), statement))
        cursor.execute(f"ANALYZE TABLE {', '.join(TABLES)}")
        cursor.fetchall()


def clear(connection: Connection) -> None:
    """Empty the tables at once, however many rows they have."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0")
        for table in TABLES:
            cursor.execute(f"TRUNCATE TABLE {table}")


def _hosts(sizes: Sizes) -> list[str]:
    """Services, nodes and devices, and what the API database knows of the hosts."""
    hosts = f"(SELECT seq AS n, {_is_ghost('seq')} AS ghost, {_turn('seq')} AS turn "
    hosts += f"FROM seq_1_to_{sizes.hosts} AS seqs) AS h"
    return [
        SERVICES.format(host=_host("n"), uuid=_uuid("'service', n"), hosts=hosts),
        CONTROLLERS.format(uuid=_uuid("'controller', seq, daemon")),
        NODES.format(host=_host("n"), uuid=_uuid("'node', n"), hosts=hosts, **_texts()),
        DEVICES.format(uuid=_uuid("'device', n, d.seq"), hosts=hosts),
        AGGREGATES.format(uuid=_uuid("'aggregate', seq")),
        MEMBERS.format(host=_host("n"), hosts=hosts),
        MAPPINGS.format(host=_host("n"), hosts=hosts),
    ]


def _work(sizes: Sizes) -> list[str]:
    """Servers and migrations, spread over the hosts by chance that is always the same."""
    return [
        INSTANCES.format(
            host=_host("n"),
            uuid=_uuid("'server', seq"),
            project=_uuid("'project', seq MOD 997"),
            ghost=_is_ghost("n"),
            turn=_turn("n"),
            landed=_is_ghost("m"),
            unused=f"{_turn('m')} = 1",
            before=_is_ghost("(m + 1)"),
            hosts=sizes.hosts,
            instances=sizes.instances,
        ),
        MIGRATIONS.format(
            source=_host("source"),
            destination=_host("destination"),
            uuid=_uuid("'migration', seq"),
            server=_uuid(f"'server', 1 + seq MOD {sizes.instances}"),
            left=_is_ghost("a"),
            reached=_is_ghost("b"),
            hosts=sizes.hosts,
            migrations=sizes.migrations,
        ),
    ]


def _state(number: int) -> str:
    return STATES[number // 100 % 3]


def _host(number: str) -> str:
    return f"CONCAT('{PREFIX}', LPAD({number}, 6, '0'))"


def _is_ghost(number: str) -> str:
    return f"({number} MOD 100 = {GHOST})"


def _turn(number: str) -> str:
    return f"({number} DIV 100 MOD 3)"


def _uuid(seed: str) -> str:
    """In no order, as uuid4 gives them; the same for the same seed."""
    # MySQL has no MD5() any more.
    text = f"LEFT(SHA2(CONCAT_WS(' ', {seed}), 224), 32)"
    for place in (9, 14, 19, 24):
        text = f"INSERT({text}, {place}, 0, '-')"
    return text


def _texts() -> dict[str, str]:
    """JSON as long as nova-compute writes it, as literals."""
    flags = [f"cpu-feature-{n}" for n in range(90)]
    cpu = {"arch": "x86_64", "model": "Icelake-Server", "vendor": "Intel", "features": flags}
    pool = {
        "nova_object.name": "PciDevicePool",
        "nova_object.namespace": "nova",
        "nova_object.version": "1.1",
        "nova_object.data": {
            "product_id": "1572",
            "vendor_id": "8086",
            "numa_node": 0,
            "tags": {"dev_type": "type-VF", "physical_network": "physnet0"},
            "count": 8,
        },
    }
    stats = {f"num_proj_{n:032x}": n for n in range(30)}
    cells = [{"id": n, "cpuset": list(range(32)), "memory": 131072} for n in range(2)]
    texts = {"cpu": cpu, "pci": [pool] * 5, "stats": stats, "numa": cells}
    return {name: f"'{json.dumps(text)}'" for name, text in texts.items()}


#: A host in turn 1 is left alive, in the others nova has deleted the service.
SERVICES = """
INSERT INTO nova.services (id, created_at, updated_at, last_seen_up, host, `binary`, topic,
    report_count, disabled, forced_down, version, uuid, deleted, deleted_at)
SELECT n, '2025-01-02', '2026-01-02', '2026-01-02', {host}, 'nova-compute', 'compute',
    100000 + n, ghost, 0, 70, {uuid}, IF(ghost AND turn <> 1, n, 0),
    IF(ghost AND turn <> 1, '2026-01-02', NULL)
FROM {hosts}"""
CONTROLLERS = """
INSERT INTO nova.services (created_at, updated_at, last_seen_up, host, `binary`, topic,
    report_count, disabled, forced_down, version, uuid, deleted)
SELECT '2025-01-02', '2026-01-02', '2026-01-02', CONCAT('controller-', seq),
    CONCAT('nova-', daemon), daemon, 100000, 0, 0, 70, {uuid}, 0
FROM seq_1_to_3 AS seqs, (SELECT 'scheduler' AS daemon UNION SELECT 'conductor') AS daemons"""
#: In turn 2 nova left its flag when it deleted the node (bug 2085135). Old clouds have a
#: service_id in some nodes.
NODES = """
INSERT INTO nova.compute_nodes (id, created_at, updated_at, service_id, vcpus, memory_mb,
    local_gb, vcpus_used, memory_mb_used, local_gb_used, hypervisor_type, hypervisor_version,
    cpu_info, free_ram_mb, free_disk_gb, running_vms, hypervisor_hostname, host_ip, pci_stats,
    stats, numa_topology, metrics, supported_instances, host, ram_allocation_ratio,
    cpu_allocation_ratio, disk_allocation_ratio, uuid, mapped, deleted, deleted_at)
SELECT n, '2025-01-02', '2026-01-02', IF(n MOD 10 = 0, n, NULL), 64, 262144, 1000, 32, 131072,
    300, 'QEMU', 9002000, {cpu}, 131072, 700, 15, {host}, '192.0.2.17', {pci}, {stats}, {numa},
    '[]', '[["x86_64", "kvm", "hvm"]]', {host}, 1.1, 16.7, 1.0, {uuid},
    NOT (ghost AND turn = 0), IF(ghost AND turn <> 1, n, 0),
    IF(ghost AND turn <> 1, '2026-01-02', NULL)
FROM {hosts}"""
DEVICES = """
INSERT INTO nova.pci_devices (created_at, compute_node_id, address, product_id, vendor_id,
    dev_type, label, status, uuid, deleted)
SELECT '2025-01-02', n, CONCAT('0000:3b:00.', d.seq), '1572', '8086', 'type-PF',
    'label_8086_1572', 'available', {uuid}, 0
FROM {hosts}, seq_1_to_2 AS d WHERE n MOD 5 = 0"""
AGGREGATES = """
INSERT INTO nova_api.aggregates (created_at, uuid, name)
SELECT '2025-01-02', {uuid}, CONCAT('rack-', seq) FROM seq_1_to_100 AS seqs"""
MEMBERS = """
INSERT INTO nova_api.aggregate_hosts (created_at, host, aggregate_id)
SELECT '2025-01-02', {host}, 1 + n MOD 100 FROM {hosts} WHERE NOT ghost OR turn = 1"""
MAPPINGS = """
INSERT INTO nova_api.host_mappings (created_at, cell_id, host)
SELECT '2025-01-02', (SELECT id FROM nova_api.cell_mappings WHERE name = 'cell1'), {host}
FROM {hosts} WHERE NOT ghost OR turn = 1"""
#: Seven of ten are deleted; some of those are from before nova 28, without a compute_id. What
#: would live on a ghost lives on the host after it, and so do all servers of a ghost in turn 1.
#: The host before a ghost is new, and none was deleted there yet.
INSTANCES = """
INSERT INTO nova.instances (id, created_at, updated_at, deleted_at, launched_at, terminated_at,
    user_id, project_id, image_ref, key_name, power_state, vm_state, memory_mb, vcpus, hostname,
    display_name, host, node, launched_on, reservation_id, availability_zone, instance_type_id,
    uuid, root_device_name, config_drive, root_gb, ephemeral_gb, locked, cleaned, hidden,
    deleted, compute_id)
SELECT seq, '2025-01-02' + INTERVAL seq SECOND, '2026-01-02' + INTERVAL seq SECOND,
    IF(gone, '2026-01-03', NULL), '2025-01-03', IF(gone, '2026-01-03', NULL), {project},
    {project}, {uuid}, 'key', 1, IF(gone, 'deleted', 'active'), 4096, 2, CONCAT('web-', seq),
    CONCAT('web-', seq), {host}, {host}, {host}, CONCAT('r-', seq), 'nova', 7, {uuid},
    '/dev/vda', '', 20, 0, 0, gone, 0, IF(gone, seq, 0),
    IF(gone AND IF({ghost}, {turn} = 2, seq MOD 20 = 0), NULL, n)
FROM (
    SELECT seq, gone, m + ({landed} AND (NOT gone OR {unused})) - ({before} AND gone) AS n FROM (
        SELECT seq, 1 + CRC32(seq) MOD {hosts} AS m, seq MOD 10 < 7 AS gone
        FROM seq_1_to_{instances} AS seqs
    ) AS chance
) AS placed"""
#: One of 200 is on its way, between hosts that stay.
MIGRATIONS = """
INSERT INTO nova.migrations (id, created_at, updated_at, source_compute, dest_compute,
    source_node, dest_node, status, instance_uuid, old_instance_type_id, new_instance_type_id,
    migration_type, hidden, uuid, project_id, deleted, deleted_at)
SELECT seq, '2025-01-02', '2026-01-02' + INTERVAL seq SECOND, {source}, {destination}, {source},
    {destination}, CASE WHEN moving THEN 'running' WHEN seq MOD 7 = 0 THEN 'error'
    ELSE 'completed' END, {server}, 7, 7, 'live-migration', 0, {uuid}, NULL,
    IF(seq MOD 2, 0, seq), IF(seq MOD 2, NULL, '2026-01-03')
FROM (
    SELECT seq, moving, a + ({left} AND moving) AS source,
        b + ({reached} AND moving) AS destination
    FROM (
        SELECT seq, 1 + CRC32(seq) MOD {hosts} AS a, 1 + CRC32(seq + 500000) MOD {hosts} AS b,
            seq MOD 200 = 1 AS moving
        FROM seq_1_to_{migrations} AS seqs
    ) AS chance
) AS placed"""
