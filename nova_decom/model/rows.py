# SPDX-License-Identifier: Apache-2.0
"""Rows of nova's databases, as frozen values. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from nova_decom.model.cloud import NOVA_COMPUTE, Migration


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A row of ``<cell>.services``, soft-deleted ones included."""

    id: int
    uuid: str | None
    host: str
    binary: str
    deleted: int
    report_count: int = field(default=0, compare=False)
    version: int = field(default=0, compare=False)
    forced_down: bool = field(default=False, compare=False)


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


@dataclass(frozen=True, slots=True)
class PciDeviceRow:
    """A row of ``<cell>.pci_devices``."""

    id: int
    compute_node_id: int
    address: str
    status: str
    instance_uuid: str | None
    deleted: int


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
class DatabaseFacts:
    """The rows of one host in nova's databases.

    ``cell`` is None when no cell names the host. ``problems`` are sentences for the guard
    database-access. ``nodes_needed`` counts instances, deleted ones included, that name the
    host and whose ``compute_id`` is still NULL: nova's online migration needs the
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
    nodes_needed: int = 0
    in_history: bool = False
    all_cells: bool = True
    problems: tuple[str, ...] = ()

    def has_live_rows(self, host: str) -> bool:
        """True when a nova-compute or a compute node of exactly this host is not deleted."""
        services = (s for s in self.services if s.binary == NOVA_COMPUTE)
        has_service = any(s.host == host and not s.deleted for s in services)
        return has_service or any(n.host == host and not n.deleted for n in self.compute_nodes)


@dataclass(frozen=True, slots=True)
class CloudRows:
    """The rows of all hosts for an audit: live ones, and soft-deleted ones that are odd.

    ``all_cells`` when they are of every cell: without the API database nobody knows the others.
    """

    services: tuple[ServiceRow, ...] = ()
    compute_nodes: tuple[ComputeNodeRow, ...] = ()
    mapped_hosts: frozenset[str] = frozenset()
    aggregate_hosts: frozenset[tuple[int, str]] = frozenset()
    all_cells: bool = True
