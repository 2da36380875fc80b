# SPDX-License-Identifier: Apache-2.0
"""The decision on one saved row: put it back, leave it, or refuse. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nova_decom.model.claim import belongs_to
from nova_decom.restore.current import CurrentHost, Row
from nova_decom.restore.saved import SavedHost, WantedRow

#: The column that identifies a row besides its id.
IDENTITY = {
    "services": ("host", "binary", "uuid"),
    "compute_nodes": ("host", "hypervisor_hostname", "uuid"),
    "pci_devices": ("compute_node_id", "address"),
    "aggregate_hosts": ("host", "aggregate_id"),
    "host_mappings": ("host",),
    "migrations": ("source_compute", "uuid"),
}
#: The columns that two rows cannot share; nova's unique keys also have ``deleted``.
KEYS = {
    "services": ("host", "binary"),
    "compute_nodes": ("host", "hypervisor_hostname"),
    "pci_devices": ("compute_node_id", "address"),
    "aggregate_hosts": ("host", "aggregate_id"),
    "host_mappings": ("host",),
    "migrations": ("uuid",),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a row is not put back, and the remedy; ``is_right`` when a grant lacks."""

    why: str
    remedy: str
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class RowDecision:
    """Insert these values, update ``before`` to them, or refuse; none if nothing is to do."""

    insert: Row | None = None
    update: Row | None = None
    before: Row | None = None
    refusal: Refusal | None = None

    @property
    def is_change(self) -> bool:
        """True when there is something to write."""
        return self.insert is not None or self.update is not None


def decide(row: WantedRow, past: SavedHost, present: CurrentHost) -> RowDecision:
    """The decision on one row of the journal."""
    if (row.cell, row.table) not in present.columns:
        why = f"{row.cell} is not one of the databases given"
        return _refuse(
            why, f"give its URL, or let a DBA run {past.run}.sql of the state directory"
        )
    there = next((r for r in present.of(row.cell, row.table) if r["id"] == row.id), None)
    taken = next(_in_its_place(row, present), None)
    if there is None:
        return _absent(row, past, present, taken)
    if any(there[n] != row.values[n] for n in IDENTITY[row.table] if n in row.values):
        return _refuse(f"another row has this id now: {_told(row.table, there)}", LOOK_AGAIN)
    if row.table == "migrations":
        return _reopened(row, there)
    if there.get("deleted", 0) == row.values.get("deleted", 0) or not there["deleted"]:
        # As it was, or nova has brought it back to life by itself.
        return RowDecision()
    if taken is not None:
        return _refuse(f"lives as another row: {_told(row.table, taken)}", LOOK_AGAIN)
    values = {n: row.values[n] for n in ("deleted", "deleted_at", "mapped") if n in row.values}
    seen = {name: there[name] for name in ("host", "deleted")}
    return RowDecision(update={**values, **_state(row, past, there)}, before=seen)


def _reopened(row: WantedRow, there: Row) -> RowDecision:
    """An evacuation that the run closed; one that nova has changed since is left."""
    if there["status"] != "completed" or row.values["status"] == "completed":
        return RowDecision()
    seen = {name: there[name] for name in ("source_compute", "status")}
    values = {name: row.values[name] for name in ("status", "updated_at") if name in row.values}
    return RowDecision(update=values, before=seen)


LOOK_AGAIN = "nothing is to be done when that is right; else remove it first"


def _absent(
    row: WantedRow, past: SavedHost, present: CurrentHost, taken: Row | None
) -> RowDecision:
    """A deleted row: inserted if no other row has taken its place."""
    if taken is not None and row.table in {"aggregate_hosts", "host_mappings"}:
        return _is_fulfilled(row, taken)
    if taken is not None:
        return _refuse(f"its place is taken: {_told(row.table, taken)}", LOOK_AGAIN)
    if row.table == "migrations":
        return RowDecision()
    if not row.whole:
        why = "is gone: archived, or deleted by somebody else; the run did not save it"
        return _refuse(why, "the next start of nova-compute registers the host again")
    return (
        _unwritable(row, present)
        or _orphan(row, past, present)
        or RowDecision(insert={**row.values, **_state(row, past, row.values)})
    )


def _unwritable(row: WantedRow, present: CurrentHost) -> RowDecision | None:
    """A row whose columns may not be inserted, or no longer exist."""
    columns = present.columns[row.cell, row.table]
    missing = sorted(set(row.values) - columns)
    if not columns:
        return RowDecision(refusal=Refusal("INSERT is not granted", "GRANT INSERT", is_right=True))
    if missing:
        why = f"the table has no columns {', '.join(missing)} any more, or INSERT is not granted"
        return _refuse(why, "a DBA can put back the others: the .sql of the run")
    return None


def _orphan(row: WantedRow, past: SavedHost, present: CurrentHost) -> RowDecision | None:
    """A row whose parent does not come back."""
    if row.table == "pci_devices" and not _has_node(row, past, present):
        return _refuse(
            f"compute_nodes {row.values['compute_node_id']} does not come back", LOOK_AGAIN
        )
    if row.table == "aggregate_hosts" and not _has_aggregate(row, present):
        return _refuse(f"aggregate {row.values['aggregate_id']} is gone", "make another one")
    return None


def _is_fulfilled(row: WantedRow, taken: Row) -> RowDecision:
    """A membership or mapping under another id fulfils the row if it says the same."""
    cell = row.values.get("cell_id")
    if taken.get("cell_id") == cell:
        return RowDecision()
    return _refuse(f"the host is mapped to another cell: {_told(row.table, taken)}", LOOK_AGAIN)


def _state(row: WantedRow, past: SavedHost, now: Row) -> Mapping[str, Any]:
    """Enabled again, if the row still carries the run's claim."""
    ours = belongs_to(past.run, now.get("disabled_reason"))
    return row.state if row.state is not None and ours else {}


def _in_its_place(row: WantedRow, present: CurrentHost) -> Iterator[Row]:
    """Rows that would break a unique key, or be a second life of the same thing."""
    others = [r for r in present.of(row.cell, row.table) if r["id"] != row.id]
    uuid = row.values.get("uuid") if row.table != "pci_devices" else None
    for other in others:
        same_life = other.get("deleted", 0) == row.values.get("deleted", 0)
        same_key = all(other[n] == row.values.get(n) for n in KEYS[row.table])
        if (same_life and same_key) or (uuid is not None and other["uuid"] == uuid):
            yield other


def _has_node(row: WantedRow, past: SavedHost, present: CurrentHost) -> bool:
    number = row.values["compute_node_id"]
    if any(r["id"] == number for r in present.of(row.cell, "compute_nodes")):
        return True
    nodes = (r for r in past.rows if r.table == "compute_nodes" and r.id == number)
    return any(decide(node, past, present).is_change for node in nodes)


def _has_aggregate(row: WantedRow, present: CurrentHost) -> bool:
    return any(a.id == row.values["aggregate_id"] for a in present.aggregates)


def _refuse(why: str, remedy: str) -> RowDecision:
    return RowDecision(refusal=Refusal(why, remedy))


def _told(table: str, row: Row) -> str:
    names = (*IDENTITY[table], "deleted")
    values = ", ".join(f"{n} {row[n]}" for n in names if row.get(n) is not None)
    return f"{table} {row['id']} ({values})"
