# SPDX-License-Identifier: Apache-2.0
"""Step purge-rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from nova_decom.model.change import Change
from nova_decom.model.cloud import NOVA_COMPUTE, TERMINAL_MIGRATIONS
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part, Rows
from nova_decom.model.rows import ComputeNodeRow, DatabaseFacts, PciDeviceRow, ServiceRow
from nova_decom.model.sql import Statement, Transaction, by_id, marks
from nova_decom.model.step import Step

Row = ServiceRow | ComputeNodeRow | PciDeviceRow

RESET = "reset-mapped"


class PurgeRows(Step):
    """Remove the host's rows from the cell database, in one guarded transaction per cell.

    Order pci_devices, compute_nodes, services: pci_devices has the only foreign key, and it
    counts soft-deleted rows too. With ``--rows keep`` live ghosts are soft-deleted as nova
    does it (``deleted = id``, UTC, ``mapped = 0``) and history stays.
    """

    name: ClassVar[str] = "purge-rows"
    reads: ClassVar[frozenset[str]] = frozenset({Part.SERVICES, Part.DATABASE})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """For each cell the rows that go; separately the ``mapped`` flag, which nova may reset."""
        action = "delete" if facts.request.rows is Rows.PURGE else "soft-delete"
        for rows in doomed_rows(facts, facts.database or DatabaseFacts()):
            if rows.without_flags():
                yield row_change(self.name, action, facts.host, rows.without_flags())
            if rows.only_flags():
                yield row_change(self.name, RESET, facts.host, rows.only_flags())

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the purged rows; rows that are kept are soft-deleted."""
        if facts.database is None:
            return facts
        for rows in doomed_rows(facts, facts.database):
            part = rows.only_flags() if change.action == RESET else rows.without_flags()
            if part.label == change.target:
                return replace(facts, database=_without(part, facts.database))
        return facts


@dataclass(frozen=True, slots=True)
class DoomedRows:
    """The rows of a cell that go, or (``hidden``) become soft-deleted, or lose ``mapped``.

    A soft-deleted compute node that is still ``mapped`` keeps a host of its name from being
    discovered when it comes back (nova before 30.2.1, 31.3.0, 32.1.0; bug 2085135).
    """

    cell: str
    services: tuple[ServiceRow, ...] = ()
    compute_nodes: tuple[ComputeNodeRow, ...] = ()
    pci_devices: tuple[PciDeviceRow, ...] = ()
    hidden_services: tuple[ServiceRow, ...] = ()
    hidden_nodes: tuple[ComputeNodeRow, ...] = ()
    unmapped_nodes: tuple[ComputeNodeRow, ...] = ()

    def __bool__(self) -> bool:
        """True when there is any row."""
        return bool(self.all_services or self.all_nodes)

    def without_flags(self) -> DoomedRows:
        """The rows that are deleted or hidden."""
        return replace(self, unmapped_nodes=())

    def only_flags(self) -> DoomedRows:
        """The rows whose flag alone is reset."""
        return DoomedRows(self.cell, unmapped_nodes=self.unmapped_nodes)

    @property
    def all_services(self) -> tuple[ServiceRow, ...]:
        """The services that are deleted or hidden."""
        return self.services + self.hidden_services

    @property
    def all_nodes(self) -> tuple[ComputeNodeRow, ...]:
        """The compute nodes that are deleted or hidden, or whose flag is reset."""
        return self.compute_nodes + self.hidden_nodes + self.unmapped_nodes

    @property
    def all_rows(self) -> tuple[ServiceRow | ComputeNodeRow, ...]:
        """The services and compute nodes together."""
        return (*self.all_services, *self.all_nodes)

    @property
    def label(self) -> str:
        """The cell and the ids by table, which identify a change."""
        tables: dict[str, Sequence[Row]] = {
            "pci_devices": self.pci_devices,
            "compute_nodes": self.all_nodes,
            "services": self.all_services,
        }
        ids = (
            f"{name} {' '.join(str(r.id) for r in rows)}" for name, rows in tables.items() if rows
        )
        return f"{self.cell}: {', '.join(ids)}"


def doomed_rows(facts: HostFacts, database: DatabaseFacts) -> tuple[DoomedRows, ...]:
    """The rows of exactly this host that are to go by the request, for each cell that has any.

    None while nova-compute is registered: its rows are nova's to delete first.
    """
    if facts.service is not None:
        return ()
    cells = (_doomed_in(cell, facts, database.of_cell(cell)) for cell in database.cells)
    return tuple(rows for rows in cells if rows)


def _doomed_in(cell: str, facts: HostFacts, database: DatabaseFacts) -> DoomedRows:
    services = tuple(
        row
        for row in database.services
        if row.host == facts.host
        and row.binary in facts.leaving_binaries
        # Nova lists no nova-osapi_compute: what it does not list may live.
        and (row.deleted or row.binary == NOVA_COMPUTE)
    )
    nodes = tuple(row for row in database.compute_nodes if row.host == facts.host)
    live_services = tuple(r for r in services if not r.deleted)
    live_nodes = tuple(r for r in nodes if not r.deleted)
    mapped = tuple(r for r in nodes if r.deleted and r.mapped)
    rows: tuple[ServiceRow | ComputeNodeRow, ...] = (*services, *nodes)
    if facts.request.history_may_stay and all(row.is_history for row in rows):
        return DoomedRows(cell)
    if facts.request.rows is Rows.KEEP:
        return DoomedRows(
            cell, hidden_services=live_services, hidden_nodes=live_nodes, unmapped_nodes=mapped
        )
    if database.nodes_needed:
        return DoomedRows(cell, services=services, hidden_nodes=live_nodes, unmapped_nodes=mapped)
    ids = {row.id for row in nodes}
    pci = tuple(row for row in database.pci_devices if row.compute_node_id in ids)
    return DoomedRows(cell, services=services, compute_nodes=nodes, pci_devices=pci)


def row_change(
    step: str, action: str, host: str, rows: DoomedRows, target: str | None = None
) -> Change:
    """The change that is the guarded transaction over these rows, by default named by them."""
    transaction = Transaction(rows.cell, host, tuple(_statements(host, rows)))
    return Change(
        step=step,
        action=action,
        target=target or rows.label,
        detail="; ".join(s.text for s in transaction.statements),
        rows=transaction.rows,
        transaction=transaction,
    )


def _without(rows: DoomedRows, database: DatabaseFacts) -> DatabaseFacts:
    kept = rows.hidden_nodes + rows.unmapped_nodes
    return replace(
        database,
        services=tuple(
            replace(r, deleted=r.id) if r in rows.hidden_services else r
            for r in database.services
            if r not in rows.services
        ),
        compute_nodes=tuple(
            replace(r, deleted=r.deleted or r.id, mapped=0) if r in kept else r
            for r in database.compute_nodes
            if r not in rows.compute_nodes
        ),
        pci_devices=tuple(r for r in database.pci_devices if r not in rows.pci_devices),
    )


def _statements(host: str, rows: DoomedRows) -> Iterator[Statement]:
    yield from _images(host, rows)
    yield from _guards(host, rows)
    yield from _writes(host, rows)


def _images(host: str, rows: DoomedRows) -> Iterator[Statement]:
    """Lock each row by primary key, children first; the rows found are the before-image."""
    lock = " FOR UPDATE"
    if rows.pci_devices:
        yield by_id("SELECT *", "pci_devices", _ids(rows.pci_devices), extra=lock)
    if rows.all_nodes:
        yield by_id("SELECT *", "compute_nodes", _ids(rows.all_nodes), host, lock)
    if rows.all_services:
        yield by_id("SELECT *", "services", _ids(rows.all_services), host, lock)


def _guards(host: str, rows: DoomedRows) -> Iterator[Statement]:
    """Check inside the transaction that the host has no server, no migration, no other live row.

    The locking read of instances keeps a gap lock under REPEATABLE READ, so that no server
    can land on the host until the commit. A shared lock keeps the same gap and needs SELECT
    alone; for FOR UPDATE MySQL wants another right, and this table is only read.
    """
    yield Statement(
        "SELECT id, host FROM services WHERE host = %s AND `binary` = %s AND deleted = 0 "
        "FOR UPDATE",
        (host, NOVA_COMPUTE),
        sum(not r.deleted for r in rows.all_services),
    )
    if rows.all_nodes:
        yield Statement(
            "SELECT id, host FROM compute_nodes WHERE host = %s AND deleted = 0 FOR UPDATE",
            (host,),
            sum(not r.deleted for r in rows.all_nodes),
        )
    yield Statement(
        "SELECT id, host FROM instances WHERE host = %s AND deleted = 0 LOCK IN SHARE MODE",
        (host,),
        0,
    )
    over = sorted(TERMINAL_MIGRATIONS)
    yield Statement(
        "SELECT id, source_compute, dest_compute FROM migrations WHERE deleted = 0 AND "
        f"(source_compute = %s OR dest_compute = %s) AND status NOT IN ({marks(over)})",
        (host, host, *over),
        0,
    )


def _writes(host: str, rows: DoomedRows) -> Iterator[Statement]:
    if rows.pci_devices:
        yield by_id("DELETE", "pci_devices", _ids(rows.pci_devices))
    if rows.compute_nodes:
        yield by_id("DELETE", "compute_nodes", _ids(rows.compute_nodes), host)
    if rows.services:
        yield by_id("DELETE", "services", _ids(rows.services), host)
    hide, live = "SET deleted = id, deleted_at = UTC_TIMESTAMP()", " AND deleted = 0"
    if rows.hidden_nodes:
        ids = _ids(rows.hidden_nodes)
        yield by_id(f"{hide}, mapped = 0", "compute_nodes", ids, host, live)
    if rows.unmapped_nodes:
        ids = _ids(rows.unmapped_nodes)
        yield by_id("SET mapped = 0", "compute_nodes", ids, host, " AND mapped <> 0")
    if rows.hidden_services:
        yield by_id(hide, "services", _ids(rows.hidden_services), host, live)


def _ids(rows: Sequence[Row]) -> tuple[int, ...]:
    return tuple(row.id for row in rows)
