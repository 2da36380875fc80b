# SPDX-License-Identifier: Apache-2.0
"""etcd, Redis and ZooKeeper on loopback, each with an empty directory: what --lock-url names."""

import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.database.servers.ports import free_ports
from tests.lab.processes import Daemon, Processes

START = 30
JARS = ("zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-nop", "metrics-core", "snappy-java")
#: Seconds after which a server gives the lock of a client that is silent to another.
LEASE = 3


def etcd(directory: Path, port: int) -> tuple[tuple[str, ...], str]:
    client, peer = (f"http://127.0.0.1:{number}" for number in (port, *free_ports(1)))
    argv = (
        *("/usr/bin/etcd", f"--data-dir={directory}", f"--listen-client-urls={client}"),
        *(f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}"),
        *(f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"),
    )
    return argv, f"etcd3+{client}?lock_timeout={LEASE}&membership_timeout={LEASE}"


def redis(directory: Path, port: int) -> tuple[tuple[str, ...], str]:
    where = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(directory))
    argv = ("/usr/bin/redis-server", *where, "--save", "", "--daemonize", "no")
    return argv, f"redis://127.0.0.1:{port}?lock_timeout={LEASE}&membership_timeout={LEASE}"


def zookeeper(directory: Path, port: int) -> tuple[tuple[str, ...], str]:
    conf = directory / "zoo.cfg"
    settings = {
        "dataDir": directory,
        "clientPort": port,
        "clientPortAddress": "127.0.0.1",
        "tickTime": 500,
        "admin.enableServer": "false",
    }
    conf.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    path = ":".join(f"/usr/share/java/{jar}.jar" for jar in JARS)
    quick = ("-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    main = "org.apache.zookeeper.server.ZooKeeperServerMain"
    return ("/usr/bin/java", *quick, "-cp", path, main, str(conf)), (
        f"zookeeper://127.0.0.1:{port}?timeout={LEASE}"
    )


SERVERS: Mapping[str, Callable[[Path, int], tuple[tuple[str, ...], str]]] = {
    server.__name__: server for server in (etcd, redis, zookeeper)
}


class LockServers:
    """One server of each kind."""

    def __init__(self, directory: Path) -> None:
        self._processes = Processes(directory / "pids")
        self.urls: dict[str, str] = {}
        ports = dict(zip(SERVERS, free_ports(len(SERVERS)), strict=True))
        for name, port in ports.items():
            data = directory / name
            data.mkdir()
            argv, self.urls[name] = SERVERS[name](data, port)
            self._processes.start(Daemon(name, argv, directory / f"{name}.log"))
        for name, port in ports.items():
            self._processes.wait_ready(
                name, lambda port=port: _accepts(port), timeout=START, what=f"{name} to listen"
            )

    def signal(self, number: signal.Signals) -> None:
        """Send it to every server."""
        for record in self._processes.records():
            record.signal(number)

    def stop(self) -> None:
        self._processes.stop(*SERVERS, timeout=0)


@contextmanager
def lock_servers(directory: Path) -> Iterator[LockServers]:
    directory.mkdir()
    servers = LockServers(directory)
    try:
        yield servers
    finally:
        servers.stop()


def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
