# SPDX-License-Identifier: Apache-2.0
"""Whether a database is nova's, and lets us read and write what the procedure needs.

Rights are not parsed out of SHOW GRANTS, which leaves roles and wildcards to the reader: the
server itself is asked, by an EXPLAIN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nova_decom.clients.mysql.connection import Database

#: The columns that are read or written; the same in every release since Queens.
CELL_COLUMNS: Mapping[str, Sequence[str]] = {
    "services": ("id", "uuid", "host", "binary", "report_count", "deleted", "deleted_at"),
    "compute_nodes": (
        *("id", "uuid", "host", "hypervisor_hostname", "hypervisor_type"),
        *("service_id", "mapped", "deleted", "deleted_at"),
    ),
    "pci_devices": ("id", "compute_node_id", "address", "status", "instance_uuid", "deleted"),
    "instances": ("id", "uuid", "hostname", "host", "vm_state", "task_state", "deleted"),
    "migrations": (
        *("id", "uuid", "instance_uuid", "status", "migration_type"),
        *("source_compute", "dest_compute", "created_at", "deleted"),
    ),
}
API_COLUMNS: Mapping[str, Sequence[str]] = {
    "cell_mappings": ("id", "uuid", "name", "database_connection"),
    "host_mappings": ("id", "host", "cell_id"),
    "aggregate_hosts": ("id", "host", "aggregate_id"),
}
API_DELETES = ("aggregate_hosts", "host_mappings")
SCHEMA, GALERA_NODE = "schema", "Galera node"
#: Without these nothing can be read.
NEEDED = (SCHEMA, GALERA_NODE)
CELL_DELETES = ("pci_devices", "compute_nodes", "services")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what is wrong with it (None: nothing)."""

    name: str
    problem: str | None = None
    remedy: str | None = None


def check_database(
    database: Database, columns: Mapping[str, Sequence[str]], deletes: Sequence[str] = ()
) -> Iterator[Check]:
    """Reachable, nova's schema, writable server, rights: one check each.

    A Galera node comes before all: one that is not ready refuses to be asked anything else.
    """
    node = _galera_node(database)
    if node is not None:
        yield node
        if node.problem:
            return
    yield _schema(database, columns)
    yield _server(database)
    for table in deletes:
        yield _right(database, table)


def _schema(database: Database, columns: Mapping[str, Sequence[str]]) -> Check:
    name = f"{database.target.label}: {SCHEMA}"
    tables = list(columns)
    rows = database.rows(
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name IN "
        f"({', '.join(['%s'] * len(tables))}) AND FIND_IN_SET('select', privileges)",
        *tables,
    )
    seen = {(r["t"], r["c"]) for r in rows}
    missing = [f"{t}.{c}" for t, wanted in columns.items() for c in wanted if (t, c) not in seen]
    if not missing:
        return Check(name)
    return Check(
        name,
        f"{database.target.label} is not the database expected, or SELECT is missing: "
        f"cannot see {', '.join(missing)}",
        "give the URL of nova's database, and grant SELECT on these tables",
    )


def _server(database: Database) -> Check:
    name = f"{database.target.label}: server takes writes"
    row = database.rows("SELECT @@global.read_only AS ro")[0]
    if str(row["ro"]) not in {"0", "OFF"}:
        return Check(
            name,
            f"{database.target.label}: the server is read-only",
            "give the URL of the node that takes writes",
        )
    return Check(name)


def _galera_node(database: Database) -> Check | None:
    """None when the server is no node of a cluster."""
    wsrep_on = database.rows("SHOW VARIABLES WHERE Variable_name = 'wsrep_on'")
    if not wsrep_on or wsrep_on[0]["Value"] != "ON":
        return None
    name = f"{database.target.label}: {GALERA_NODE}"
    ready = database.rows("SHOW STATUS WHERE Variable_name = 'wsrep_ready'")
    if ready and ready[0]["Value"] == "ON":
        return Check(name)
    return Check(
        name,
        f"{database.target.label}: the Galera node is not ready (wsrep_ready is OFF)",
        "give the URL of a node of the primary component",
    )


def _right(database: Database, table: str) -> Check:
    name = f"{database.target.label}: DELETE on {table}"
    if database.may_delete(table):
        return Check(name)
    return Check(
        name,
        f"DELETE on {table} of {database.target.label} is not granted",
        f"GRANT SELECT, DELETE ON {database.target.database}.{table} TO this user",
    )
