# SPDX-License-Identifier: Apache-2.0
"""Rows of nova's databases as frozen values. No I/O.

The ids of a cell's rows are unique in this cell only, so each row has its ``cell``; None means
:attr:`DatabaseFacts.cell`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from nova_decom.model.cloud import NOVA_COMPUTE, Migration
from nova_decom.model.copies import replace


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A row of ``<cell>.services``, soft-deleted ones included."""

    id: int
    uuid: str | None
    host: str
    binary: str
    deleted: int
    cell: str | None = None
    report_count: int = field(default=0, compare=False)
    #: When nova-compute last reported, UTC; a change by the API does not move it.
    last_seen_up: str | None = field(default=None, compare=False)
    #: None where it was not read.
    disabled: bool | None = field(default=None, compare=False)
    version: int = field(default=0, compare=False)
    forced_down: bool = field(default=False, compare=False)

    @property
    def is_history(self) -> bool:
        """True when the row is soft-deleted as nova does it."""
        return self.deleted == self.id


@dataclass(frozen=True, slots=True)
class ComputeNodeRow:
    """A row of ``<cell>.compute_nodes``, soft-deleted ones included."""

    id: int
    uuid: str | None
    host: str | None
    hypervisor_hostname: str
    service_id: int | None
    deleted: int
    mapped: int = 0
    hypervisor_type: str = "QEMU"
    cell: str | None = None

    @property
    def is_history(self) -> bool:
        """True when the row is soft-deleted as nova does it, and hides no host from discovery."""
        return self.deleted == self.id and not self.mapped


@dataclass(frozen=True, slots=True)
class PciDeviceRow:
    """A row of ``<cell>.pci_devices``."""

    id: int
    compute_node_id: int
    address: str
    status: str
    instance_uuid: str | None
    deleted: int
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class HostMappingRow:
    """A row of ``nova_api.host_mappings``, with the uuid of its cell."""

    id: int
    cell: str


@dataclass(frozen=True, slots=True)
class AggregateHostRow:
    """A row of ``nova_api.aggregate_hosts``."""

    id: int
    aggregate_id: int


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """A row of ``<cell>.instances`` that is not deleted."""

    uuid: str
    name: str
    vm_state: str
    task_state: str | None = None


@dataclass(frozen=True, slots=True)
class TwinRow:
    """A live row of another host whose name equals this host's in SQL: ``NODE1``, ``node1``.

    ``place`` is a cell or :data:`nova_decom.model.sql.API_DATABASE`.
    """

    place: str
    table: str
    id: int
    host: str


@dataclass(frozen=True)
class DatabaseFacts:
    """The rows of one host in all databases.

    ``cell`` is None when no cell names the host. ``problems`` are sentences for the guard
    database-access. ``nodes_needed`` counts by cell the instances, deleted ones included, that
    name the host and whose ``compute_id`` is still NULL: nova's online migration needs the
    compute_nodes row for them (nova 28, objects/instance.py:1366).
    """

    cell: str | None = None
    cells_naming_host: tuple[str, ...] = ()
    cell_hosts: frozenset[str] = field(default=frozenset(), compare=False)
    host_mapping: HostMappingRow | None = None
    aggregate_hosts: tuple[AggregateHostRow, ...] = ()
    services: tuple[ServiceRow, ...] = ()
    compute_nodes: tuple[ComputeNodeRow, ...] = ()
    pci_devices: tuple[PciDeviceRow, ...] = ()
    instances: tuple[InstanceRow, ...] = ()
    active_migrations: tuple[Migration, ...] = ()
    #: Evacuations from the host that nova has not closed, of servers that still exist.
    evacuations: tuple[Migration, ...] = field(default=(), compare=False)
    nodes_needed: Mapping[str, int] = field(default_factory=dict)
    twins: tuple[TwinRow, ...] = ()
    in_history: bool = False
    all_cells: bool = True
    problems: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells with rows of the host, its own first."""
        of_services = (row.cell for row in self.services)
        of_nodes = (row.cell for row in self.compute_nodes)
        names = dict.fromkeys((self.cell, *of_services, *of_nodes))
        return tuple(name for name in names if name is not None)

    def of_cell(self, cell: str) -> DatabaseFacts:
        """The same facts with the rows of this cell only."""
        return replace(
            self,
            cell=cell,
            services=tuple(r for r in self.services if (r.cell or self.cell) == cell),
            compute_nodes=tuple(r for r in self.compute_nodes if (r.cell or self.cell) == cell),
            pci_devices=tuple(r for r in self.pci_devices if (r.cell or self.cell) == cell),
            nodes_needed={c: n for c, n in self.nodes_needed.items() if c == cell},
        )

    def has_live_rows(self, host: str) -> bool:
        """True when a nova-compute or a compute node of exactly this host is not deleted."""
        services = (s for s in self.services if s.binary == NOVA_COMPUTE)
        has_service = any(s.host == host and not s.deleted for s in services)
        return has_service or any(n.host == host and not n.deleted for n in self.compute_nodes)


@dataclass(frozen=True, slots=True)
class CloudRows:
    """Rows of all hosts for an audit: live ones, and soft-deleted ones that are odd.

    ``all_cells`` is False without the API database, which alone names all cells.
    """

    services: tuple[ServiceRow, ...] = ()
    compute_nodes: tuple[ComputeNodeRow, ...] = ()
    mapped_hosts: frozenset[str] = frozenset()
    aggregate_hosts: frozenset[tuple[int, str]] = frozenset()
    #: Host -> the number of its servers.
    servers: Mapping[str, int] = field(default_factory=dict)
    all_cells: bool = True


def folded(name: str) -> str:
    """The name without what SQL may ignore: case, accents, invisible characters, last blanks."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in decomposed if unicodedata.category(c)[0] not in "CM").rstrip()
