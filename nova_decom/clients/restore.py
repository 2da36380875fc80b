# SPDX-License-Identifier: Apache-2.0
"""The cloud that a restore reads and changes, over the real clients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nova_decom.clients.cloud import LiveCloud
from nova_decom.clients.mysql.connection import Database
from nova_decom.clients.openstack.compute import Compute
from nova_decom.clients.openstack.placement import Placement
from nova_decom.model.api_call import TREE, ApiCall
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.sql import API_DATABASE, Transaction, marks
from nova_decom.restore.current import CurrentHost, Row
from nova_decom.restore.saved import SavedHost

CELL_TABLES = ("services", "compute_nodes", "pci_devices", "migrations")
API_TABLES = ("aggregate_hosts", "host_mappings")


class LiveRestoringCloud:
    """Reads and changes by the clients of the other commands."""

    def __init__(self, cloud: LiveCloud, identity: CloudIdentity) -> None:
        """``identity`` tells which cloud it is; it can write if the cloud can."""
        self._cloud = cloud
        self._identity = identity
        self._clients = cloud.clients
        self._databases = cloud.clients.databases

    def present(self, past: SavedHost) -> CurrentHost:
        """The present host, read again."""
        facts = self._cloud.facts(past.host)
        aggregates = self._clients.compute.aggregates()
        providers = self._providers(past)
        databases = self._databases
        if databases is None:
            return CurrentHost(
                facts, aggregates=aggregates, cloud=self._identity, providers=providers
            )
        rows: dict[tuple[str, str], tuple[Row, ...]] = {}
        columns: dict[tuple[str, str], frozenset[str]] = {}
        for name, database in databases.places.items():
            for table in API_TABLES if name == API_DATABASE else CELL_TABLES:
                rows[name, table] = _rows(database, table, name, past)
                columns[name, table] = _columns(database, table)
        api = databases.api
        cells = api.rows("SELECT id, uuid FROM cell_mappings") if api else []
        return CurrentHost(
            facts,
            rows,
            columns,
            aggregates,
            {c["uuid"]: c["id"] for c in cells},
            frozenset(c.name for c in databases.cells),
            self._identity,
            providers,
        )

    def run(self, transaction: Transaction) -> None:
        """Run one guarded database transaction."""
        self._cloud.run(transaction)

    def send(self, call: ApiCall) -> str | None:
        """Send one request to nova or to placement."""
        client: Compute | Placement = getattr(self._clients, call.service)
        return client.send(call)

    def _providers(self, past: SavedHost) -> dict[str, Row]:
        """The resource providers of the saved trees that exist, with their parts, by uuid."""
        found = (self._clients.placement.image(f"{TREE}{root}") for root in past.roots)
        return {provider["uuid"]: provider for tree in found for provider in tree}


def _rows(database: Database, table: str, cell: str, past: SavedHost) -> tuple[Row, ...]:
    """Rows with an id or a uuid of an old one, and those of the host or its compute nodes."""
    found: dict[int, Row] = {}
    for column, values in _keys(table, cell, past):
        if values:
            sql = f"SELECT * FROM {table} WHERE {column} IN ({marks(values)}) ORDER BY id"
            found |= {row["id"]: row for row in database.rows(sql, *values)}
    return tuple(found.values())


def _keys(table: str, cell: str, past: SavedHost) -> Iterator[tuple[str, Sequence[object]]]:
    """Columns with an index, and the values to look for."""
    mine = [row for row in past.rows if (row.cell, row.table) == (cell, table)]
    mapping = [past.mapping[0]] if past.mapping and table == "host_mappings" else []
    yield "id", [*(row.id for row in mine), *mapping]
    if table == "migrations":
        return
    if table == "pci_devices":
        nodes = [r.id for r in past.rows if (r.cell, r.table) == (cell, "compute_nodes")]
        yield "compute_node_id", nodes
        return
    yield "host", [past.host]
    if table in {"services", "compute_nodes"}:
        yield "uuid", [row.values["uuid"] for row in mine if row.values.get("uuid")]


def _columns(database: Database, table: str) -> frozenset[str]:
    """The columns that this user may insert."""
    rows = database.rows(
        "SELECT column_name AS c FROM information_schema.columns WHERE table_schema = DATABASE() "
        "AND table_name = %s AND FIND_IN_SET('insert', privileges)",
        table,
    )
    return frozenset(r["c"] for r in rows)
