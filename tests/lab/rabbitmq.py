# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ, with a port mapper (epmd) of its own, so that two labs do not meet."""

import base64
import hashlib
import json
import os
import shutil
import socket

from tests.lab.layout import Site
from tests.lab.processes import Daemon, Processes

NAME = "rabbitmq"
USER = "guest"
"""A user of every broker, with its own name as password, from loopback only."""
EPMD = "epmd"
SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"
"""For the port by which Erlang nodes reach each other: it is open on every address otherwise."""


class RabbitMQ:
    def __init__(self, site: Site, processes: Processes) -> None:
        self._site = site
        self._processes = processes
        self._home = site.layout.data / "rabbitmq"
        digest = hashlib.sha256(str(site.layout.root).encode()).hexdigest()[:8]
        self._node = f"lab{digest}@localhost"
        self._definitions = self._home / "definitions.json"

    def start(self) -> None:
        ports = self._site.ports
        self._processes.start(
            Daemon(
                EPMD,
                ("/usr/bin/epmd", "-address", "127.0.0.1", "-port", str(ports["epmd"])),
                self._site.layout.log(EPMD),
            )
        )
        if self._processes.alive(NAME):
            return
        # Messages do not outlive the broker; everybody declares their queues again.
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)
        (self._home / "rabbitmq.conf").write_text(self._configuration())
        self._definitions.write_text(self._vhosts())
        (self._home / "enabled_plugins").write_text("[rabbitmq_management].\n")
        self._processes.wait_ready(
            EPMD, lambda: _accepts(ports["epmd"]), timeout=10, what="epmd to listen"
        )
        log = self._site.layout.log(NAME)
        self._processes.start(Daemon(NAME, (SERVER,), log, self._environment()))

    def wait(self) -> None:
        ports = (self._site.ports["rabbitmq"], self._site.ports["rabbitmq_api"])
        self._processes.wait_ready(
            NAME,
            lambda: all(map(_accepts, ports)),
            timeout=90,
            what="rabbitmq to accept connections",
        )

    def _configuration(self) -> str:
        lines = [
            "listeners.tcp.1 = 127.0.0.1:{port}",
            "log.console = true",
            "log.console.level = warning",
            "log.file = false",
            "vm_memory_high_watermark.relative = 0.6",
            "disk_free_limit.absolute = 50MB",
            f"management.tcp.port = {self._site.ports['rabbitmq_api']}",
            "management.tcp.ip = 127.0.0.1",
        ]
        if self._site.cell_count > 1:
            lines.append(f"load_definitions = {self._definitions}")
        return "\n".join(lines).format(port=self._site.ports["rabbitmq"]) + "\n"

    def _vhosts(self) -> str:
        """The definitions of a broker for several cells: one virtual host each, and the user.

        A broker that is given definitions makes neither "/" nor guest by itself.
        """
        names = [cell.vhost or "/" for cell in self._site.cells]
        every = {"configure": ".*", "write": ".*", "read": ".*"}
        user = {"name": USER, "password_hash": _password_hash(USER), "tags": "administrator"}
        definitions = {
            "users": [user],
            "vhosts": [{"name": name} for name in names],
            "permissions": [{"user": USER, "vhost": name, **every} for name in names],
        }
        return json.dumps(definitions, indent=1)

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._home),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_MNESIA_BASE": str(self._home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._home / "log"),
            "RABBITMQ_CONFIG_FILE": str(self._home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._home / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(self._site.ports["rabbitmq_dist"]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": LOOPBACK_ONLY,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._site.ports["epmd"]),
            # The start script then becomes the Erlang machine instead of waiting for it, and
            # the recorded pid is the broker's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


def _password_hash(password: str) -> str:
    """The hash of RabbitMQ's rabbit_password_hashing_sha256: four bytes of salt come first."""
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
