# SPDX-License-Identifier: Apache-2.0
"""Removes every row that names a host: what isolates one test from the next."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.lab.cells import Cell
from tests.lab.mariadb import MariaDB

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

# BINARY: the databases' collation ignores case, and NODE1 is another host than node1.
DEAD = (
    "UPDATE services SET forced_down = 1 WHERE host = BINARY %(host)s",
    "UPDATE instances SET task_state = NULL WHERE deleted = 0 AND host = BINARY %(host)s",
)
CELL = (
    """
    DELETE p FROM pci_devices p JOIN compute_nodes n ON n.id = p.compute_node_id
    WHERE n.host = BINARY %(host)s OR n.hypervisor_hostname = BINARY %(host)s
    """,
    """
    DELETE FROM compute_nodes
    WHERE host = BINARY %(host)s OR hypervisor_hostname = BINARY %(host)s
    """,
    "DELETE FROM services WHERE host = BINARY %(host)s",
    """
    DELETE FROM migrations
    WHERE source_compute = BINARY %(host)s OR dest_compute = BINARY %(host)s
    """,
    # Deleted servers stay as history, which is then nobody's.
    """
    UPDATE instances SET host = NULL, node = NULL, launched_on = NULL
    WHERE deleted <> 0 AND (host = BINARY %(host)s OR launched_on = BINARY %(host)s)
    """,
)
API = (
    "DELETE FROM host_mappings WHERE host = BINARY %(host)s",
    "DELETE FROM aggregate_hosts WHERE host = BINARY %(host)s",
)
PROVIDERS = "SELECT id FROM resource_providers WHERE name = BINARY %(host)s"
TREE = "SELECT id FROM resource_providers WHERE root_provider_id = %s"
UNLINK = (
    "UPDATE resource_providers SET parent_provider_id = NULL, root_provider_id = NULL"
    " WHERE id = %s"
)
PROVIDER_TABLES = (
    "allocations",
    "inventories",
    "resource_provider_traits",
    "resource_provider_aggregates",
)


def declare_dead(mariadb: MariaDB, cells: Iterable[Cell], host: str) -> None:
    """Let nova-api delete the host's servers by itself, instead of asking a dead nova-compute."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        for cell in cells:
            cursor.execute(f"USE {cell.database}")
            for statement in DEAD:
                cursor.execute(statement, {"host": host})


def purge_rows(mariadb: MariaDB, cells: Iterable[Cell], host: str) -> None:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        for database in ("nova_cell0", *(cell.database for cell in cells)):
            cursor.execute(f"USE {database}")
            for statement in CELL:
                cursor.execute(statement, {"host": host})
        cursor.execute("USE nova_api")
        for statement in API:
            cursor.execute(statement, {"host": host})
        cursor.execute("USE placement")
        cursor.execute(PROVIDERS, {"host": host})
        for (root,) in cursor.fetchall():
            _purge_tree(cursor, root)


def _purge_tree(cursor: "Cursor", root: int) -> None:
    cursor.execute(TREE, (root,))
    tree = [provider for (provider,) in cursor.fetchall()]
    for provider in tree:
        for table in PROVIDER_TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE resource_provider_id = %s", (provider,))
    # Each row refers to the root, the root to itself.
    for provider in tree:
        cursor.execute(UNLINK, (provider,))
    for provider in tree:
        cursor.execute("DELETE FROM resource_providers WHERE id = %s", (provider,))
