# SPDX-License-Identifier: Apache-2.0
"""A MariaDB of the tests' own, on a copy of the databases that nova set up for the lab."""

import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlencode

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from tests.lab.layout import PASSWORDS, Layout, new_site
from tests.lab.mariadb import NAME, MariaDB, copy_tree
from tests.lab.processes import Daemon, Processes, Record
from tests.lab.releases import DEFAULT_RELEASE, RELEASES
from tests.lab.template import ensure_environment, ensure_template

LAB = Path(__file__).parents[2] / ".lab"
PASSWORD = PASSWORDS["nova"]
CELL_TABLES = ("pci_devices", "compute_nodes", "services", "migrations", "instances")
API_TABLES = ("aggregate_hosts", "aggregates", "host_mappings", "cell_mappings")
#: Each database and the tables of it that tests write to.
TABLES = {
    "nova": CELL_TABLES,
    "nova_cell2": CELL_TABLES,
    "nova_cell0": CELL_TABLES,
    "nova_api": API_TABLES,
}


class Authority:
    """A certificate authority that signs one certificate, for the address 127.0.0.1 only."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self.ca = directory / "ca.pem"
        self.certificate = directory / "server.pem"
        self.key = directory / "server.key"
        key = directory / "ca.key"
        _certificate(self.ca, key, "/CN=CA of a test")
        _certificate(
            self.certificate, self.key, "/CN=server", "-CA", str(self.ca), "-CAkey", str(key),
            "-addext", "subjectAltName=IP:127.0.0.1",
        )  # fmt: skip


def _certificate(path: Path, key: Path, subject: str, *arguments: str) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "2", "-subj", subject, "-keyout", str(key), "-out", str(path),
            *arguments,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


class _WithOptions(Processes):
    """Starts daemons with more options; the last of two equal ones counts."""

    def __init__(self, records: Path, *options: str) -> None:
        super().__init__(records)
        self._options = options

    def start(self, daemon: Daemon) -> Record:
        return super().start(replace(daemon, argv=(*daemon.argv, *self._options)))


class Server:
    """The running server; ``authority`` signed its certificate."""

    def __init__(self, directory: Path, *options: str) -> None:
        """``options`` are mariadbd's."""
        layout = Layout(directory, Layout.of(LAB).cache_root)
        self._site = new_site(layout, RELEASES[DEFAULT_RELEASE])
        self.authority = Authority(directory / "tls")
        self._processes = _WithOptions(
            layout.pids,
            f"--ssl-ca={self.authority.ca}",
            f"--ssl-cert={self.authority.certificate}",
            f"--ssl-key={self.authority.key}",
            "--innodb-flush-log-at-trx-commit=0",
            *options,
        )
        self._mariadb = MariaDB(self._site, self._processes)

    @property
    def port(self) -> int:
        return self._site.ports["mariadb"]

    @property
    def socket(self) -> Path:
        return self._mariadb.datadir / "mysql.sock"

    @property
    def nova_python(self) -> Path:
        """The interpreter in whose environment nova itself is installed."""
        return self._site.venv / "bin" / "python"

    def start(self) -> None:
        if not self._site.template.exists():
            # Built where the lab builds it. Otherwise left alone: a lab may be running from it.
            ensure_environment(self._site.layout, self._site.release, print)
            ensure_template(Layout(LAB, self._site.layout.cache_root), self._site.release, print)
        copy_tree(self._site.template / "mysql", self._mariadb.datadir)
        self._mariadb.start()
        self._mariadb.wait()
        self._make_second_cell()

    def stop(self) -> None:
        self._processes.stop(NAME)

    def connect(self, database: str | None = None, **session: object) -> Connection:
        """A connection as root, in autocommit; ``session`` sets variables of the session."""
        connection = pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            autocommit=True,
            cursorclass=DictCursor,
            ssl_disabled=True,
        )
        with connection.cursor() as cursor:
            for name, value in session.items():
                cursor.execute(f"SET SESSION {name} = %s", (value,))
        return connection

    def url(
        self,
        database: str,
        *,
        user: str = "nova",
        password: str = PASSWORD,
        port: int | None = None,
        **query: str,
    ) -> str:
        """A URL as nova would have it; without TLS, which takes long, unless it says so."""
        if not any(name.startswith("ssl_") for name in query):
            query["ssl_disabled"] = "true"
        who = f"{user}:{quote(password, safe='')}"
        place = f"127.0.0.1:{port or self.port}/{database}"
        return f"mysql+pymysql://{who}@{place}?{urlencode(query)}"

    def empty(self) -> None:
        """Delete every row that a test may have made."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 0")
            for database, tables in TABLES.items():
                for table in tables:
                    cursor.execute(f"DELETE FROM {database}.{table}")

    def _make_second_cell(self) -> None:
        """Another cell database, its tables and foreign keys as in the first."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE nova_cell2 CHARACTER SET utf8mb3")
            cursor.execute("GRANT ALL ON nova_cell2.* TO nova@'127.0.0.1'")
            cursor.execute("USE nova_cell2")
            for table in ("instances", "migrations", "services", "compute_nodes", "pci_devices"):
                cursor.execute(f"SHOW CREATE TABLE nova.{table}")
                created = cursor.fetchone()
                cursor.execute(created["Create Table"] if created else "")
