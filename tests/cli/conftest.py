# SPDX-License-Identifier: Apache-2.0
"""The real command line on a real Nova: one lab for all, hosts of their own for each story."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from tests.cli.client import Client
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.rabbitmq_api import RabbitMQ

CHECKOUT = Path(__file__).parents[2]
PERMANENT = ("node1", "node2")


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Iterator[Lab]:
    """The lab with node1 and node2; one that ran before goes on running afterwards."""
    lab = Lab(Path(os.environ.get("NOVA_DECOM_LAB", CHECKOUT / ".lab")))
    ran_before = bool(lab.processes.running())
    lab.up(pytestconfig.getoption("release"), PERMANENT)
    yield lab
    if not ran_before:
        lab.down()


@pytest.fixture
def decom(lab: Lab, tmp_path: Path) -> NovaDecom:
    """The command line, with a state directory of the test's own."""
    return NovaDecom(lab, tmp_path / "state")


@pytest.fixture
def client(lab: Lab) -> Client:
    """The openstack client of the lab's administrator."""
    return Client(lab)


@pytest.fixture
def app(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """The program inside this process, on the lab."""
    for name, value in lab.env().items():
        monkeypatch.setenv(name, value)
    given = GivenOptions()
    given.put("state_dir", str(tmp_path), 2)
    return Context(given)


@pytest.fixture
def hosts(lab: Lab) -> Iterator["Hosts"]:
    """Makes hosts that nobody else uses, and takes every trace of them away afterwards."""
    made = Hosts(lab)
    yield made
    made.purge()


@pytest.fixture
def snapshot(lab: Lab) -> Snapshot:
    return Snapshot(lab)


@pytest.fixture
def rabbit(lab: Lab) -> RabbitMQ:
    """The broker, with a user that has the rights of the documentation."""
    rabbit = RabbitMQ(lab.site)
    rabbit.add_user()
    return rabbit


class Hosts:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._names: list[str] = []
        self._before = self._servers()

    def start(
        self, *names: str, cell: str | None = None, conf: str = "", wait: bool = True
    ) -> None:
        """New hosts: in ``cell``, else in the first one; with ``wait``, ready to take servers.

        ``conf`` are the sections that their nova-compute reads last.
        """
        self._names += names
        self._lab.start_compute(*names, cell=cell, conf=conf, wait=wait)

    def directory(self, name: str) -> Path:
        """Where the lab keeps the host: its units, its nova-compute's state."""
        host = self._lab.hosts.get(name)
        assert host is not None
        return host.directory

    def purge(self) -> None:
        """Take the hosts away, and before it what a test left on other hosts."""
        left = self._servers() - self._before
        self._lab.delete_servers(*(uuid for uuid, host in left if host not in self._names))
        for name in self._names:
            self._lab.purge_host(name)

    def _servers(self) -> set[tuple[str, str]]:
        """Uuid and host of each server of cell1."""
        return set(
            self._lab.cell_sql("cell1", "SELECT uuid, host FROM instances WHERE deleted = 0")
        )
