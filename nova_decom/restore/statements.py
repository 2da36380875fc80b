# SPDX-License-Identifier: Apache-2.0
"""The statements of a restoring transaction: guards first, parents before children. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nova_decom.model.cloud import NOVA_COMPUTE
from nova_decom.model.sql import Statement, by_id, insert, marks, update
from nova_decom.restore.current import CurrentHost
from nova_decom.restore.row_decision import RowDecision
from nova_decom.restore.saved import SavedHost, WantedRow

LOCK = " FOR UPDATE"


def statements(
    past: SavedHost, present: CurrentHost, todo: Sequence[tuple[WantedRow, RowDecision]]
) -> Iterator[Statement]:
    """Rows to be changed are saved, places to be filled are free, then the writes."""
    for table in dict.fromkeys(row.table for row, _ in todo):
        mine = [(row, d) for row, d in todo if row.table == table]
        old = [row.id for row, d in mine if d.update is not None]
        new = [row.id for row, d in mine if d.insert is not None]
        if old:
            owner = None if table == "migrations" else past.host
            yield by_id("SELECT *", table, old, owner, LOCK)
        if new:
            sql = f"SELECT id FROM {table} WHERE id IN ({marks(new)}){LOCK}"
            yield Statement(sql, tuple(new), 0)
    yield from _places(past, present, todo)
    for row, decided in todo:
        if decided.insert is not None:
            yield insert(row.table, decided.insert)
        else:
            yield update(row.table, row.id, decided.update or {}, decided.before or {})


def _places(
    past: SavedHost, present: CurrentHost, todo: Sequence[tuple[WantedRow, RowDecision]]
) -> Iterator[Statement]:
    """The host has as many live rows as when the plan was made.

    Under REPEATABLE READ the locking reads keep the gaps, so that none can come until the
    commit.
    """
    tables = {row.table: row.cell for row, _ in todo}
    host = past.host
    if "services" in tables:
        live = [
            r
            for r in present.of(tables["services"], "services")
            if (r["host"], r["binary"], r["deleted"]) == (host, NOVA_COMPUTE, 0)
        ]
        yield Statement(
            "SELECT id, host FROM services WHERE host = %s AND `binary` = %s AND deleted = 0"
            + LOCK,
            (host, NOVA_COMPUTE),
            len(live),
        )
    if "compute_nodes" in tables:
        rows = present.of(tables["compute_nodes"], "compute_nodes")
        nodes = [r for r in rows if r["host"] == host and not r["deleted"]]
        sql = "SELECT id, host FROM compute_nodes WHERE host = %s AND deleted = 0" + LOCK
        yield Statement(sql, (host,), len(nodes))
    for table in ("host_mappings", "aggregate_hosts"):
        if table in tables:
            found = [r for r in present.of(tables[table], table) if r["host"] == host]
            yield Statement(
                f"SELECT id, host FROM {table} WHERE host = %s{LOCK}", (host,), len(found)
            )
