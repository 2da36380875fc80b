# SPDX-License-Identifier: Apache-2.0
"""Three MariaDB nodes with Galera on loopback, with nova's own schema.

All begin from copies of one data directory that was part of a cluster before, at the same
position: so no node has to be sent the state of another.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from tests.database.server import LAB, PASSWORD, TABLES, nova_databases
from tests.database.servers.ports import free_ports
from tests.database.servers.versions import Version
from tests.lab.layout import Layout, new_site
from tests.lab.mariadb import copy_tree
from tests.lab.releases import DEFAULT_RELEASE, RELEASES

CACHE = Layout.of(LAB).cache_root
PROVIDER = "usr/lib/galera/libgalera_smm.so"
#: A node that is lost is noticed sooner than by default, but not because the machine is busy.
TIMEOUTS = (
    "evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.5S;evs.suspect_timeout=PT3S;"
    "evs.inactive_timeout=PT6S;evs.install_timeout=PT6S;pc.recovery=false;gcache.size=16M"
)
NOT_NOVAS = ("keystone", "placement", "glance", "neutron", "nova_cell0")
START = 60


class Node:
    """One server of the cluster."""

    def __init__(self, number: int, directory: Path, version: Version) -> None:
        self._version = version
        self.name = f"galera{number}"
        self.datadir = directory / self.name
        self.port, self.group_port, self.ist_port, self.sst_port = free_ports(4)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, peers: str, *, first: bool = False) -> None:
        options = ";".join(
            [
                f"gmcast.listen_addr=tcp://127.0.0.1:{self.group_port}",
                f"ist.recv_addr=127.0.0.1:{self.ist_port}",
                TIMEOUTS,
            ]
        )
        programs = self._version.programs(CACHE)
        arguments = [
            *self._version.product.argv(programs, self.datadir, _user()),
            f"--port={self.port}", "--innodb-buffer-pool-size=64M", "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2", "--wsrep-on=ON",
            f"--wsrep-provider={programs.path(PROVIDER)}",
            # From 11.4 on it would take wsrep_provider_options away.
            "--loose-plugin-wsrep-provider=OFF",
            f"--wsrep-cluster-address=gcomm://{peers}", f"--wsrep-node-name={self.name}",
            f"--wsrep-node-address=127.0.0.1:{self.group_port}", "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{self.sst_port}",
            f"--wsrep-provider-options={options}",
        ]  # fmt: skip
        with (self.datadir.parent / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*arguments, "--wsrep-new-cluster"] if first else arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """As by a power cut."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            try:
                process.wait(timeout=START)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def connect(self, database: str | None = None, **session: object) -> Connection:
        """A connection as root, in autocommit."""
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

    def url(self, database: str, *, port: int | None = None, **query: str) -> str:
        """As nova would have it."""
        options = urlencode({"ssl_disabled": "true"} | query)
        place = f"127.0.0.1:{port or self.port}/{database}"
        return f"mysql+pymysql://nova:{PASSWORD}@{place}?{options}"

    def run(self, sql: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def status(self, name: str) -> str:
        """Of wsrep; empty when nobody answers."""
        try:
            with self.connect() as connection, connection.cursor() as cursor:
                cursor.execute("SHOW STATUS WHERE Variable_name = %s", (f"wsrep_{name}",))
                return str(cursor.fetchone()["Value"])
        except pymysql.MySQLError:
            return ""

    def isolate(self) -> None:
        """Cut it off from its peers; it notices, and takes no more statements."""
        self.run("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
        wait(lambda: self.status("cluster_status") == "non-Primary", f"{self.name} to be alone")


class Cluster:
    """Three nodes."""

    def __init__(self, directory: Path, version: Version) -> None:
        self._directory = directory
        self._version = version
        self._template = directory / "template"
        self.nodes = [Node(number, directory, version) for number in (1, 2, 3)]

    def start(self) -> None:
        self._make_template()
        self._begin()

    def _begin(self) -> None:
        first, *others = self.nodes
        copy_tree(self._template, first.datadir)
        first.start("", first=True)
        self.wait(first)
        for node in others:
            self._join(node)
        self.wait(*self.nodes)

    def _join(self, node: Node) -> None:
        copy_tree(self._template, node.datadir)
        node.start(self._peers)

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()

    def heal(self) -> None:
        """Bring back whom a test has killed or cut off, and take away what it wrote."""
        # Letting one back in that was cut off takes Galera up to twenty seconds, a new one a few.
        broken = [n for n in self.nodes if n.status("cluster_status") != "Primary"]
        for node in broken:
            node.kill()
            shutil.rmtree(node.datadir)
        if len(broken) == len(self.nodes):
            self._begin()
        for node in broken:
            if not node.lives:
                self._join(node)
        self.wait(*self.nodes)
        with self.nodes[0].connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 0")
            for database in ("nova", "nova_api"):
                for table in TABLES[database]:
                    cursor.execute(f"DELETE FROM {database}.{table}")
        for node in self.nodes:
            node.run("SET GLOBAL read_only = 0")

    def wait(self, *nodes: Node) -> None:
        """Until all of them are ready and see each other."""
        size = str(sum(n.lives for n in self.nodes))
        for node in nodes:
            wait(
                lambda node=node: (
                    node.status("ready") == "ON"
                    and node.status("local_state_comment") == "Synced"
                    and node.status("cluster_size") == size
                ),
                f"{node.name} to be ready; see {self._directory / node.name}.log",
            )

    @property
    def _peers(self) -> str:
        return ",".join(f"127.0.0.1:{node.group_port}" for node in self.nodes)

    def _make_template(self) -> None:
        """Nova's databases, in a cluster of one, which gives them a position."""
        site = new_site(Layout(self._directory, CACHE), RELEASES[DEFAULT_RELEASE])
        copy_tree(nova_databases(self._version, site), self._template)
        if os.geteuid() == 0:
            shutil.chown(self._directory, _user())
            subprocess.run(["chown", "-R", _user(), str(self._template)], check=True)
        node = Node(0, self._directory, self._version)
        node.datadir = self._template
        try:
            node.start("", first=True)
            wait(lambda: node.status("ready") == "ON", "the template to be ready")
            for database in NOT_NOVAS:
                node.run(f"DROP DATABASE IF EXISTS {database}")
        finally:
            node.stop()


def wait(condition: Callable[[], bool], what: str) -> None:
    """Within a bound."""
    end = time.monotonic() + START
    while not condition():
        assert time.monotonic() < end, f"waited {START} s for {what}"
        time.sleep(0.05)


@contextlib.contextmanager
def locked(node: Node) -> Iterator[None]:
    """Nothing from other nodes is applied here meanwhile."""
    with node.connect() as connection, connection.cursor() as cursor:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        try:
            yield
        finally:
            cursor.execute("UNLOCK TABLES")


def _user() -> str:
    """Not root: the transfer of state between nodes does not work as root."""
    return "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
