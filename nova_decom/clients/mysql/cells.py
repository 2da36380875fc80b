# SPDX-License-Identifier: Apache-2.0
"""Nova's databases together: the API database, the cells, and what they hold of given hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nova_decom.clients.mysql.cell_rows import NODE_COLUMNS, CellRows, Row
from nova_decom.clients.mysql.checks import (
    API_COLUMNS,
    API_DELETES,
    CELL_COLUMNS,
    CELL_DELETES,
    Check,
    check_database,
)
from nova_decom.clients.mysql.connection import Database, Images
from nova_decom.clients.mysql.url import Target, expand_template, target
from nova_decom.errors import ConfigurationError
from nova_decom.model.rows import (
    AggregateHostRow,
    CloudRows,
    ComputeNodeRow,
    DatabaseFacts,
    HostMappingRow,
    ServiceRow,
)
from nova_decom.model.snapshot import grouped
from nova_decom.model.sql import API_DATABASE, Transaction, marks

CELL0 = "00000000-0000-0000-0000-000000000000"


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
        self._cell_hosts: dict[str, frozenset[str]] = {}
        #: A connection serves one thread at a time.
        self._turn = threading.Lock()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells that can have hosts: those of the cell mappings, cell0 apart."""
        if self._cells is None:
            self._cells = tuple(self._find_cells())
        return self._cells

    @property
    def cell_uuids(self) -> frozenset[str]:
        """The uuids of the cells; empty without an API database, which alone has them."""
        return frozenset(cell.uuid for cell in self.cells if cell.uuid)

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
        with self._turn:
            registration = self._registration(hosts)
            found = {cell.name: CellRows.read(cell.database, hosts) for cell in self.cells}
        return {host: self._host_facts(host, registration, found) for host in hosts}

    def cloud_rows(self) -> CloudRows:
        """What an audit looks at, of all hosts: two queries a cell and two of the API's."""
        with self._turn:
            return self._cloud_rows()

    def _cloud_rows(self) -> CloudRows:
        services: list[Row] = []
        nodes: list[Row] = []
        for cell in self.cells:
            services += cell.database.rows(
                "SELECT id, uuid, host, `binary`, deleted, version, forced_down FROM services "
                "WHERE deleted = 0 OR deleted <> id"
            )
            nodes += cell.database.rows(
                f"{NODE_COLUMNS} deleted = 0 OR deleted <> id OR mapped <> 0"
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
            all_cells=self.api is not None,
        )

    def checks(self) -> tuple[Check, ...]:
        """Every check of every database, as doctor shows them."""
        found: list[Check] = []
        with self._turn:
            if self.api is not None:
                found += check_database(self.api, API_COLUMNS, API_DELETES)
            for cell in self.cells:
                found += check_database(cell.database, CELL_COLUMNS, CELL_DELETES)
        return tuple(found)

    def compute_nodes(self, uuids: Collection[str]) -> tuple[ComputeNodeRow, ...]:
        """The live compute nodes with these uuids, whosever they are; one query a cell."""
        wanted = sorted(uuids)
        if not wanted:
            return ()
        with self._turn:
            found = [
                row
                for cell in self.cells
                for row in cell.database.rows(
                    f"{NODE_COLUMNS} uuid IN ({marks(wanted)}) AND deleted = 0", *wanted
                )
            ]
        return tuple(ComputeNodeRow(**row) for row in found)

    def report_counts(self, hosts: Collection[str], services: Iterable[str]) -> dict[str, int]:
        """The heartbeat counters of these services (uuids) of exactly these hosts, by uuid."""
        uuids = sorted(services)
        if not uuids:
            return {}
        counts: dict[str, int] = {}
        with self._turn:
            for cell in self.cells:
                rows = cell.database.rows(
                    "SELECT uuid, host, report_count FROM services WHERE deleted = 0 "
                    f"AND uuid IN ({marks(uuids)})",
                    *uuids,
                )
                counts |= {r["uuid"]: int(r["report_count"]) for r in rows if r["host"] in hosts}
        return counts

    def run(self, transaction: Transaction, images: Images) -> None:
        """Run a transaction in the database of the cell that it names, or in the API's."""
        with self._turn:
            self.places[transaction.cell].run(transaction, images)

    @property
    def places(self) -> dict[str, Database]:
        """Every database by the name that a transaction gives it."""
        places = {c.name: c.database for c in self.cells}
        return places if self.api is None else places | {API_DATABASE: self.api}

    def _registration(self, hosts: Sequence[str]) -> _Registration:
        if self.api is None:
            return _Registration()
        places = marks(hosts)
        mappings = self.api.rows(
            "SELECT m.id, m.host, c.uuid FROM host_mappings m JOIN cell_mappings c "
            f"ON c.id = m.cell_id WHERE m.host IN ({places})",
            *hosts,
        )
        members = self.api.rows(
            "SELECT id, host, aggregate_id FROM aggregate_hosts "
            f"WHERE host IN ({places}) ORDER BY id",
            *hosts,
        )
        return _Registration(tuple(mappings), tuple(members), self._hosts_of_cells(mappings))

    def _hosts_of_cells(self, mappings: Sequence[Row]) -> Mapping[str, frozenset[str]]:
        """The hosts of the cells of these mappings, by cell; read once: it takes all its rows.

        One that has left the cloud meanwhile has lost its service, which is read anew; one that
        was given to another cell under the same name goes on being seen in its old one.
        """
        api = self.api
        cells = sorted({m["uuid"] for m in mappings} - self._cell_hosts.keys())
        if cells and api is not None:
            rows = api.rows(
                "SELECT m.host, c.uuid FROM host_mappings m JOIN cell_mappings c "
                f"ON c.id = m.cell_id WHERE c.uuid IN ({marks(cells)})",
                *cells,
            )
            found = grouped((row["uuid"], row["host"]) for row in rows)
            self._cell_hosts |= {cell: frozenset(hosts) for cell, hosts in found.items()}
        return self._cell_hosts

    def _host_facts(
        self, host: str, registration: _Registration, found: dict[str, CellRows]
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
            cell_hosts=registration.neighbours.get(mapping.cell, frozenset())
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
            all_cells=self.api is not None,
        )


@dataclass(frozen=True, slots=True)
class _Registration:
    mappings: tuple[Row, ...] = ()
    members: tuple[Row, ...] = ()
    #: Cell -> its hosts, one set for all of them.
    neighbours: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def mapping(self, host: str) -> HostMappingRow | None:
        """The mapping of exactly this host."""
        own = (m for m in self.mappings if m["host"] == host)
        return next((HostMappingRow(m["id"], m["uuid"]) for m in own), None)


def _no_rows(_sql: str) -> list[Row]:
    """What an API database holds that nobody has named."""
    return []


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
