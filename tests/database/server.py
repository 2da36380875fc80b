# SPDX-License-Identifier: Apache-2.0
"""A server of the tests' own, on a copy of databases that nova itself set up."""

import subprocess
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, urlencode

from pymysql.connections import Connection

from tests.database.servers.daemon import DatabaseDaemon
from tests.database.servers.dialects import Dialect
from tests.database.servers.template import ensure_template
from tests.database.servers.versions import Version, chosen
from tests.lab.layout import PASSWORDS, Layout, Site, new_site
from tests.lab.mariadb import copy_tree
from tests.lab.releases import DEFAULT_RELEASE, RELEASES
from tests.lab.template import ensure_environment
from tests.lab.template import ensure_template as ensure_lab

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


def nova_databases(version: Version, site: Site) -> Path:
    """A stopped data directory with nova's databases; the lab's own for the lab's version."""
    if not site.template.exists():
        # Built where the lab builds it. Otherwise left alone: a lab may be running from it.
        ensure_environment(site.layout, site.release, print)
        if version.packages is None:
            ensure_lab(Layout(LAB, site.layout.cache_root), site.release, print)
    if version.packages is None:
        return site.template / "mysql"
    return ensure_template(version, site)


class Server:
    """The running server; ``authority`` signed its certificate."""

    def __init__(self, directory: Path, *options: str, version: Version | None = None) -> None:
        """``options`` are the server's."""
        layout = Layout(directory, Layout.of(LAB).cache_root)
        self._site = new_site(layout, RELEASES[DEFAULT_RELEASE])
        self.version = version or chosen()
        self.authority = Authority(directory / "tls")
        self._options = (
            f"--ssl-ca={self.authority.ca}",
            f"--ssl-cert={self.authority.certificate}",
            f"--ssl-key={self.authority.key}",
            *options,
        )

    @property
    def port(self) -> int:
        return self._site.ports["mariadb"]

    @property
    def socket(self) -> Path:
        return self._daemon.socket

    @property
    def dialect(self) -> Dialect:
        return self.version.dialect

    @property
    def client(self) -> tuple[str, ...]:
        """The server's own command-line client, as root."""
        client = self.version.product.client(self._daemon.programs)
        return (*client, f"--socket={self.socket}", "--user=root")

    @property
    def nova_python(self) -> Path:
        """The interpreter in whose environment nova itself is installed."""
        return self._site.venv / "bin" / "python"

    def start(self) -> None:
        copy_tree(nova_databases(self.version, self._site), self._daemon.datadir)
        # MySQL's identity, which two copies must not share.
        (self._daemon.datadir / "auto.cnf").unlink(missing_ok=True)
        self._daemon.start()
        self._make_second_cell()

    def stop(self) -> None:
        self._daemon.stop()

    @cached_property
    def _daemon(self) -> DatabaseDaemon:
        layout = self._site.layout
        return DatabaseDaemon(
            self.version,
            self.version.programs(layout.cache_root),
            layout.data / "mysql",
            self.port,
            layout.log("database"),
            self._options,
        )

    def connect(self, database: str | None = None, **session: object) -> Connection:
        """A connection as root, in autocommit; ``session`` sets variables of the session."""
        connection = self._daemon.connect(database)
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

    def make_user(
        self, name: str, password: str, *grants: str, host: str = "127.0.0.1", proof: str = ""
    ) -> None:
        """A user with these grants and no others; ``proof`` is what REQUIRE demands."""
        user = f"{name}@'{host}'"
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP USER IF EXISTS {user}")
            cursor.execute(f"CREATE USER {user} IDENTIFIED BY %s {proof}", (password,))
            for grant in grants:
                cursor.execute(f"GRANT {grant} TO {user}")

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
