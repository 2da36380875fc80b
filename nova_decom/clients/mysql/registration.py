# SPDX-License-Identifier: Apache-2.0
"""The rows of nova's API database that register hosts: host mappings and aggregate members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nova_decom.clients.mysql.cell_rows import Row, same_to_sql
from nova_decom.clients.mysql.connection import Database
from nova_decom.model.rows import AggregateHostRow, HostMappingRow, TwinRow
from nova_decom.model.snapshot import grouped
from nova_decom.model.sql import API_DATABASE, marks


@dataclass(frozen=True)
class Registration:
    """Host mappings and aggregate rows of these hosts, and all hosts of each cell by its uuid."""

    hosts: Sequence[str] = ()
    mappings: tuple[Row, ...] = ()
    members: tuple[Row, ...] = ()
    hosts_of_cells: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def twins_of(self) -> Mapping[str, Sequence[TwinRow]]:
        """Host -> the rows of other hosts whose names equal its name in SQL."""
        tables = {"host_mappings": self.mappings, "aggregate_hosts": self.members}
        found = [(table, row) for table, rows in tables.items() for row in rows]
        same = same_to_sql((row["host"] for _, row in found), self.hosts)
        return grouped(
            (host, TwinRow(API_DATABASE, table, row["id"], row["host"]))
            for table, row in found
            for host in same[row["host"]]
        )

    @cached_property
    def _mappings_of(self) -> Mapping[str, Sequence[Row]]:
        return grouped((row["host"], row) for row in self.mappings)

    @cached_property
    def _members_of(self) -> Mapping[str, Sequence[Row]]:
        return grouped((row["host"], row) for row in self.members)

    def mapping(self, host: str) -> HostMappingRow | None:
        """The mapping of exactly this host."""
        own = self._mappings_of.get(host, ())
        return next((HostMappingRow(m["id"], m["uuid"]) for m in own), None)

    def aggregate_hosts(self, host: str) -> tuple[AggregateHostRow, ...]:
        """The aggregate rows of exactly this host."""
        own = self._members_of.get(host, ())
        return tuple(AggregateHostRow(m["id"], m["aggregate_id"]) for m in own)

    def neighbours(self, mapping: HostMappingRow | None) -> frozenset[str]:
        """The hosts of the cell that the host mapping names."""
        return self.hosts_of_cells.get(mapping.cell, frozenset()) if mapping else frozenset()


class Registrations:
    """Reads the registrations of hosts; keeps the hosts of each cell once they were read."""

    def __init__(self, api: Database | None) -> None:
        self._api = api
        self._cell_hosts: dict[str, frozenset[str]] = {}

    def read(self, hosts: Sequence[str]) -> Registration:
        """The registration of these hosts; empty without an API database."""
        if self._api is None:
            return Registration()
        places = marks(hosts)
        mappings = self._api.rows(
            "SELECT m.id, m.host, c.uuid FROM host_mappings m JOIN cell_mappings c "
            f"ON c.id = m.cell_id WHERE m.host IN ({places})",
            *hosts,
        )
        members = self._api.rows(
            "SELECT id, host, aggregate_id FROM aggregate_hosts "
            f"WHERE host IN ({places}) ORDER BY id",
            *hosts,
        )
        cells = self._hosts_of_cells(self._api, mappings)
        return Registration(hosts, tuple(mappings), tuple(members), cells)

    def _hosts_of_cells(
        self, api: Database, mappings: Sequence[Row]
    ) -> Mapping[str, frozenset[str]]:
        """The hosts of the cells of these mappings, by cell uuid; read once, as a cell has many.

        A host that leaves the cloud meanwhile has no service any more, which is read each time;
        a host that moves to another cell under the same name keeps its old cell here.
        """
        cells = sorted({m["uuid"] for m in mappings} - self._cell_hosts.keys())
        if cells:
            rows = api.rows(
                "SELECT m.host, c.uuid FROM host_mappings m JOIN cell_mappings c "
                f"ON c.id = m.cell_id WHERE c.uuid IN ({marks(cells)})",
                *cells,
            )
            found = grouped((row["uuid"], row["host"]) for row in rows)
            self._cell_hosts |= {cell: frozenset(hosts) for cell, hosts in found.items()}
        return self._cell_hosts
