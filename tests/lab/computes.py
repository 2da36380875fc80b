# SPDX-License-Identifier: Apache-2.0
"""The compute hosts: a directory, a configuration and a nova-compute each."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab import config
from tests.lab.cells import FIRST, Cell
from tests.lab.discovery import discovery
from tests.lab.errors import LabError
from tests.lab.layout import Site
from tests.lab.mariadb import MariaDB
from tests.lab.processes import Daemon, Processes

UP_TIMEOUT = 120.0
DEFAULT_UNIT = "nova-compute.service"
Heartbeats = Mapping[tuple[Cell, str], tuple[int, int]]
"""Cell and host -> id and report count of its live compute service."""


@dataclass(frozen=True)
class Host:
    """A machine of the lab, running or not."""

    name: str
    directory: Path
    index: int
    address: str
    cell: Cell

    @property
    def compute(self) -> str:
        """The name of its nova-compute among the processes."""
        return f"compute-{self.name}"

    @property
    def sshd(self) -> str:
        return f"sshd-{self.name}"

    @property
    def state(self) -> Path:
        """nova's state_path, where nova keeps this machine's identity (compute_id)."""
        return self.directory / "state"

    @property
    def conf(self) -> Path:
        """What its nova-compute is configured with beyond the others, if it is."""
        return self.directory / "further.conf"

    @property
    def busy(self) -> Path:
        """While it exists, the hypervisor ends no build and no shutdown of nova-compute."""
        return self.state / "busy"

    @property
    def stop_timeout(self) -> Path:
        """If it exists: the seconds after which a stop kills (TimeoutStopSec of systemd)."""
        return self.directory / "stop_timeout"

    @property
    def bin(self) -> Path:
        return self.directory / "bin"

    @property
    def host_key(self) -> Path:
        return self.directory / "ssh_host_ed25519_key"

    @property
    def service(self) -> Path:
        """The Daemon to start, for the host's systemctl."""
        return self.directory / "service.json"

    @property
    def units(self) -> Path:
        return self.directory / "units"

    @property
    def unit_state(self) -> Path:
        return self.directory / "unit_state"


class Hosts:
    """The hosts a lab has, from their directories."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def all(self) -> list[Host]:
        return sorted(
            (self._load(path.parent) for path in self._site.layout.hosts.glob("*/host.json")),
            key=lambda host: host.index,
        )

    def get(self, name: str) -> Host | None:
        return next((host for host in self.all() if host.name == name), None)

    def ensure(self, name: str, cell: str | None = None, conf: str = "") -> Host:
        """The host of this name, created if need be: in `cell`, else in the first.

        `conf` are sections that its nova-compute reads last, kept for later starts.

        :raises LabError: the host is in another cell.
        """
        host = self.get(name)
        if host is None:
            host = self._create(name, self._site.cell(cell) if cell else FIRST)
        elif cell not in {None, host.cell.name}:
            raise LabError(f"host {name} is in {host.cell.name}, not in {cell}")
        if conf:
            host.conf.write_text(conf)
        self._write_files(host)
        return host

    def assign(self, host: Host, cell: str) -> None:
        """Let the next nova-compute of the host be one of `cell`."""
        self._save(host.directory, host.index, self._site.cell(cell))
        self._write_files(self._load(host.directory))

    def _create(self, name: str, cell: Cell) -> Host:
        directory = self._site.layout.host(name)
        directory.mkdir(parents=True)
        index = 1 + max((host.index for host in self.all()), default=0)
        self._save(directory, index, cell)
        host = self._load(directory)
        host.units.write_text(f"{DEFAULT_UNIT}\n")
        host.unit_state.write_text("enabled\n")
        return host

    def _save(self, directory: Path, index: int, cell: Cell) -> None:
        content = json.dumps({"index": index, "cell": cell.number})
        (directory / "host.json").write_text(content)

    def _load(self, directory: Path) -> Host:
        content = json.loads((directory / "host.json").read_text())
        index, cell = content["index"], Cell(content.get("cell", 1))
        return Host(directory.name, directory, index, self._site.address(index), cell)

    def _write_files(self, host: Host) -> None:
        site = self._site
        host.state.mkdir(exist_ok=True)
        own = host.directory / "nova-compute.conf"
        further = host.conf.read_text() if host.conf.exists() else ""
        own.write_text(config.ini(config.compute(host.name, host.address, host.state)) + further)
        argv = (
            site.program("nova-compute"),
            "--config-file", str(site.layout.compute_conf(host.cell)),
            "--config-file", str(own),
        )  # fmt: skip
        daemon = Daemon(host.compute, argv, site.layout.log(host.compute))
        host.service.write_text(daemon.to_json())


class Computes:
    def __init__(self, site: Site, processes: Processes, mariadb: MariaDB) -> None:
        self._site = site
        self._processes = processes
        self._mariadb = mariadb

    def start(self, hosts: Iterable[Host]) -> None:
        for host in hosts:
            host.unit_state.write_text("enabled\n")
            self._processes.start(Daemon.from_json(host.service.read_text()))

    def stop(self, hosts: Iterable[Host]) -> None:
        self._processes.stop(*(host.compute for host in hosts))

    def wipe(self, host: Host) -> None:
        """The next start is that of a new machine of this name."""
        self.stop([host])
        shutil.rmtree(host.state, ignore_errors=True)
        host.state.mkdir()

    def discover(self) -> None:
        discovery(self._site).map("nodes")

    def heartbeats(self) -> Heartbeats:
        """The heartbeats of all live compute services."""
        return {
            (cell, host): (id_, count)
            for cell in self._site.cells
            for host, id_, count in self._rows(
                cell,
                "SELECT host, id, report_count FROM services"
                " WHERE `binary` = 'nova-compute' AND deleted = 0",
            )
        }

    def wait_up(self, hosts: Iterable[Host], before: Heartbeats) -> None:
        """Wait until each has a beating service, a mapping, and a provider with inventory.

        `before` are the heartbeats from before the start.
        """
        hosts = list(hosts)
        for host in hosts:
            self._wait(host, f"{host.name} to report", partial(self._reports, host, before))
        for host in hosts:
            self._wait(host, f"{host.name} to have a compute node", partial(self._node, host))
        self._map(hosts)
        for host in hosts:
            what = f"{host.name} to have a resource provider of its own, with inventory"
            self._wait(host, what, partial(self._inventory, host))

    def _map(self, hosts: Iterable[Host]) -> None:
        """Discover hosts that have no mapping; by service those whose node claims to have one."""
        for by in ("nodes", "services"):
            mapped = self._rows(
                FIRST,
                "SELECT c.name, h.host FROM nova_api.host_mappings h"
                " JOIN nova_api.cell_mappings c ON c.id = h.cell_id",
            )
            if {(host.cell.name, host.name) for host in hosts} <= set(mapped):
                return
            discovery(self._site).map(by)

    def _wait(self, host: Host, what: str, check: Callable[[], bool]) -> None:
        self._processes.wait_ready(host.compute, check, timeout=UP_TIMEOUT, what=what)

    def _reports(self, host: Host, before: Heartbeats) -> bool:
        beat = self.heartbeats().get((host.cell, host.name))
        old = before.get((host.cell, host.name))
        return beat is not None and (old is None or beat[0] != old[0] or beat[1] > old[1])

    def _node(self, host: Host) -> bool:
        rows = self._rows(host.cell, "SELECT host FROM compute_nodes WHERE deleted = 0")
        return host.name in {name for (name,) in rows}

    def _inventory(self, host: Host) -> bool:
        rows = self._rows(
            host.cell,
            "SELECT DISTINCT n.host FROM compute_nodes n"
            " JOIN placement.resource_providers p ON p.uuid = n.uuid"
            " JOIN placement.inventories i ON i.resource_provider_id = p.id WHERE n.deleted = 0",
        )
        return host.name in {name for (name,) in rows}

    def _rows(self, cell: Cell, query: str) -> list[tuple[Any, ...]]:
        """Names are compared by the caller: the databases' collation ignores case."""
        with self._mariadb.connect(cell.database) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
