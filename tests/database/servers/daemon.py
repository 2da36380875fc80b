# SPDX-License-Identifier: Apache-2.0
"""One running server, on a data directory and a port of its own."""

from dataclasses import dataclass
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from tests.database.servers.debian import Programs
from tests.database.servers.versions import Version
from tests.lab.processes import Daemon, Processes

NAME = "database"
START = 60


@dataclass(frozen=True)
class DatabaseDaemon:
    """The server of a version; ``options`` come last, and the last of two equal ones counts."""

    version: Version
    programs: Programs
    datadir: Path
    port: int
    log: Path
    options: tuple[str, ...] = ()

    @property
    def socket(self) -> Path:
        return self.datadir / "mysql.sock"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        argv = self.version.product.argv(self.programs, self.datadir)
        argv = (*argv, f"--port={self.port}", *self.options)
        self._processes.start(Daemon(NAME, argv, self.log))
        self._processes.wait_ready(
            NAME, self._answers, timeout=START, what="the database server to accept connections"
        )

    def stop(self) -> None:
        self._processes.stop(NAME, timeout=START)

    def connect(self, database: str | None = None) -> Connection:
        """A connection as root, in autocommit."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            autocommit=True,
            cursorclass=DictCursor,
            ssl_disabled=True,
        )

    @property
    def _processes(self) -> Processes:
        return Processes(self.log.parent / "pids")

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True
