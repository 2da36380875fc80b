# SPDX-License-Identifier: Apache-2.0
"""What a service beside nova's own needs, and where it is put."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tests.lab.layout import FIRST_PORT, LAST_PORT, Site, next_free
from tests.lab.mariadb import MariaDB
from tests.lab.processes import Daemon, Processes
from tests.lab.releases import DEFAULT_RELEASE, RELEASES
from tests.lab.template import ensure_packages

if TYPE_CHECKING:
    from openstack.connection import Connection

NEWEST = RELEASES[DEFAULT_RELEASE]


@dataclass(frozen=True)
class Place:
    """Where an extra runs: its lab, its files and its port."""

    site: Site
    processes: Processes
    mariadb: MariaDB
    connect: Callable[[], "Connection"]
    name: str

    @property
    def etc(self) -> Path:
        return self.site.layout.etc / self.name

    @property
    def data(self) -> Path:
        return self.site.layout.data / self.name

    @property
    def venv(self) -> Path:
        """An extra is of the newest release, beside a nova of any."""
        return self.site.layout.cache(NEWEST) / f"venv-{self.name}"

    @property
    def schema(self) -> Path:
        """The database of a service that has begun nothing yet, as SQL."""
        return self.site.layout.cache(NEWEST) / f"schema-{self.name}.sql"

    @cached_property
    def port(self) -> int:
        """The port of its API; a lab that goes on keeps it."""
        file = self.etc / "port"
        if not file.exists():
            seed = hashlib.sha256(f"{self.site.layout.root} {self.name}".encode()).digest()
            first = FIRST_PORT + int.from_bytes(seed[:4]) % (LAST_PORT - FIRST_PORT)
            self.etc.mkdir(parents=True, exist_ok=True)
            file.write_text(str(next_free(first)))
        return int(file.read_text())

    def program(self, name: str) -> str:
        return str(self.venv / "bin" / name)

    def daemon(self, name: str, *argv: str, **environment: str) -> Daemon:
        """A process of the extra's own environment."""
        program, *arguments = argv
        log = self.site.layout.log(name)
        return Daemon(name, (self.program(program), *arguments), log, environment)


class Extra(ABC):
    """A service that `up --with` adds to a lab that runs, and that `remove` takes away."""

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    """From PyPI, into an environment of its own."""

    def start(self, place: Place) -> None:
        """Start what of it does not run."""
        if self.packages:
            ensure_packages(place.venv, NEWEST, self.packages)
        self.bring_up(place)

    @abstractmethod
    def bring_up(self, place: Place) -> None:
        """Write the configuration and start the processes."""

    @abstractmethod
    def remove(self, place: Place) -> None:
        """Stop it, and leave nothing of it in the catalogue and in the databases."""
