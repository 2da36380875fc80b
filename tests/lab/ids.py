# SPDX-License-Identifier: Apache-2.0
"""Integer ids that are the same in several cells: each cell database numbers on its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lab.cells import Cell
from tests.lab.errors import LabError
from tests.lab.mariadb import MariaDB

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

NEXT = (
    "SELECT AUTO_INCREMENT FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
)


@dataclass(frozen=True)
class SameMigration:
    """Migrations in VERIFY_RESIZE, one in each cell, with one id."""

    migration: int
    servers: Mapping[str, str]
    """Source host -> the server that was resized away from it."""


class Ids:
    def __init__(self, mariadb: MariaDB, cells: tuple[Cell, ...]) -> None:
        self._mariadb = mariadb
        self._cells = cells

    def align(self, table: str) -> int:
        """Let the next row of `table` have the same id in every cell; that id."""
        databases = [cell.database for cell in self._cells]
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            id_ = max(_next(cursor, database, table) for database in databases)
            for database in databases:
                cursor.execute(f"ALTER TABLE {database}.{table} AUTO_INCREMENT = {id_}")
        return id_

    def resize(self, hosts: Mapping[str, Cell], resized: Callable[[str], str]) -> SameMigration:
        """Migrations of one id away from hosts that are in different cells.

        `resized` makes a server on a host, resizes it up to VERIFY_RESIZE and returns its id.
        """
        if len(set(hosts.values())) < len(hosts):
            raise LabError(f"not in different cells: {', '.join(hosts)}")
        migration = self.align("migrations")
        servers: dict[str, str] = {}
        for host, cell in hosts.items():
            servers[host] = resized(host)
            found = self._migrations(cell, servers[host])
            if found != [(migration, host)]:
                raise LabError(f"not migration {migration} of {host}: {found} in {cell.name}")
        return SameMigration(migration, servers)

    def _migrations(self, cell: Cell, server: str) -> list[tuple[int, str]]:
        with self._mariadb.connect(cell.database) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, source_compute FROM migrations WHERE instance_uuid = %s", (server,)
            )
            return [(id_, source) for id_, source in cursor.fetchall()]


def _next(cursor: "Cursor", database: str, table: str) -> int:
    cursor.execute(NEXT, (database, table))
    row = cursor.fetchone()
    if row is None:
        raise LabError(f"{database} has no table {table}")
    return int(row[0])
