# SPDX-License-Identifier: Apache-2.0
"""The schemas of nova's databases as each release's own ``nova-manage`` creates them.

``nova-17-34.tar.xz`` has the dumps (mariadb-dump 10.11, without rows) of Nova 17.0 to 34.0:
``schema/cell_NUMBER.sql`` and ``schema/api_NUMBER.sql``.
"""

import itertools
import re
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pymysql.connections import Connection

from tests.database.conftest import Nova
from tests.database.rows import ApiRows, CellRows, Table
from tests.database.server import CELL_TABLES, Server

ARCHIVE = Path(__file__).with_name("nova-17-34.tar.xz")
RELEASES = tuple(range(17, 35))
#: Tried in every run: the first one, the first after the last change of each kind, the newest.
SOME = (17, 23, 28, 34)
CELL, API = "schema_cell", "schema_api"


class _KnownColumns(Table):
    """Leaves out what the release has no column for."""

    def insert(self, table: str, **values: object) -> int:
        columns = self.query(f"SHOW COLUMNS FROM {self.database}.{table}")
        known = {column["Field"] for column in columns}
        return super().insert(table, **{k: v for k, v in values.items() if k in known})


class _Cell(_KnownColumns, CellRows):
    pass


class _Api(_KnownColumns, ApiRows):
    pass


@contextmanager
def nova_of(server: Server, release: int) -> Iterator[Nova]:
    """Empty databases of the release, with one cell."""
    with server.connect() as connection:
        for database, kind in ((CELL, "cell"), (API, "api")):
            _create(connection, database)
            _load(server, database, _dump(kind, release))
        world = Nova(
            server,
            _Api(connection, API),
            *(_Cell(connection, CELL) for _ in range(3)),
            api_name=API,
        )
        world.api.cell0(server.url("nova_cell0", port=1))
        world.api.cell("cell1", server.url(CELL))
        try:
            yield world
        finally:
            world.close()
            for database in (CELL, API):
                world.cell.query(f"DROP DATABASE {database}")


def empty(nova: Nova) -> None:
    """Delete every row but the cell mappings."""
    nova.cell.query("SET SESSION foreign_key_checks = 0")
    for table in CELL_TABLES:
        nova.cell.query(f"DELETE FROM {CELL}.{table}")
    for table in ("aggregate_hosts", "aggregates", "host_mappings"):
        nova.cell.query(f"DELETE FROM {API}.{table}")


def _create(connection: Connection, database: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {database}")
        cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb3")
        cursor.execute(f"GRANT ALL ON {database}.* TO nova@'127.0.0.1'")


def _load(server: Server, database: str, dump: str) -> None:
    # MariaDB names the checks of each table anew; MySQL wants a name once for each database.
    numbers = itertools.count(1)
    dump = re.sub(r"CONSTRAINT `CONSTRAINT_\d+`", lambda _: f"CONSTRAINT `c{next(numbers)}`", dump)
    settings = "SET foreign_key_checks = 0, unique_checks = 0;\n"
    subprocess.run([*server.client, database], input=settings + dump, text=True, check=True)


@cache
def _dump(kind: str, release: int) -> str:
    with tarfile.open(ARCHIVE) as archive:
        file = archive.extractfile(f"schema/{kind}_{release}.sql")
        assert file is not None
        return file.read().decode()
