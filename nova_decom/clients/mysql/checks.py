# SPDX-License-Identifier: Apache-2.0
"""Checks of a database: it is nova's, and this user may read and write what a removal needs.

SHOW GRANTS is not parsed, as it leaves out roles and wildcards: the statements are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nova_decom.clients.mysql.connection import Database, is_on
from nova_decom.clients.mysql.errors import READ_ONLY, code_of, reason_of
from nova_decom.clients.mysql.grants import grant
from nova_decom.model.sql import Statement, marks

#: The columns that are read or written, by table; the same in every release since Queens.
CELL_COLUMNS: Mapping[str, Sequence[str]] = {
    "services": (
        *("id", "uuid", "host", "binary", "report_count", "last_seen_up", "disabled"),
        *("deleted", "deleted_at"),
    ),
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
    "cell_mappings": ("id", "uuid", "name", "database_connection", "transport_url"),
    "host_mappings": ("id", "host", "cell_id"),
    "aggregate_hosts": ("id", "host", "aggregate_id"),
}


SCHEMA, GALERA_NODE, ACCEPTS_WRITES = "schema", "Galera node", "server accepts writes"
#: The servers that the tests run on.
TRIED = ("MariaDB 10.11", "MariaDB 11.8", "MySQL 9.7")
#: The checks without which nothing can be read.
NEEDED = (SCHEMA, GALERA_NODE)


@dataclass(frozen=True, slots=True)
class Check:
    """The name of a check, its problem (None when it passes), the remedy, what else it found."""

    name: str
    problem: str | None = None
    remedy: str | None = None
    detail: str | None = None

    @property
    def shown(self) -> str | None:
        """The text beside the name: the problem without what the name has already, if any."""
        text = self.problem
        for known in (self.name, self.name.partition(": ")[0]):
            text = text and text.removeprefix(f"{known}: ")
        return text or self.detail


def check_database(database: Database, columns: Mapping[str, Sequence[str]]) -> Iterator[Check]:
    """The checks of one database: Galera node, nova's schema, server accepts writes.

    The Galera node comes first, as one that is not ready refuses every other statement.
    """
    node = _galera_node(database)
    if node is not None:
        yield node
        if node.problem:
            return
    yield _schema(database, columns)
    yield _server(database)


def check_statement(database: Database, statement: Statement) -> Check:
    """The check of the right to run the statement, which is tried on no row."""
    label, right = database.target.label, statement.right
    name = f"{label}: {right}"
    refusal = database.refusal_of(statement)
    if refusal is None:
        return Check(name)
    if code_of(refusal) in READ_ONLY:
        return _read_only(database)
    verb, table = right.split()[0], right.rpartition(" ")[2]
    # MariaDB is content with SELECT for a lock.
    needed = "UPDATE" if statement.sql.endswith(" FOR UPDATE") else verb
    return Check(
        name,
        f"{name}: not granted: {reason_of(refusal)}",
        grant(
            dict.fromkeys(("SELECT", needed)),
            database.target.database,
            table,
            database.account,
        ),
    )


def _schema(database: Database, columns: Mapping[str, Sequence[str]]) -> Check:
    name = f"{database.target.label}: {SCHEMA}"
    tables = list(columns)
    rows = database.rows(
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name IN "
        f"({marks(tables)}) AND FIND_IN_SET('select', privileges)",
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
    (server,) = database.rows("SELECT VERSION() AS version, @@global.read_only AS ro")
    if is_on(server["ro"]):
        return _read_only(database)
    name = f"{database.target.label}: {ACCEPTS_WRITES}"
    return Check(name, detail=_how_tried(server["version"]))


def _how_tried(version: str) -> str:
    """The server and how it was tried (docs/releases.md)."""
    product = "MariaDB" if "MariaDB" in version else "MySQL"
    server = f"{product} {version.partition('-')[0]}"
    if any(server.startswith(f"{series}.") for series in TRIED):
        return server
    return f"{server} (not tried; {', '.join(TRIED)} were)"


def _read_only(database: Database) -> Check:
    label = database.target.label
    return Check(
        f"{label}: {ACCEPTS_WRITES}",
        f"{label}: the server is read-only",
        "give the URL of the node that accepts writes",
    )


def _galera_node(database: Database) -> Check | None:
    """The check of a Galera node; None for a server outside a cluster."""
    if not database.is_galera_node():
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
