# SPDX-License-Identifier: Apache-2.0
"""The databases in memory, so that the statements of a plan run and mean what they say.

SQLite stands for the server: foreign keys are enforced, and host names are compared without
regard to case, as MySQL's default collation does.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from nova_decom.errors import RowCountError
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.sql import Statement, Transaction

SCHEMA = """
CREATE TABLE services (
    id INTEGER PRIMARY KEY, uuid, host TEXT COLLATE NOCASE, `binary`, deleted, deleted_at);
CREATE TABLE compute_nodes (
    id INTEGER PRIMARY KEY, uuid, host TEXT COLLATE NOCASE, deleted, deleted_at, mapped);
CREATE TABLE pci_devices (
    id INTEGER PRIMARY KEY, compute_node_id INTEGER REFERENCES compute_nodes (id), deleted);
CREATE TABLE instances (id INTEGER PRIMARY KEY, uuid, host TEXT COLLATE NOCASE, deleted);
CREATE TABLE migrations (
    id INTEGER PRIMARY KEY, status, source_compute TEXT, dest_compute TEXT, deleted,
    migration_type, updated_at);
CREATE TABLE aggregate_hosts (
    id INTEGER PRIMARY KEY, aggregate_id, host TEXT COLLATE NOCASE);
CREATE TABLE host_mappings (id INTEGER PRIMARY KEY, host TEXT COLLATE NOCASE);
PRAGMA foreign_keys = ON;
"""


def run(transaction: Transaction, before: DatabaseFacts) -> DatabaseFacts:
    """The rows after the transaction; a wrong number of rows rolls everything back."""
    connection = _filled(before, transaction.host)
    for statement in (*transaction.reads, *transaction.writes):
        _execute(connection, statement, transaction.host)
    return _read(connection, before)


def _filled(before: DatabaseFacts, host: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.executescript(SCHEMA)
    connection.executemany(
        "INSERT INTO services VALUES (?, ?, ?, ?, ?, NULL)",
        [(r.id, r.uuid, r.host, r.binary, r.deleted) for r in before.services],
    )
    connection.executemany(
        "INSERT INTO compute_nodes VALUES (?, ?, ?, ?, NULL, ?)",
        [(r.id, r.uuid, r.host, r.deleted, r.mapped) for r in before.compute_nodes],
    )
    connection.executemany(
        "INSERT INTO pci_devices VALUES (?, ?, ?)",
        [(r.id, r.compute_node_id, r.deleted) for r in before.pci_devices],
    )
    connection.executemany(
        "INSERT INTO instances (uuid, host, deleted) VALUES (?, ?, 0)",
        [(r.uuid, host) for r in before.instances],
    )
    connection.executemany(
        "INSERT INTO migrations VALUES (?, ?, ?, ?, 0, ?, NULL)",
        [
            (m.id, m.status, m.source, m.destination, m.type)
            for m in (*before.active_migrations, *before.evacuations)
        ],
    )
    connection.executemany(
        "INSERT INTO aggregate_hosts VALUES (?, ?, ?)",
        [(r.id, r.aggregate_id, host) for r in before.aggregate_hosts],
    )
    if before.host_mapping:
        mapping = (before.host_mapping.id, host)
        connection.execute("INSERT INTO host_mappings VALUES (?, ?)", mapping)
    return connection


def _execute(connection: sqlite3.Connection, statement: Statement, host: str) -> None:
    sql = statement.sql.replace("%s", "?").removesuffix(" FOR UPDATE")
    sql = sql.removesuffix(" LOCK IN SHARE MODE")
    sql = sql.replace("UTC_TIMESTAMP()", "CURRENT_TIMESTAMP")
    cursor = connection.execute(sql, statement.params)
    rows = [r for r in cursor.fetchall() if _is_of(host, dict(r))]
    count = len(rows) if statement.is_read else cursor.rowcount
    if count != statement.rows:
        raise RowCountError(f"{count} rows instead of {statement.rows}: {statement.text}")


def _is_of(host: str, row: dict[str, object]) -> bool:
    """Rows of another spelling are told apart by the client; so are they here."""
    names = [row[c] for c in ("host", "source_compute", "dest_compute") if c in row]
    return not names or host in names


def _read(connection: sqlite3.Connection, before: DatabaseFacts) -> DatabaseFacts:
    def deleted(table: str) -> dict[int, int]:
        return dict(connection.execute(f"SELECT id, deleted FROM {table}").fetchall())

    def ids(table: str) -> set[int]:
        return {row[0] for row in connection.execute(f"SELECT id FROM {table}")}

    services, nodes, pci = map(deleted, ("services", "compute_nodes", "pci_devices"))
    mapped = dict(connection.execute("SELECT id, mapped FROM compute_nodes").fetchall())
    status = dict(connection.execute("SELECT id, status FROM migrations").fetchall())
    return replace(
        before,
        services=tuple(
            replace(r, deleted=services[r.id]) for r in before.services if r.id in services
        ),
        compute_nodes=tuple(
            replace(r, deleted=nodes[r.id], mapped=mapped[r.id])
            for r in before.compute_nodes
            if r.id in nodes
        ),
        pci_devices=tuple(r for r in before.pci_devices if r.id in pci),
        aggregate_hosts=tuple(r for r in before.aggregate_hosts if r.id in ids("aggregate_hosts")),
        evacuations=tuple(replace(m, status=status[m.id]) for m in before.evacuations),
        host_mapping=before.host_mapping if ids("host_mappings") else None,
    )
