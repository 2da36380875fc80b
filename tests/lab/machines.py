# SPDX-License-Identifier: Apache-2.0
"""Hosts as machines: their files, their sshd, and the client's files that name them all."""

import shutil
from collections.abc import Mapping

from tests.lab.computes import Host, Hosts
from tests.lab.layout import Site
from tests.lab.processes import Processes
from tests.lab.sshd import SSH
from tests.lab.template import locked


class Machines:
    def __init__(self, site: Site, processes: Processes) -> None:
        self._root = site.layout.root
        self._hosts = Hosts(site)
        self._processes = processes
        self._ssh = SSH(site, processes)

    def create(self, cells: Mapping[str, str | None], conf: str = "") -> list[Host]:
        """The hosts, each with its sshd; `cells` are host -> name of the cell of a new one."""
        with locked(self._root, "hosts"):
            machines = [self._hosts.ensure(name, cell, conf) for name, cell in cells.items()]
            for machine in machines:
                self._ssh.start(machine)
            self._ssh.write_client_files(self._hosts.all())
        return machines

    def remove(self, machine: Host) -> None:
        with locked(self._root, "hosts"):
            self._processes.stop(machine.sshd)
            shutil.rmtree(machine.directory)
            self._ssh.write_client_files(self._hosts.all())
