# SPDX-License-Identifier: Apache-2.0
"""One server for all tests; each test begins with empty tables."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from pymysql.cursors import DictCursor

from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.connection import Database
from nova_decom.clients.mysql.sources import Sources
from nova_decom.clients.mysql.transaction import WritableDatabase
from nova_decom.clients.mysql.url import Target, target
from nova_decom.clock import Clock
from nova_decom.model.host import HostFacts
from nova_decom.model.host_slice import Memory, host_facts
from nova_decom.model.request import Request, Rows
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.model.sql import Image, Statement, Transaction
from nova_decom.steps.purge_rows import PurgeRows
from tests.database.proxy import Proxy
from tests.database.rows import ApiRows, CellRows, Row
from tests.database.server import Server
from tests.database.servers.versions import VERSIONS

D = TypeVar("D", bound=Database)
#: Retries without the pauses between them.
IMPATIENT = Clock(sleep=lambda _seconds: None)


@pytest.fixture(scope="session")
def server(tmp_path_factory, request) -> Iterator[Server]:
    version = VERSIONS[request.config.getoption("--server")]
    running = Server(tmp_path_factory.mktemp("server"), version=version)
    try:
        running.start()
        yield running
    finally:
        running.stop()


class Watched(WritableDatabase):
    """Lets a test act between the reads of a transaction."""

    watch: Callable[[str], None]

    def _read(
        self, cursor: DictCursor, statement: Statement, transaction: Transaction
    ) -> tuple[Row, ...]:
        found = super()._read(cursor, statement, transaction)
        if statement.is_image:
            self.watch(statement.sql.split()[3])
        return found


@dataclass
class Nova:
    """Nova's databases: rows to make and to look at, and our clients to them."""

    server: Server
    api: ApiRows
    cell: CellRows
    cell2: CellRows
    cell0: CellRows
    api_name: str = "nova_api"
    _opened: list[Database] = field(default_factory=list)

    def reader(self, target_: Target) -> Database:
        return self._keep(Database(target_, IMPATIENT))

    def writer(self, target_: Target) -> WritableDatabase:
        return self._keep(WritableDatabase(target_, IMPATIENT))

    def reading(self, sources: Sources | None = None) -> NovaDatabases:
        return NovaDatabases(sources or self.sources(), self.reader)

    def watching(self, watch: Callable[[str], None]) -> NovaDatabases:
        """As :meth:`writing`; ``watch`` is called when a table's rows are read and locked."""

        def connect(target_: Target) -> WritableDatabase:
            database = self._keep(Watched(target_, IMPATIENT))
            database.watch = watch
            return database

        return NovaDatabases(self.sources(), connect)

    def writing(self, sources: Sources | None = None) -> NovaDatabases:
        return NovaDatabases(sources or self.sources(), self.writer)

    def sources(self, *cells: str, main: str | None = None) -> Sources:
        api = target(self.server.url(self.api_name))
        return Sources(api, tuple(target(url) for url in cells), main)

    def facts(self, host: str, rows: str = "purge", **request: Any) -> HostFacts:
        """The facts of a host that only the databases name."""
        view = CloudSnapshot(databases=self.reading().facts([host]))
        return host_facts(view, host, Request(rows=Rows(rows), **request), Memory())

    def purge(self, host: str, **request: Any) -> Transaction:
        """The transaction that the step plans from the facts."""
        (change,) = PurgeRows().changes(self.facts(host, **request))
        assert change.transaction is not None
        return change.transaction

    def close(self) -> None:
        for database in self._opened:
            database.close()

    def _keep(self, database: D) -> D:
        self._opened.append(database)
        return database


@contextmanager
def one_cell(server: Server) -> Iterator[Nova]:
    """Empty databases with one cell; nothing answers where cell0 is said to be."""
    server.empty()
    with server.connect() as connection:
        world = Nova(
            server,
            ApiRows(connection, "nova_api"),
            CellRows(connection, "nova"),
            CellRows(connection, "nova_cell2"),
            CellRows(connection, "nova_cell0"),
        )
        world.api.cell0(server.url("nova_cell0", port=1))
        world.api.cell("cell1", server.url("nova"))
        yield world
        world.close()


@pytest.fixture
def nova(server) -> Iterator[Nova]:
    with one_cell(server) as world:
        yield world


class Images:
    """Keeps the before-images, and may do something at each table that is handed over."""

    def __init__(self, then: Callable[[str], None] = lambda _table: None) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.tables: list[str] = []
        self._then = then

    def __call__(self, images: Sequence[Image]) -> None:
        for image in images:
            self.rows[image.table] = [dict(row) for row in image.rows]
            self.tables.append(image.table)
            self._then(image.table)


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
def proxy(server) -> Iterator[Proxy]:
    with Proxy(server.port) as running:
        yield running


@pytest.fixture
def behind_proxy(nova, proxy) -> Callable[..., WritableDatabase]:
    """A client for writing whose connections go through the proxy, where they can be read."""

    def connect(**query: str) -> WritableDatabase:
        url = nova.server.url("nova", port=proxy.port, ssl_disabled="true", **query)
        return nova.writer(target(url))

    return connect
