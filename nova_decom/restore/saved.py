# SPDX-License-Identifier: Apache-2.0
"""The saved host: rows and objects that a run deleted or changed. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nova_decom.model.change import Status
from nova_decom.model.cloud import NOVA_COMPUTE, Aggregate, ResourceProvider
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.registrars import REGISTRARS
from nova_decom.restore.current import Row
from nova_decom.state.journal_reader import Record, SavedRow, saved_providers, saved_rows
from nova_decom.state.run_summary import outcomes
from nova_decom.state.sql_backup import TABLES

#: The columns of a row that is not soft-deleted.
LIVE: Mapping[str, Any] = {"deleted": 0, "deleted_at": None}


@dataclass(frozen=True, slots=True)
class WantedRow:
    """A row as it is to be; ``whole`` when the run saved all of its columns.

    Of a row that was not purged nothing was saved: nova soft-deleted it, and ``values`` are
    those that make it live again. ``state`` takes back that the run disabled the service, in
    a row that still carries the run's claim.
    """

    cell: str
    table: str
    id: int
    values: Row
    whole: bool
    state: Row | None = None


@dataclass(frozen=True, slots=True)
class SavedHost:
    """One host before a run, as far as the run deleted or changed it.

    ``mapping`` is (id, uuid of the cell) of a host mapping that nova deleted. ``state`` is
    (uuid, status, reason) of the compute service when the run disabled it. ``deleted`` are the
    binaries whose services were deleted, ``released`` the consumers of allocations.
    """

    run: str
    host: str
    rows: tuple[WantedRow, ...] = ()
    cell: str | None = None
    mapping: tuple[int, str] | None = None
    cell_uuid: str | None = None
    cloud: CloudIdentity | None = None
    aggregates: tuple[Aggregate, ...] = ()
    state: tuple[str, str, str | None] | None = None
    stopped: bool = False
    deleted: tuple[str, ...] = ()
    providers: tuple[ResourceProvider, ...] = ()
    released: tuple[str, ...] = ()
    #: Registrar -> its records, and the targets of the changes that were made there.
    registrars: Mapping[str, tuple[tuple[Row, ...], frozenset[str]]] = field(default_factory=dict)
    without_rows: bool = False
    #: Resource providers that the run saved, with their parts, before they were deleted.
    trees: tuple[Row, ...] = ()

    @property
    def roots(self) -> tuple[str, ...]:
        """The roots (uuid) of the saved resource providers."""
        return tuple(dict.fromkeys(p["root_provider_uuid"] for p in self.trees))


def saved_host(record: Record, host: str) -> SavedHost | None:
    """The host as the run saved it; None when the run ended before it read the host."""
    before = record.last(host, "before")
    if before is None:
        return None
    seen: Mapping[str, Any] = before["facts"]
    begun = begun_targets(record, host)
    services = [s for s in seen["services"] if s["id"] in begun["delete-service"]]
    compute = any(s["binary"] == NOVA_COMPUTE for s in services)
    mapping = seen["host_mapping"]
    gone = begun["delete-providers"] | {p["uuid"] for p in seen["providers"] if compute}
    return SavedHost(
        run=record.run,
        host=host,
        rows=tuple(_wanted(saved_rows(record, host), seen, begun)),
        cell=(seen["rows"] or {}).get("cell"),
        mapping=(mapping["id"], mapping["cell"]) if mapping and compute else None,
        cell_uuid=mapping and mapping["cell"],
        cloud=record.cloud,
        aggregates=tuple(
            Aggregate(a["id"], a["name"], tuple(a["hosts"])) for a in seen["aggregates"] if compute
        ),
        state=_state(seen, begun["disable-service"]),
        stopped=bool(begun["stop-service"]),
        deleted=tuple(s["binary"] for s in services),
        providers=tuple(ResourceProvider(**p) for p in seen["providers"] if p["uuid"] in gone),
        released=tuple(sorted(begun["clear-allocations"])),
        registrars=dict(_registrars(seen, begun)),
        without_rows=bool(services) and seen["rows"] is None,
        trees=tuple(
            p
            for p in saved_providers(record, host)
            # One that the run made for nova's delete was not there before.
            if p["root_provider_uuid"] in {q["uuid"] for q in seen["providers"]}
        ),
    )


def _registrars(
    seen: Row, begun: Mapping[str, set[str]]
) -> Iterator[tuple[str, tuple[tuple[Row, ...], frozenset[str]]]]:
    """The records of each registrar that has any in the journal, and what was done there."""
    for registrar in REGISTRARS:
        if registrar.journal is not None:
            records = tuple(seen.get(registrar.journal[0], ()))
            targets = frozenset(t for step in registrar.steps for t in begun[step.name])
            yield registrar.name, (records, targets)


def begun_targets(record: Record, host: str) -> dict[str, set[str]]:
    """The targets of the changes that were made, or may have been, by step."""
    found: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes(record, host):
        change = outcome.change
        if change.action != "prove" and _was_made(outcome.status):
            found[change.step].add(change.target)
    return found


def _was_made(status: Status) -> bool:
    return status is not Status.NOT_NEEDED


def _state(seen: Row, disabled: set[str]) -> tuple[str, str, str | None] | None:
    service = next((s for s in seen["services"] if s["id"] in disabled), None)
    return service and (service["id"], service["status"], service["disabled_reason"])


def _wanted(
    saved: tuple[SavedRow, ...], seen: Row, begun: Mapping[str, set[str]]
) -> Iterator[WantedRow]:
    """Every row that was saved, and those that nova soft-deleted and nobody purged."""
    cell = str((seen["rows"] or {}).get("cell"))
    alive = {(w.cell, w.table, w.id): w for w in _alive(cell, seen, begun)}
    for row in saved:
        if row.table not in TABLES:
            continue
        before = alive.pop((row.cell, row.table, row.id), None)
        if before is None:
            yield WantedRow(row.cell, row.table, row.id, row.values, whole=True)
        else:
            values = {**row.values, **before.values}
            yield replace(before, cell=row.cell, values=values, whole=True)
    yield from alive.values()


def _alive(cell: str, seen: Row, begun: Mapping[str, set[str]]) -> Iterator[WantedRow]:
    """The wanted rows that undo nova's soft-delete of a service and its nodes."""
    rows = seen["rows"] or {"services": (), "compute_nodes": ()}
    states = {s["id"]: s for s in seen["services"] if s["id"] in begun["delete-service"]}
    for row in rows["services"]:
        if row["uuid"] in states and not row["deleted"]:
            was = states[row["uuid"]]
            state = {
                "disabled": int(was["status"] == "disabled"),
                "disabled_reason": was["disabled_reason"],
            }
            values = {**{name: row[name] for name in ("host", "binary", "uuid")}, **LIVE}
            yield WantedRow(
                row.get("cell") or cell,
                "services",
                row["id"],
                values,
                whole=False,
                state=state if row["uuid"] in begun["disable-service"] else None,
            )
    if any(s["binary"] == NOVA_COMPUTE for s in states.values()):
        names = ("host", "hypervisor_hostname", "uuid", "mapped")
        for row in rows["compute_nodes"]:
            if not row["deleted"]:
                values = {**{name: row[name] for name in names}, **LIVE}
                place = row.get("cell") or cell
                yield WantedRow(place, "compute_nodes", row["id"], values, whole=False)
