# SPDX-License-Identifier: Apache-2.0
"""Nova's databases together: the API database, the cells, and their rows of given hosts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from nova_decom.clients.mysql.cell_rows import NODE_COLUMNS, CellRows, Row
from nova_decom.clients.mysql.checks import (
    API_COLUMNS,
    CELL_COLUMNS,
    Check,
    check_database,
    check_statement,
)
from nova_decom.clients.mysql.connection import Database, Images
from nova_decom.clients.mysql.grants import USER, api_grants, cell_grants
from nova_decom.clients.mysql.registration import Registration, Registrations
from nova_decom.clients.mysql.sources import Cell, Sources, find_cells
from nova_decom.clients.mysql.url import Target
from nova_decom.model.cloud import NOVA_COMPUTE
from nova_decom.model.request import Request, Rows
from nova_decom.model.rows import (
    CloudRows,
    ComputeNodeRow,
    DatabaseFacts,
    HostMappingRow,
    ServiceRow,
)
from nova_decom.model.sql import API_DATABASE, Transaction, marks
from nova_decom.plan.sample import sample_transactions

#: By the index of hosts; a collation would count the servers of NODE1 with those of node1.
ALL_SERVICES = (
    "SELECT id, uuid, host, `binary`, deleted, version, forced_down FROM services "
    "WHERE deleted = 0 OR deleted <> id"
)
SERVERS_BY_HOST = (
    "SELECT host, COUNT(*) AS servers FROM instances WHERE deleted = 0 AND host IS NOT NULL "
    "GROUP BY BINARY host, host"
)


class NovaDatabases:
    """The API database and every cell; each is connected when it is first read."""

    def __init__(self, sources: Sources, connect: Callable[[Target], Database]) -> None:
        """``connect`` decides whether the databases can be written."""
        self._sources = sources
        self._connect = connect
        self.api = None if sources.api is None else connect(sources.api)
        self._cells: tuple[Cell, ...] | None = None
        #: Database and kind of statement -> its check.
        self._tried: dict[tuple[str, str], Check] = {}
        self._registrations = Registrations(self.api)
        #: A connection serves one thread at a time.
        self._turn = threading.Lock()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell that can have hosts."""
        if self._cells is None:
            self._cells = tuple(find_cells(self._sources, self.api, self._connect))
        return self._cells

    @property
    def cell_uuids(self) -> frozenset[str]:
        """The uuids of the cells; empty without an API database, which alone has them."""
        return frozenset(cell.uuid for cell in self.cells if cell.uuid)

    def facts(self, hosts: Sequence[str]) -> dict[str, DatabaseFacts]:
        """The rows of each of these hosts, by a number of queries that is the same for any."""
        with self._turn:
            registration = self._registrations.read(hosts)
            found = {c.name: CellRows.read(c.name, c.database, hosts) for c in self.cells}
        return {host: self._host_facts(host, registration, found) for host in hosts}

    def cloud_rows(self) -> CloudRows:
        """The rows of all hosts for an audit: three queries per cell, two to the API database."""
        services: list[Row] = []
        nodes: list[Row] = []
        servers: Counter[str] = Counter()
        with self._turn:
            for cell in self.cells:
                rows = cell.database.rows
                services += rows(ALL_SERVICES)
                nodes += rows(f"{NODE_COLUMNS} deleted = 0 OR deleted <> id OR mapped <> 0")
                servers.update({r["host"]: r["servers"] for r in rows(SERVERS_BY_HOST)})
            api = self.api.rows if self.api else _no_rows
            mapped = api("SELECT host FROM host_mappings")
            members = api("SELECT aggregate_id, host FROM aggregate_hosts")
        return CloudRows(
            services=tuple(ServiceRow(**s) for s in services),
            compute_nodes=tuple(ComputeNodeRow(**n) for n in nodes),
            mapped_hosts=frozenset(r["host"] for r in mapped),
            aggregate_hosts=frozenset((r["aggregate_id"], r["host"]) for r in members),
            servers=servers,
            all_cells=self.api is not None,
        )

    def checks(self) -> tuple[Check, ...]:
        """Every check of every database but those of the rights, which a plan decides."""
        found: list[Check] = []
        with self._turn:
            if self.api is not None:
                found += check_database(self.api, API_COLUMNS)
            for cell in self.cells:
                found += check_database(cell.database, CELL_COLUMNS)
        return tuple(found)

    def try_transactions(self, transactions: Iterable[Transaction]) -> tuple[Check, ...]:
        """The checks of the rights that these transactions need; each statement is tried once.

        No row is changed. Statements that differ in the number of rows only are the same.
        """
        kinds = {(t.cell, s.kind): s for t in transactions for s in t.statements}
        with self._turn:
            for (place, kind), statement in kinds.items():
                if (place, kind) not in self._tried:
                    database = self.places[place]
                    self._tried[place, kind] = check_statement(database, statement)
        # Of several statements that need one right, one may fail by a missing column.
        tried = sorted((self._tried[key] for key in kinds), key=lambda c: c.problem is not None)
        by_name = {check.name: check for check in tried}
        return tuple(by_name[name] for name in dict.fromkeys(self._tried[k].name for k in kinds))

    def try_removal(self, request: Request) -> tuple[Check, ...]:
        """As :meth:`try_transactions`, for the removal of any host of any cell."""
        cells = [cell.name for cell in self.cells]
        return self.try_transactions(
            sample_transactions(request, cells, has_api_database=self.api is not None)
        )

    def grants(self, rows: Rows, user: str = USER, *, closes: bool = False) -> Iterator[str]:
        """The GRANT statements for a user of its own, after the place of each database."""
        if self.api is not None:
            yield f"-- {self.api.target.label}"
            yield from api_grants(self.api.target.database, user)
        for cell in self.cells:
            yield f"-- {cell.database.target.label}"
            yield from cell_grants(cell.database.target.database, rows, user, closes=closes)

    def compute_nodes(self, uuids: Collection[str]) -> tuple[ComputeNodeRow, ...]:
        """The live compute nodes with these uuids, of any host; one query per cell."""
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

    def oldest_compute(self) -> int | None:
        """The oldest service version of any nova-compute; None where not all cells are read.

        As nova counts it: those that are forced down left out, one without a version is 0.
        """
        if self.api is None:
            return None
        with self._turn:
            rows = [
                row
                for cell in self.cells
                for row in cell.database.rows(
                    "SELECT MIN(COALESCE(version, 0)) AS version FROM services "
                    "WHERE `binary` = %s AND deleted = 0 AND forced_down = 0",
                    NOVA_COMPUTE,
                )
            ]
        return min((int(r["version"]) for r in rows if r["version"] is not None), default=None)

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
        """Run a transaction in the database that it names."""
        with self._turn:
            self.places[transaction.cell].run(transaction, images)

    @property
    def places(self) -> dict[str, Database]:
        """Every database by the name that a transaction has for it."""
        places = {c.name: c.database for c in self.cells}
        return places if self.api is None else places | {API_DATABASE: self.api}

    def _host_facts(
        self, host: str, registration: Registration, found: Mapping[str, CellRows]
    ) -> DatabaseFacts:
        mapping = registration.mapping(host)
        cell = self._cell_of(host, mapping, found)
        facts = [found[c].facts(host) for c in sorted(found, key=lambda c: c != cell)]
        return DatabaseFacts(
            cell=cell,
            services=tuple(r for f in facts for r in f.services),
            compute_nodes=tuple(r for f in facts for r in f.compute_nodes),
            pci_devices=tuple(r for f in facts for r in f.pci_devices),
            instances=tuple(r for f in facts for r in f.instances),
            active_migrations=tuple(m for f in facts for m in f.active_migrations),
            evacuations=tuple(m for f in facts for m in f.evacuations),
            nodes_needed={c: n for f in facts for c, n in f.nodes_needed.items()},
            twins=(*(r for f in facts for r in f.twins), *registration.twins_of.get(host, ())),
            cells_naming_host=tuple(name for name, rows in found.items() if rows.lives(host)),
            cell_hosts=registration.neighbours(mapping),
            host_mapping=mapping,
            aggregate_hosts=registration.aggregate_hosts(host),
            in_history=any(host in rows.history for rows in found.values()),
            all_cells=self.api is not None,
        )

    def _cell_of(
        self, host: str, mapping: HostMappingRow | None, found: Mapping[str, CellRows]
    ) -> str | None:
        """The cell of the host: the one that has live rows of it, else any rows.

        Without rows it is that of the host mapping, else one with its servers or migrations.
        """
        mapped = [c.name for c in self.cells if mapping and c.uuid == mapping.cell]
        candidates = (
            *(name for name, rows in found.items() if rows.lives(host)),
            *(name for name, rows in found.items() if rows.names(host)),
            *mapped,
            *(name for name, rows in found.items() if rows.touches(host)),
        )
        return next(iter(candidates), None)


def _no_rows(_sql: str) -> list[Row]:
    """No rows, for an API database that is not configured."""
    return []
