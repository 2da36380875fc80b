# SPDX-License-Identifier: Apache-2.0
"""Where everything of a lab is: its files, its ports, its addresses, its URLs."""

import hashlib
import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.cells import FIRST, Cell
from tests.lab.errors import LabError
from tests.lab.releases import Release

PORT_NAMES = (
    "mariadb", "rabbitmq", "rabbitmq_dist", "rabbitmq_api", "epmd", "memcached",
    "keystone", "placement", "glance", "neutron", "nova", "ssh",
)  # fmt: skip
# Below the kernel's own range of outgoing ports (32768 and up), so that nobody is given one of
# ours between two starts; above are those of the tests' database servers.
FIRST_PORT, LAST_PORT = 12000, 24000
HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
"""A host's name is also the name of its directory, unchanged, so two hosts never share one."""

PASSWORDS = {
    name: f"{name}-secret"
    for name in (
        *("admin", "nova", "keystone", "placement", "glance", "neutron", "nova_decom"),
        *("cinder", "masakari", "blazar"),
    )
}
DATABASES = {
    "nova": "nova",
    "nova_api": "nova",
    "nova_cell0": "nova",
    "placement": "placement",
    "neutron": "neutron",
    "keystone": "keystone",
    "glance": "glance",
}
"""Database name -> the MySQL user that owns it, in a lab with one cell."""


@dataclass(frozen=True)
class Layout:
    """The paths of one lab. `run` is the living lab, `cache` outlives it."""

    root: Path
    cache_root: Path

    @classmethod
    def of(cls, root: Path, cache: Path | None = None) -> "Layout":
        """The layout below `root`; the caches too, unless `cache` or the environment tells."""
        root = root.absolute()
        given = cache or os.environ.get("NOVA_DECOM_LAB_CACHE")
        return cls(root, Path(given).absolute() if given else root / "cache")

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def etc(self) -> Path:
        return self.run / "etc"

    @property
    def data(self) -> Path:
        return self.run / "data"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    @property
    def hosts(self) -> Path:
        return self.run / "hosts"

    @property
    def site_file(self) -> Path:
        return self.run / "site.json"

    @property
    def nova_conf(self) -> Path:
        return self.conductor_conf(FIRST)

    @property
    def clouds_yaml(self) -> Path:
        return self.run / "clouds.yaml"

    @property
    def ssh_config(self) -> Path:
        return self.run / "ssh_config"

    @property
    def state_dir(self) -> Path:
        return self.run / "state"

    def cache(self, release: Release) -> Path:
        return self.cache_root / release.number

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def conductor_conf(self, cell: Cell) -> Path:
        """The nova.conf of the cell's controller; the first cell's is the API's too."""
        return self.etc / "nova" / f"nova{cell.suffix}.conf"

    def compute_conf(self, cell: Cell) -> Path:
        """The nova.conf that the cell's compute hosts share."""
        return self.etc / "nova" / f"nova-compute{cell.suffix}.conf"

    def host(self, name: str) -> Path:
        """The directory of a host; a name that could not be one is refused."""
        if not HOST_NAME.fullmatch(name):
            raise LabError(f"not a host name: {name!r}")
        return self.hosts / name


@dataclass(frozen=True)
class Site:
    """One running control plane: a layout, a release, and the ports it was given."""

    layout: Layout
    release: Release
    ports: Mapping[str, int]
    network: int
    """Second octet of the hosts' loopback addresses."""
    cell_count: int = 1

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that can have hosts: all but cell0."""
        return tuple(Cell(number) for number in range(1, self.cell_count + 1))

    def cell(self, name: str) -> Cell:
        """The cell of this name.

        :raises LabError: the lab has no such cell.
        """
        cell = next((cell for cell in self.cells if cell.name == name), None)
        if cell is None:
            raise LabError(f"the lab has no cell {name!r}, only {self._cell_names}")
        return cell

    @property
    def _cell_names(self) -> str:
        return ", ".join(cell.name for cell in self.cells)

    @property
    def venv(self) -> Path:
        return self.layout.cache(self.release) / "venv"

    @property
    def template(self) -> Path:
        """The stopped cloud that a lab with this number of cells begins from."""
        suffix = "" if self.cell_count == 1 else f"-cells{self.cell_count}"
        return self.layout.cache(self.release) / f"template{suffix}"

    @property
    def transport_url(self) -> str:
        """The control plane's, and the first cell's."""
        return self.cell_transport_url(FIRST)

    def cell_transport_url(self, cell: Cell) -> str:
        return f"rabbit://guest:guest@127.0.0.1:{self.ports['rabbitmq']}/{cell.vhost}"

    @property
    def memcached(self) -> str:
        return f"127.0.0.1:{self.ports['memcached']}"

    @property
    def endpoints(self) -> dict[str, str]:
        """Service type -> URL, as the catalog has them."""
        return {
            "identity": self.url("keystone") + "/v3",
            "placement": self.url("placement"),
            "image": self.url("glance"),
            "network": self.url("neutron"),
            "compute": self.url("nova") + "/v2.1",
        }

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def program(self, name: str) -> str:
        return str(self.venv / "bin" / name)

    @property
    def databases(self) -> dict[str, str]:
        """Database name -> the MySQL user that owns it."""
        return DATABASES | {cell.database: "nova" for cell in self.cells}

    def db_url(self, database: str, user: str | None = None) -> str:
        user = user or self.databases[database]
        address = f"127.0.0.1:{self.ports['mariadb']}"
        return f"mysql+pymysql://{user}:{PASSWORDS[user]}@{address}/{database}?charset=utf8mb4"

    def address(self, index: int) -> str:
        """The loopback address of the host with this number, from 1."""
        high, low = divmod(index + 10, 250)
        return f"127.{self.network}.{high}.{low}"

    def save(self) -> None:
        content = {
            "release": self.release.number,
            "ports": dict(self.ports),
            "network": self.network,
            "cells": self.cell_count,
            "cache": str(self.layout.cache_root),
        }
        self.layout.run.mkdir(parents=True, exist_ok=True)
        self.layout.site_file.write_text(json.dumps(content, indent=1))


def load_site(layout: Layout, releases: Mapping[str, Release]) -> Site | None:
    """The site that was saved in this layout, if there is one; it stays with its cache."""
    try:
        content = json.loads(layout.site_file.read_text())
    except FileNotFoundError:
        return None
    if content["ports"].keys() != set(PORT_NAMES):
        return None
    layout = replace(layout, cache_root=Path(content["cache"]))
    release = releases[content["release"]]
    return Site(layout, release, content["ports"], content["network"], content.get("cells", 1))


def new_site(layout: Layout, release: Release, cells: int = 1) -> Site:
    """A site on free ports. Where the search starts depends on the directory, so that labs that
    come up at the same moment do not pick the same ones."""
    seed = int.from_bytes(hashlib.sha256(str(layout.root).encode()).digest()[:4])
    ports: dict[str, int] = {}
    candidate = FIRST_PORT + seed % (LAST_PORT - FIRST_PORT)
    for name in PORT_NAMES:
        candidate = next_free(candidate)
        ports[name] = candidate
        candidate += 1
    return Site(layout, release, ports, network=1 + seed % 250, cell_count=cells)


def ports_free(site: Site) -> bool:
    return all(_is_free(port) for port in site.ports.values())


def next_free(port: int) -> int:
    """The first free port from `port` on."""
    for candidate in range(port, port + 2000):
        if _is_free(candidate):
            return candidate
    raise LabError(f"no free port from {port} on")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
