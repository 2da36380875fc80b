# SPDX-License-Identifier: Apache-2.0
"""Rows as nova writes them."""

import itertools
import uuid
from typing import Any

from pymysql.connections import Connection

from nova_decom.clients.mysql.sources import CELL0

Row = dict[str, Any]
_ADDRESSES = itertools.count(1)
STAMP = "2026-01-02 03:04:05"


class Table:
    """Inserts into, and reads from, the tables of one database."""

    def __init__(self, connection: Connection, database: str) -> None:
        self._connection = connection
        self.database = database

    def query(self, sql: str, *params: object) -> list[Row]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

    def insert(self, table: str, **values: object) -> int:
        values = {"created_at": STAMP} | values
        names = ", ".join(f"`{name}`" for name in values)
        marks = ", ".join(["%s"] * len(values))
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self.database}.{table} ({names}) VALUES ({marks})",
                tuple(values.values()),
            )
            return int(cursor.lastrowid)

    def rows(self, table: str) -> list[Row]:
        return self.query(f"SELECT * FROM {self.database}.{table} ORDER BY id")

    def ids(self, table: str) -> list[int]:
        return [row["id"] for row in self.rows(table)]

    def row(self, table: str, number: int) -> Row:
        (row,) = self.query(f"SELECT * FROM {self.database}.{table} WHERE id = %s", number)
        return row

    def checksums(self, *tables: str) -> dict[str, int]:
        names = ", ".join(f"{self.database}.{table}" for table in tables)
        return {r["Table"]: r["Checksum"] for r in self.query(f"CHECKSUM TABLE {names}")}


class CellRows(Table):
    """What a nova-compute, and the servers on it, leave in a cell database."""

    def service(
        self, host: str, binary: str = "nova-compute", *, deleted: bool = False, **values: object
    ) -> int:
        number = self.insert(
            "services",
            **{
                "host": host,
                "binary": binary,
                "topic": binary.removeprefix("nova-"),
                "report_count": 42,
                "disabled": 0,
                "forced_down": 0,
                "version": 70,
                "uuid": str(uuid.uuid4()),
                "deleted": -1 if deleted else 0,
                "updated_at": STAMP,
                "last_seen_up": STAMP,
            }
            | values,
        )
        return self._hidden("services", number) if deleted else number

    def compute_node(
        self, host: str | None, name: str | None = None, *, deleted: bool = False, **values: object
    ) -> int:
        number = self.insert(
            "compute_nodes",
            **{
                "host": host,
                "hypervisor_hostname": name or host,
                "service_id": None,
                "uuid": str(uuid.uuid4()),
                "vcpus": 64,
                "memory_mb": 262144,
                "local_gb": 1000,
                "vcpus_used": 0,
                "memory_mb_used": 512,
                "local_gb_used": 0,
                "hypervisor_type": "QEMU",
                "hypervisor_version": 9002000,
                "cpu_info": '{"arch": "x86_64", "vendor": "Gen\'u"}',
                "host_ip": "192.0.2.17",
                # No FLOAT is exactly any of these.
                "ram_allocation_ratio": 1.1,
                "cpu_allocation_ratio": 16.7,
                "disk_allocation_ratio": 0.987654321,
                "mapped": 1,
                "deleted": -1 if deleted else 0,
                "updated_at": STAMP,
            }
            | values,
        )
        return self._hidden("compute_nodes", number, "mapped = 0") if deleted else number

    def pci_device(self, node: int, *, deleted: bool = False, **values: object) -> int:
        address = next(_ADDRESSES)
        number = self.insert(
            "pci_devices",
            **{
                "compute_node_id": node,
                "address": f"0000:{address >> 8:02x}:{address & 255:02x}.0",
                "product_id": "1572",
                "vendor_id": "8086",
                "dev_type": "type-PF",
                "label": "label_8086_1572",
                "status": "available",
                "uuid": str(uuid.uuid4()),
                "deleted": -1 if deleted else 0,
            }
            | values,
        )
        return self._hidden("pci_devices", number) if deleted else number

    def instance(self, host: str | None, *, deleted: bool = False, **values: object) -> str:
        identity = str(uuid.uuid4())
        number = self.insert(
            "instances",
            **{
                "uuid": identity,
                "host": host,
                "node": host,
                "hostname": "web-1",
                "display_name": "web-1",
                "vm_state": "active",
                "compute_id": 1,
                "deleted": -1 if deleted else 0,
            }
            | values,
        )
        if deleted:
            self._hidden("instances", number)
        return identity

    def migration(
        self, source: str | None, destination: str | None, status: str, **values: object
    ) -> int:
        return self.insert(
            "migrations",
            **{
                "source_compute": source,
                "dest_compute": destination,
                "status": status,
                "migration_type": "live-migration",
                "instance_uuid": self.instance(None),
                "uuid": str(uuid.uuid4()),
                "hidden": 0,
                "deleted": 0,
            }
            | values,
        )

    def host(self, host: str) -> tuple[int, int]:
        """A live nova-compute: its service and its compute node."""
        service = self.service(host)
        return service, self.compute_node(host, service_id=service)

    def _hidden(self, table: str, number: int, *more: str) -> int:
        """Soft-delete a row as nova does."""
        hide = ", ".join(["deleted = id", f"deleted_at = '{STAMP}'", *more])
        self.query(f"UPDATE {self.database}.{table} SET {hide} WHERE id = %s", number)
        return number


class ApiRows(Table):
    """What nova_api knows of cells, hosts and aggregates."""

    def cell(self, name: str | None, url: str, identity: str | None = None) -> int:
        return self.insert(
            "cell_mappings",
            uuid=identity or str(uuid.uuid4()),
            name=name,
            database_connection=url,
            transport_url="none:///",
            disabled=0,
        )

    def cell0(self, url: str) -> int:
        return self.cell("cell0", url, CELL0)

    def host(self, host: str, cell: int) -> int:
        return self.insert("host_mappings", host=host, cell_id=cell)

    def aggregate(self, name: str, *hosts: str) -> int:
        number = self.insert("aggregates", name=name, uuid=str(uuid.uuid4()))
        for host in hosts:
            self.insert("aggregate_hosts", host=host, aggregate_id=number)
        return number
