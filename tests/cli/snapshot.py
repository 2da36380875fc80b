# SPDX-License-Identifier: Apache-2.0
"""Every row of all cells, nova_api and placement, heartbeat columns aside."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tests.lab import Lab

#: What a living nova writes by itself all the time.
HEARTBEAT = {
    "services": {"report_count", "updated_at", "last_seen_up"},
    "compute_nodes": {"updated_at"},
}
#: What a compute host reports of itself, some seconds after a server came or went.
USAGE = {
    "vcpus_used",
    "memory_mb_used",
    "local_gb_used",
    "free_ram_mb",
    "free_disk_gb",
    "disk_available_least",
    "current_workload",
    "running_vms",
    "stats",
}
#: What nova keeps of servers that were somewhere once.
HISTORY = ("instance", "migrations", "task_log", "request_specs")


@dataclass(frozen=True)
class Snapshot:
    """Takes pictures of the databases as root."""

    lab: Lab

    @property
    def databases(self) -> tuple[str, ...]:
        """Those of the cells first: they name the uuids of a host's compute nodes."""
        cells = (cell.database for cell in self.lab.site.cells)
        return (*cells, "nova_cell0", "nova_api", "placement")

    def checksums(self) -> dict[str, object]:
        """One checksum per table; the rows themselves where a heartbeat is to be left out."""
        found: dict[str, object] = {}
        for database in self.databases:
            with self.lab.sql(database) as connection, connection.cursor() as cursor:
                tables = [f"{database}.{name}" for name in _columns(cursor)]
                cursor.execute(f"CHECKSUM TABLE {', '.join(tables)}")
                found |= dict(map(_values, cursor.fetchall()))
                for table in HEARTBEAT:
                    if f"{database}.{table}" in found:
                        found[f"{database}.{table}"] = _rows(cursor, table)
        return found

    def rows_of(self, host: str) -> dict[str, list[tuple[Any, ...]]]:
        """All rows, of any table, that hold exactly this host name or its node's uuid.

        Without the usage that a living host reports of itself when it likes.
        """
        found = {}
        own = {host}
        for database in self.databases:
            with self.lab.sql(database) as connection, connection.cursor() as cursor:
                if database not in {"nova_cell0", "nova_api", "placement"}:
                    cursor.execute(_UUIDS, (host,))
                    own |= {_values(row)[0] for row in cursor.fetchall()}
                for table in _columns(cursor):
                    rows = _rows(cursor, table, USAGE if table == "compute_nodes" else set())
                    mine = [r for r in rows if any(isinstance(v, str) and v in own for v in r)]
                    if mine:
                        found[f"{database}.{table}"] = mine
        return found

    def traces_of(self, host: str) -> set[str]:
        """The tables that still name the host, nova's history of servers aside."""
        return {t for t in self.rows_of(host) if not t.partition(".")[2].startswith(HISTORY)}

    def hosts_in(self, table: str) -> list[str]:
        """What ``select host from nova.services`` (or compute_nodes) shows, in all cells."""
        select = f"SELECT host FROM {table}"
        cells = (cell.name for cell in self.lab.site.cells)
        return [host for cell in cells for (host,) in self.lab.cell_sql(cell, select)]


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(row.values()) if isinstance(row, dict) else tuple(row)


def _columns(cursor: Any) -> dict[str, list[str]]:
    """The columns of every table of the database, by one query."""
    cursor.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"
    )
    found: dict[str, list[str]] = {}
    for table, column in map(_values, cursor.fetchall()):
        found.setdefault(table, []).append(column)
    return found


def _rows(
    cursor: Any, table: str, without: Collection[str] = frozenset()
) -> list[tuple[Any, ...]]:
    cursor.execute(f"SELECT * FROM `{table}`")
    names = [column[0] for column in cursor.description]
    left_out = {*HEARTBEAT.get(table, ()), *without}
    kept = [i for i, name in enumerate(names) if name not in left_out]
    rows = [_values(row) for row in cursor.fetchall()]
    return sorted((tuple(row[i] for i in kept) for row in rows), key=repr)


_UUIDS = "SELECT uuid FROM compute_nodes WHERE BINARY host = %s"
