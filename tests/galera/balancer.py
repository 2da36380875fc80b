# SPDX-License-Identifier: Apache-2.0
"""HAProxy before a cluster, as deployments have it: one writer, and the others as backups."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.database.servers.ports import free_ports
from tests.lab.processes import Daemon, Processes

NAME = "haproxy"
#: Seconds after which it ends a connection that is idle.
IDLE = 1
CONFIGURATION = """\
defaults
    mode tcp
    timeout connect 2s
    timeout client {idle}s
    timeout server {idle}s
listen mariadb
    bind 127.0.0.1:{port}
    default-server check inter 200ms fall 2 rise 2 on-marked-down shutdown-sessions
{servers}"""


class Listening(Protocol):
    """A server at a port of this machine."""

    @property
    def port(self) -> int: ...


@contextmanager
def balancer(nodes: Sequence[Listening], directory: Path) -> Iterator[int]:
    """The port at which it listens."""
    (port,) = free_ports(1)
    servers = [f"    server n{node.port} 127.0.0.1:{node.port} backup\n" for node in nodes]
    servers[0] = servers[0].replace(" backup", "")
    file = directory / "haproxy.cfg"
    file.write_text(CONFIGURATION.format(idle=IDLE, port=port, servers="".join(servers)))
    processes = Processes(directory / "pids")
    processes.start(
        Daemon(NAME, ("/usr/sbin/haproxy", "-db", "-f", str(file)), directory / "haproxy.log")
    )
    try:
        processes.wait_ready(NAME, lambda: _accepts(port), timeout=10, what="HAProxy to listen")
        yield port
    finally:
        processes.stop(NAME, timeout=0)


def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
