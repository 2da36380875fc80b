# SPDX-License-Identifier: Apache-2.0
"""The five APIs under uwsgi, nova's scheduler and conductors, and memcached."""

import getpass
import http.client
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tests.lab.config import wsgi_environment
from tests.lab.layout import Site
from tests.lab.processes import Daemon, Processes

MEMCACHED = "memcached"
CONDUCTOR = "nova-conductor"
SCHEDULER = "nova-scheduler"
NEUTRON_RPC = "neutron-rpc-server"
START_TIMEOUT = 180.0


class ControlPlane:
    def __init__(self, site: Site, processes: Processes) -> None:
        self._site = site
        self._processes = processes

    def start_memcached(self) -> None:
        port = str(self._site.ports["memcached"])
        argv = ("/usr/bin/memcached", "-l", "127.0.0.1", "-p", port, "-u", getpass.getuser())
        self._processes.start(Daemon(MEMCACHED, argv, self._site.layout.log(MEMCACHED)))

    def start_apis(self, names: Iterable[str]) -> None:
        for name in names:
            ini = self._site.layout.etc / "uwsgi" / f"{name}.ini"
            argv = (self._site.program("uwsgi"), "--ini", str(ini))
            environment = wsgi_environment(self._site, name)
            self._processes.start(Daemon(name, argv, self._site.layout.log(name), environment))

    def wait_apis(self, names: Iterable[str]) -> None:
        for name in names:
            port = self._site.ports[name]
            self._processes.wait_ready(
                name,
                partial(answers, port),
                timeout=START_TIMEOUT,
                what=f"{name} to answer on port {port}",
            )

    def start_workers(self) -> None:
        """Start the scheduler, and the conductor of each cell; the first serves the API too."""
        layout = self._site.layout
        for cell in self._site.cells:
            self._start_worker(cell.conductor, CONDUCTOR, layout.conductor_conf(cell))
        self._start_worker(SCHEDULER, SCHEDULER, layout.nova_conf)

    def start_neutron_rpc(self) -> None:
        """What agents report to; started only when there are agents."""
        conf = self._site.layout.etc / "neutron" / "neutron.conf"
        self._start_worker(NEUTRON_RPC, NEUTRON_RPC, conf)

    def _start_worker(self, name: str, program: str, conf: Path) -> None:
        argv = (self._site.program(program), "--config-file", str(conf))
        self._processes.start(Daemon(name, argv, self._site.layout.log(name)))


def answers(port: int) -> bool:
    """True when `GET /` is answered by the application, whatever it has to say about it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
