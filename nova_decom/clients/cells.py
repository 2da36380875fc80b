# SPDX-License-Identifier: Apache-2.0
"""Nova's databases together: the API database, the cells, and what they hold of given hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nova_decom.clients.database import Database
from nova_decom.clients.urls import Target, expand_template, target
from nova_decom.errors import ConfigurationError
from nova_decom.model import (
    API_DATABASE,
    NOVA_COMPUTE,
    TERMINAL_MIGRATIONS,
    AggregateHostRow,
    CloudRows,
    ComputeNodeRow,
    DatabaseFacts,
    HostMappingRow,
    InstanceRow,
    Migration,
    PciDeviceRow,
    ServiceRow,
    Transaction,
)

CELL0 = "00000000-0000-0000-0000-000000000000"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the databases are, as the operator gave it. ``main`` fills cell mapping templates."""

    api: Target | None = None
    cells: tuple[Target, ...] = ()
    main: str | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        """True when any database is configured."""
        return self.api is not None or bool(self.cells)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell and the way to its database."""

    uuid: str | None
    name: str
    database: Database


class NovaDatabases:
    """The API database and every cell, connected when first asked."""

    def __init__(self, sources: Sources, connect: Callable[[Target], Database]) -> None:
        """Connect by ``connect``, which decides whether anything can be written."""
        self._sources = sources
        self._connect = connect
        self.api = None if sources.api is None else connect(sources.api)
        self._cells: tuple[Cell, ...] | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells that can have hosts: those of the cell mappings, cell0 apart."""
        if self._cells is None:
            self._cells = tuple(self._find_cells())
        return self._cells

    @property
    def queries(self) -> int:
        """How many statements were sent so far."""
        databases = [c.database for c in self.cells] + ([self.api] if self.api else [])
        return sum(d.queries for d in databases)

    def _find_cells(self) -> Iterable[Cell]:
        if self.api is None:
            places = self._sources.cells
            for name, place in zip(
                _unique([(p.database, p.label) for p in places]), places, strict=True
            ):
                yield Cell(None, name, self._connect(place))
            return
        rows = self.api.rows("SELECT uuid, name, database_connection FROM cell_mappings")
        mappings = [m for m in rows if m["uuid"] != CELL0]
        urls = [expand_template(m["database_connection"], self._sources.main) for m in mappings]
        names = _unique([(m["name"] or m["uuid"], m["uuid"]) for m in mappings])
        places = _prefer([target(url) for url in urls], self._sources.cells)
        for mapping, name, place in zip(mappings, names, places, strict=True):
            yield Cell(mapping["uuid"], name, self._connect(place))

    def facts(self, hosts: Sequence[str]) -> dict[str, DatabaseFacts]:
        """What the databases hold of each of these hosts, by a fixed number of queries."""
        registration = self._registration(hosts)
        found = {cell.name: _CellRows.read(cell, hosts) for cell in self.cells}
        return {host: self._host_facts(host, registration, found) for host in hosts}

    def cloud_rows(self) -> CloudRows:
        """What an audit looks at, of all hosts: two queries a cell and two of the API's."""
        services: list[Row] = []
        nodes: list[Row] = []
        for cell in self.cells:
            services += cell.database.rows(
                "SELECT id, uuid, host, `binary`, deleted, version, forced_down FROM services "
                "WHERE deleted = 0 OR deleted <> id"
            )
            nodes += cell.database.rows(
                f"{_NODE_COLUMNS} deleted = 0 OR deleted <> id OR mapped <> 0"
            )
        api = self.api.rows if self.api else _no_rows
        return CloudRows(
            services=tuple(ServiceRow(**s) for s in services),
            compute_nodes=tuple(ComputeNodeRow(**n) for n in nodes),
            mapped_hosts=frozenset(r["host"] for r in api("SELECT host FROM host_mappings")),
            aggregate_hosts=frozenset(
                (r["aggregate_id"], r["host"])
                for r in api("SELECT aggregate_id, host FROM aggregate_hosts")
            ),
        )

    def report_counts(self, host: str, services: Iterable[str]) -> dict[str, int]:
        """The heartbeat counters of these services (uuids) of one host, from every cell."""
        uuids = sorted(services)
        if not uuids:
            return {}
        counts: dict[str, int] = {}
        for cell in self.cells:
            rows = cell.database.rows(
                "SELECT uuid, host, report_count FROM services WHERE deleted = 0 "
                f"AND uuid IN ({_marks(uuids)})",
                *uuids,
            )
            counts |= {r["uuid"]: int(r["report_count"]) for r in rows if r["host"] == host}
        return counts

    def run(
        self, transaction: Transaction, images: Callable[[str, str, Sequence[Row]], None]
    ) -> None:
        """Run a transaction in the database of the cell that it names, or in the API's."""
        places = {c.name: c.database for c in self.cells}
        if self.api is not None:
            places[API_DATABASE] = self.api
        places[transaction.cell].run(transaction, images)

    def _registration(self, hosts: Sequence[str]) -> _Registration:
        if self.api is None:
            return _Registration()
        marks = _marks(hosts)
        mappings = self.api.rows(
            "SELECT m.id, m.host, c.uuid FROM host_mappings m JOIN cell_mappings c "
            f"ON c.id = m.cell_id WHERE m.host IN ({marks})",
            *hosts,
        )
        members = self.api.rows(
            "SELECT id, host, aggregate_id FROM aggregate_hosts "
            f"WHERE host IN ({marks}) ORDER BY id",
            *hosts,
        )
        cells = sorted({m["uuid"] for m in mappings})
        neighbours = cells and self.api.rows(
            "SELECT m.host, c.uuid FROM host_mappings m JOIN cell_mappings c "
            f"ON c.id = m.cell_id WHERE c.uuid IN ({_marks(cells)})",
            *cells,
        )
        return _Registration(tuple(mappings), tuple(members), tuple(neighbours or ()))

    def _host_facts(
        self, host: str, registration: _Registration, found: dict[str, _CellRows]
    ) -> DatabaseFacts:
        naming = [name for name, rows in found.items() if rows.names(host)]
        mapping = registration.mapping(host)
        mapped = next((c.name for c in self.cells if mapping and c.uuid == mapping.cell), None)
        live = [name for name in naming if found[name].lives(host)]
        touched = [name for name, rows in found.items() if rows.touches(host)]
        cell = next(iter(live or naming), mapped) or next(iter(touched), None)
        facts = found[cell].facts(host) if cell is not None else DatabaseFacts()
        return DatabaseFacts(
            cell=cell,
            cells_naming_host=tuple(live),
            cell_hosts=frozenset(m["host"] for m in registration.neighbours if mapping)
            if mapping
            else frozenset(),
            host_mapping=mapping,
            aggregate_hosts=tuple(
                AggregateHostRow(m["id"], m["aggregate_id"])
                for m in registration.members
                if m["host"] == host
            ),
            services=facts.services,
            compute_nodes=facts.compute_nodes,
            pci_devices=facts.pci_devices,
            instances=facts.instances,
            active_migrations=facts.active_migrations,
            nodes_needed=facts.nodes_needed,
            in_history=any(host in rows.history for rows in found.values()),
        )


@dataclass(frozen=True, slots=True)
class _Registration:
    mappings: tuple[Row, ...] = ()
    members: tuple[Row, ...] = ()
    neighbours: tuple[Row, ...] = ()

    def mapping(self, host: str) -> HostMappingRow | None:
        """The mapping of exactly this host."""
        own = (m for m in self.mappings if m["host"] == host)
        return next((HostMappingRow(m["id"], m["uuid"]) for m in own), None)


@dataclass(frozen=True, slots=True)
class _CellRows:
    """The rows of one cell that may be those of the hosts asked for.

    MySQL's collation finds ``NODE1`` for ``node1``, so every host is compared again in Python.
    """

    services: list[Row]
    compute_nodes: list[Row]
    pci_devices: list[Row]
    instances: list[Row]
    migrations: list[Row]
    needing_nodes: dict[str, int]
    history: frozenset[str]

    @classmethod
    def read(cls, cell: Cell, hosts: Sequence[str]) -> _CellRows:
        """Read them all, soft-deleted ones included."""
        rows, marks = cell.database.rows, _marks(hosts)
        services = rows(
            "SELECT id, uuid, host, `binary`, deleted, report_count FROM services "
            f"WHERE host IN ({marks}) ORDER BY id",
            *hosts,
        )
        nodes = _nodes(cell, hosts, [s["id"] for s in services if not s["deleted"]])
        ids = [n["id"] for n in nodes]
        return cls(
            services=services,
            compute_nodes=nodes,
            pci_devices=rows(
                "SELECT id, compute_node_id, address, status, instance_uuid, deleted "
                f"FROM pci_devices WHERE compute_node_id IN ({_marks(ids)}) ORDER BY id",
                *ids,
            )
            if ids
            else [],
            instances=rows(
                "SELECT uuid, hostname, host, vm_state, task_state FROM instances "
                f"WHERE host IN ({marks}) AND deleted = 0 ORDER BY id",
                *hosts,
            ),
            migrations=_migrations(cell, hosts),
            needing_nodes=_needing_nodes(cell, hosts),
            history=frozenset(
                r["host"]
                for r in rows(
                    "SELECT host FROM instances "
                    f"WHERE host IN ({marks}) GROUP BY BINARY host, host",
                    *hosts,
                )
            ),
        )

    def names(self, host: str) -> bool:
        """True when a service or a compute node of this cell is exactly this host's."""
        return any(r["host"] == host for r in (*self.services, *self.compute_nodes))

    def touches(self, host: str) -> bool:
        """True when a server or an active migration names exactly this host."""
        return any(r["host"] == host for r in self.instances) or any(
            host in {m["source_compute"], m["dest_compute"]} for m in self.migrations
        )

    def lives(self, host: str) -> bool:
        """True when its nova-compute or a compute node of it is not soft-deleted.

        Other binaries say nothing: a controller may have rows in many cells.
        """
        own = [s for s in self.services if s["binary"] == NOVA_COMPUTE]
        return any(r["host"] == host and not r["deleted"] for r in (*own, *self.compute_nodes))

    def facts(self, host: str) -> DatabaseFacts:
        """What this cell holds of one host."""
        services = [s for s in self.services if s["host"] == host]
        live = {s["id"] for s in services if not s["deleted"] and s["binary"] == "nova-compute"}
        nodes = [n for n in self.compute_nodes if n["host"] == host or n["service_id"] in live]
        own = {n["id"] for n in nodes if n["host"] == host}
        return DatabaseFacts(
            services=tuple(ServiceRow(**s) for s in services),
            compute_nodes=tuple(ComputeNodeRow(**n) for n in nodes),
            pci_devices=tuple(
                PciDeviceRow(**p) for p in self.pci_devices if p["compute_node_id"] in own
            ),
            instances=tuple(
                InstanceRow(i["uuid"], i["hostname"] or "", i["vm_state"], i["task_state"])
                for i in self.instances
                if i["host"] == host
            ),
            active_migrations=tuple(
                _migration(m)
                for m in self.migrations
                if host in {m["source_compute"], m["dest_compute"]}
            ),
            nodes_needed=self.needing_nodes.get(host, 0),
        )


_NODE_COLUMNS = (
    "SELECT id, uuid, host, hypervisor_hostname, service_id, deleted, mapped, "
    "hypervisor_type FROM compute_nodes WHERE"
)


def _no_rows(_sql: str) -> list[Row]:
    """What an API database holds that nobody has named."""
    return []


def _nodes(cell: Cell, hosts: Sequence[str], services: Sequence[int]) -> list[Row]:
    """The compute nodes of the hosts, and those of others that nova would delete with them."""
    own = cell.database.rows(f"{_NODE_COLUMNS} host IN ({_marks(hosts)}) ORDER BY id", *hosts)
    if not services:
        return own
    tied = cell.database.rows(
        f"{_NODE_COLUMNS} service_id IN ({_marks(services)}) AND deleted = 0", *services
    )
    known = {n["id"] for n in own}
    return own + [n for n in tied if n["id"] not in known]


def _migrations(cell: Cell, hosts: Sequence[str]) -> list[Row]:
    over = sorted(TERMINAL_MIGRATIONS)
    marks = _marks(hosts)
    return cell.database.rows(
        "SELECT id, uuid, instance_uuid, status, migration_type, source_compute, dest_compute, "
        f"created_at FROM migrations WHERE deleted = 0 AND (source_compute IN ({marks}) OR "
        f"dest_compute IN ({marks})) AND status NOT IN ({_marks(over)}) ORDER BY id",
        *hosts,
        *hosts,
        *over,
    )


def _needing_nodes(cell: Cell, hosts: Sequence[str]) -> dict[str, int]:
    """Instances, deleted ones too, without compute_id; the column came with nova 28."""
    if not cell.database.has_column("instances", "compute_id"):
        return {}
    rows = cell.database.rows(
        f"SELECT host, COUNT(*) AS waiting FROM instances WHERE host IN ({_marks(hosts)}) "
        "AND compute_id IS NULL GROUP BY BINARY host, host",
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


def _prefer(mapped: Sequence[Target], given: Sequence[Target]) -> tuple[Target, ...]:
    """The mapped databases, each by the given target that is the same one, if there is one.

    The same place decides first; what is left over is matched by database name, if only one
    mapping and only one given target have it.

    :raises ConfigurationError: a given target is none of the mapped databases.
    """
    chosen: dict[int, Target] = {}
    left = list(given)
    for key in (_place, _name):
        for number, place in enumerate(mapped):
            same = [t for t in left if key(t) == key(place)]
            rivals = [p for n, p in enumerate(mapped) if n not in chosen and key(p) == key(place)]
            if number not in chosen and len(same) == len(rivals) == 1:
                chosen[number] = same[0]
                left.remove(same[0])
    if left:
        raise ConfigurationError(
            f"no cell mapping names the database {left[0].label}, or several do",
            "compare --cell-db-url with: nova-manage cell_v2 list_cells",
        )
    return tuple(chosen.get(number, place) for number, place in enumerate(mapped))


def _place(place: Target) -> tuple[str, int, str]:
    return place.place


def _name(place: Target) -> str:
    return place.database


def _unique(names: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The first of each pair; with the second where several have the same first.

    Nova lets two cells have one name, and a name decides where a transaction runs.
    """
    firsts = [first for first, _ in names]
    return tuple(
        first if firsts.count(first) == 1 or first == second else f"{first} ({second})"
        for first, second in names
    )


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))
