# SPDX-License-Identifier: Apache-2.0
"""The saved rows of a run as plain SQL, for a DBA who restores them without this program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nova_decom.model.sql import Image, Statement, Transaction, insert, update

#: The tables that the procedure changes, parents before their children.
TABLES = (
    *("host_mappings", "aggregate_hosts", "services", "compute_nodes", "pci_devices"),
    "migrations",
)


def heading(run: str) -> str:
    """The first lines of the file; the literals below them need this sql_mode."""
    return (
        f"-- Rows of run {run}, as they were before each of its transactions. Each block is\n"
        "-- one transaction: read its comments, check, and run what is wanted. A block whose\n"
        "-- rows are there already ends with error 1062, and nothing of it is kept.\n"
        "SET NAMES utf8mb4;\n"
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,"
        "NO_AUTO_VALUE_ON_ZERO';\n"
    )


def block(images: Sequence[Image]) -> str:
    """The rows of one transaction; empty for objects of APIs, which no SQL can restore."""
    first = next((i for i in images if i.transaction is not None), None)
    if first is None or first.transaction is None:
        return ""
    host, cell = json.dumps(first.transaction.host), json.dumps(first.transaction.cell)
    lines = [
        "",
        f"-- Host {host}, {cell}: database {json.dumps(first.source)}.",
        f"USE `{(first.schema or '').replace('`', '``')}`;",
        *_checks(images, first.transaction.host),
        "START TRANSACTION;",
        *(f"{s.text};" for s in _writes(images, first.transaction)),
        "COMMIT;",
        *_revival(images),
    ]
    return "\n".join(lines) + "\n"


def _checks(images: Sequence[Image], host: str) -> Iterator[str]:
    yield "-- Check first: nova-compute of the host is stopped, and these find nothing:"
    name = Statement("%s", (host,), 0).text
    tables = {image.table for image in images}
    for table in sorted(tables & set(REVIVED)):
        yield f"--   SELECT id, host, uuid FROM {table} WHERE host = {name} AND deleted = 0;"
    for table in sorted(tables & {"host_mappings", "aggregate_hosts"}):
        yield f"--   SELECT * FROM {table} WHERE host = {name};"


def _writes(images: Sequence[Image], transaction: Transaction) -> Iterator[Statement]:
    """Parents first; a row that was changed and not deleted is changed back."""
    for image in sorted(images, key=lambda i: TABLES.index(i.table)):
        gone = _deleted_ids(image.table, transaction)
        for row in image.rows:
            if row["id"] in gone:
                yield insert(image.table, row)
            else:
                values = {name: value for name, value in row.items() if name != "id"}
                owner = "source_compute" if image.table == "migrations" else "host"
                yield update(image.table, row["id"], values, {owner: row[owner]})


def _deleted_ids(table: str, transaction: Transaction) -> frozenset[object]:
    deletes = (s for s in transaction.writes if s.sql.startswith(f"DELETE FROM {table} "))
    return frozenset(p for s in deletes for p in s.params if isinstance(p, int))


def _revival(images: Sequence[Image]) -> Iterator[str]:
    """Statements that undo nova's soft-delete; commented out, as not every row needs them."""
    dead = [
        (image.table, row)
        for image in images
        for row in image.rows
        if image.table in REVIVED and row.get("deleted")
    ]
    if dead:
        yield "-- These rows were soft-deleted when they were saved, by this removal or an"
        yield "-- earlier one. To make one live again, and the host be found by"
        yield "-- nova-manage cell_v2 discover_hosts:"
    for table, row in dead:
        yield f"--   {update(table, row['id'], REVIVED[table], {'deleted': row['deleted']}).text};"


_LIVE: Mapping[str, Any] = {"deleted": 0, "deleted_at": None}
REVIVED: Mapping[str, Mapping[str, Any]] = {
    "services": {**_LIVE, "disabled": 0, "disabled_reason": None},
    "compute_nodes": {**_LIVE, "mapped": 0},
}
