# SPDX-License-Identifier: Apache-2.0
"""The rows of one cell that name given hosts, read in bulk and compared exactly."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from nova_decom.clients.mysql.connection import Database
from nova_decom.model.cloud import NOVA_COMPUTE, TERMINAL_MIGRATIONS, Migration
from nova_decom.model.rows import (
    ComputeNodeRow,
    DatabaseFacts,
    InstanceRow,
    PciDeviceRow,
    ServiceRow,
    TwinRow,
    folded,
)
from nova_decom.model.snapshot import grouped
from nova_decom.model.sql import marks

Row = dict[str, Any]
NODE_COLUMNS = (
    "SELECT id, uuid, host, hypervisor_hostname, service_id, deleted, mapped, "
    "hypervisor_type FROM compute_nodes WHERE"
)


@dataclass(frozen=True)
class CellRows:
    """The rows of one cell that SQL finds for these hosts.

    A collation finds ``NODE1`` for ``node1``, so every host is compared again in Python, by
    indexes that are built at their first use. ``tied_nodes`` are compute nodes of other hosts
    that nova would delete with a service of these.
    """

    cell: str
    hosts: Sequence[str]
    services: list[Row]
    compute_nodes: list[Row]
    tied_nodes: list[Row]
    pci_devices: list[Row]
    instances: list[Row]
    migrations: list[Row]
    needing_nodes: dict[str, int]
    history: frozenset[str]

    @classmethod
    def read(cls, cell: str, database: Database, hosts: Sequence[str]) -> CellRows:
        """Read all of them, soft-deleted ones included."""
        rows, places = database.rows, marks(hosts)
        services = rows(
            "SELECT id, uuid, host, `binary`, deleted, disabled, report_count, "
            "CAST(last_seen_up AS CHAR) AS last_seen_up FROM services "
            f"WHERE host IN ({places}) ORDER BY id",
            *hosts,
        )
        nodes = rows(f"{NODE_COLUMNS} host IN ({places}) ORDER BY id", *hosts)
        ids = [n["id"] for n in nodes]
        return cls(
            cell=cell,
            hosts=hosts,
            services=services,
            compute_nodes=nodes,
            tied_nodes=_tied_nodes(database, services, ids),
            pci_devices=rows(
                "SELECT id, compute_node_id, address, status, instance_uuid, deleted "
                f"FROM pci_devices WHERE compute_node_id IN ({marks(ids)}) ORDER BY id",
                *ids,
            )
            if ids
            else [],
            instances=rows(
                "SELECT id, uuid, hostname, host, vm_state, task_state FROM instances "
                f"WHERE host IN ({places}) AND deleted = 0 ORDER BY id",
                *hosts,
            ),
            migrations=_migrations(database, hosts),
            needing_nodes=_needing_nodes(database, hosts),
            history=frozenset(
                r["host"]
                for r in rows(
                    "SELECT host FROM instances "
                    f"WHERE host IN ({places}) GROUP BY BINARY host, host",
                    *hosts,
                )
            ),
        )

    @cached_property
    def services_of(self) -> Mapping[str, Sequence[Row]]:
        """Host -> its services."""
        return grouped((s["host"], s) for s in self.services)

    @cached_property
    def nodes_of(self) -> Mapping[str, Sequence[Row]]:
        """Host -> its compute nodes."""
        return grouped((n["host"], n) for n in self.compute_nodes)

    @cached_property
    def nodes_tied(self) -> Mapping[int, Sequence[Row]]:
        """Service (id) -> the compute nodes that name it, of any host."""
        return grouped((n["service_id"], n) for n in (*self.compute_nodes, *self.tied_nodes))

    @cached_property
    def devices_of(self) -> Mapping[int, Sequence[Row]]:
        """Compute node (id) -> its PCI devices."""
        return grouped((p["compute_node_id"], p) for p in self.pci_devices)

    @cached_property
    def instances_of(self) -> Mapping[str, Sequence[Row]]:
        """Host -> the servers on it."""
        return grouped((i["host"], i) for i in self.instances)

    @cached_property
    def migrations_of(self) -> Mapping[str, Sequence[Row]]:
        """Host -> migrations to or from it that are not over."""
        ends = ("source_compute", "dest_compute")
        active = [m for m in self.migrations if m["status"] not in TERMINAL_MIGRATIONS]
        return grouped((host, m) for m in active for host in {m[end] for end in ends})

    @cached_property
    def evacuations_of(self) -> Mapping[str, Sequence[Row]]:
        """Host -> evacuations from it that nova has not closed, of servers that still exist."""
        over = [m for m in self.migrations if m["status"] in TERMINAL_MIGRATIONS]
        return grouped((m["source_compute"], m) for m in over)

    @cached_property
    def twins_of(self) -> Mapping[str, Sequence[TwinRow]]:
        """Host -> the live rows of other hosts whose names equal its name in SQL."""
        tables = {"services": self.services, "compute_nodes": self.compute_nodes}
        tables["instances"] = self.instances
        live = [(t, row) for t, rows in tables.items() for row in rows if not row.get("deleted")]
        same = same_to_sql((row["host"] for _, row in live), self.hosts)
        return grouped(
            (host, TwinRow(self.cell, table, row["id"], row["host"]))
            for table, row in live
            for host in same[row["host"]]
        )

    def names(self, host: str) -> bool:
        """True when a service or a compute node of this cell is exactly this host's."""
        return host in self.services_of or host in self.nodes_of

    def touches(self, host: str) -> bool:
        """True when an instance or an active migration names exactly this host."""
        return host in self.instances_of or host in self.migrations_of

    def lives(self, host: str) -> bool:
        """True when its nova-compute or a compute node of it is not soft-deleted.

        Other binaries say nothing: a controller may have rows in many cells.
        """
        own = [s for s in self.services_of.get(host, ()) if s["binary"] == NOVA_COMPUTE]
        return any(not r["deleted"] for r in (*own, *self.nodes_of.get(host, ())))

    def facts(self, host: str) -> DatabaseFacts:
        """The rows of exactly this host."""
        services, own = self.services_of.get(host, ()), self.nodes_of.get(host, ())
        live = [s["id"] for s in services if not s["deleted"] and s["binary"] == NOVA_COMPUTE]
        tied = [n for i in live for n in self.nodes_tied.get(i, ()) if n["host"] != host]
        return DatabaseFacts(
            services=tuple(ServiceRow(**s, cell=self.cell) for s in services),
            compute_nodes=tuple(ComputeNodeRow(**n, cell=self.cell) for n in (*own, *tied)),
            pci_devices=tuple(
                PciDeviceRow(**p, cell=self.cell)
                for n in own
                for p in self.devices_of.get(n["id"], ())
            ),
            instances=tuple(
                InstanceRow(i["uuid"], i["hostname"] or "", i["vm_state"], i["task_state"])
                for i in self.instances_of.get(host, ())
            ),
            active_migrations=tuple(_migration(m) for m in self.migrations_of.get(host, ())),
            evacuations=tuple(
                replace(_migration(m), cell=self.cell) for m in self.evacuations_of.get(host, ())
            ),
            nodes_needed={self.cell: self.needing_nodes[host]}
            if host in self.needing_nodes
            else {},
            twins=tuple(self.twins_of.get(host, ())),
        )


def same_to_sql(names: Iterable[str], hosts: Sequence[str]) -> Mapping[str, Collection[str]]:
    """Each name that SQL has found -> the hosts whose names equal it in SQL, but not exactly.

    Where :func:`folded` cannot say which of the hosts it is, as collations differ, it is all.
    """
    spellings, known = grouped((folded(host), host) for host in hosts), dict.fromkeys(hosts)
    found: dict[str, Collection[str]] = {}
    for name in set(names):
        same = [host for host in spellings.get(folded(name), ()) if host != name]
        found[name] = same or (() if name in known else known)
    return found


def _tied_nodes(database: Database, services: Sequence[Row], known: Sequence[int]) -> list[Row]:
    """The live compute nodes, beside those known (ids), that nova deletes with the services."""
    live = [s["id"] for s in services if not s["deleted"]]
    if not live:
        return []
    tied = database.rows(f"{NODE_COLUMNS} service_id IN ({marks(live)}) AND deleted = 0", *live)
    return [n for n in tied if n["id"] not in known]


def _migrations(database: Database, hosts: Sequence[str]) -> list[Row]:
    """Migrations to or from the hosts that are not over, and evacuations that are still open."""
    over = sorted(TERMINAL_MIGRATIONS)
    places = marks(hosts)
    return database.rows(
        "SELECT id, uuid, instance_uuid, status, migration_type, source_compute, dest_compute, "
        f"created_at FROM migrations m WHERE deleted = 0 AND (source_compute IN ({places}) OR "
        f"dest_compute IN ({places})) AND (status NOT IN ({marks(over)}) OR "
        "(status = 'done' AND migration_type = 'evacuation' AND EXISTS (SELECT 1 FROM instances i "
        "WHERE i.uuid = m.instance_uuid AND i.deleted = 0))) ORDER BY id",
        *hosts,
        *hosts,
        *over,
    )


def _needing_nodes(database: Database, hosts: Sequence[str]) -> dict[str, int]:
    """Deleted instances without compute_id; the column came with nova 28.

    Live ones get theirs when they move, and while they are here nothing is deleted.
    """
    if not database.has_column("instances", "compute_id"):
        return {}
    rows = database.rows(
        f"SELECT host, COUNT(*) AS waiting FROM instances WHERE host IN ({marks(hosts)}) "
        "AND compute_id IS NULL AND deleted <> 0 GROUP BY BINARY host, host",
        *hosts,
    )
    return {r["host"]: r["waiting"] for r in rows}


def _migration(row: Row) -> Migration:
    return Migration(
        id=row["id"],
        uuid=row["uuid"] or "",
        server=row["instance_uuid"] or "",
        status=row["status"],
        type=row["migration_type"] or "unknown",
        source=row["source_compute"],
        destination=row["dest_compute"],
        created_at=str(row["created_at"]),
    )
