# SPDX-License-Identifier: Apache-2.0
"""A scripted OpenStack over TCP behind a proxy, with nova's rows in a real MariaDB."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.session import connect
from nova_decom.clock import Clock
from tests.chaos.process import Ended, Site, live
from tests.chaos.shapes import make
from tests.chaos.story import COMMAND, clouds_yaml, prepare
from tests.chaos.truth import Truth, journals
from tests.database.conftest import server  # noqa: F401 - a fixture
from tests.faults.openstack import OpenStack
from tests.faults.proxy import HttpProxy
from tests.faults.serve import serving


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.database)


@dataclass
class Cloud:
    """The cloud, the proxy before it, and the program."""

    site: Site
    openstack: OpenStack
    proxy: HttpProxy
    slept: list[float] = field(default_factory=list)

    def api(self, timeout: float | None = None) -> Api:
        """A connection that only notes how long it would pause."""
        base = f"http://127.0.0.1:{self.proxy.port}"
        (self.site.directory / "clouds.yaml").write_text(clouds_yaml(base, timeout))
        connection = connect("scripted", None, writable=True, version="0")
        return Api(connection, clock=Clock(sleep=self.slept.append))

    def remove(self, *options: str) -> Ended:
        """The whole program, in a process of its own."""
        return live(self.site, [*COMMAND, *options])

    @property
    def writes(self) -> list[str]:
        """The writes that reached a service."""
        return self.truth.state.log

    @property
    def truth(self) -> Truth:
        return Truth.read(self.site)

    @property
    def events(self) -> list[dict]:
        return [event for run in journals(self.site) for event in run]


@pytest.fixture
def cloud(server, tmp_path, monkeypatch) -> Iterator[Cloud]:  # noqa: F811
    for name in ("OS_CLIENT_CONFIG_FILE", "OS_CLOUD", "NOVA_DECOM_API_DB_URL"):
        monkeypatch.setenv(name, "")
    site = Site(server, tmp_path, over_tcp=True)
    prepare(site)
    make(site, "full")
    with server.connect() as connection:
        openstack = OpenStack(connection, site.state)
        with serving(openstack) as port, HttpProxy(port) as proxy:
            openstack.base = f"http://127.0.0.1:{proxy.port}"
            (tmp_path / "clouds.yaml").write_text(clouds_yaml(openstack.base))
            yield Cloud(site, openstack, proxy)


@pytest.fixture
def undisturbed(cloud) -> Callable[[], str]:
    """How the same host ends when nothing happens."""

    def end() -> str:
        cloud.proxy.play()
        make(cloud.site, "full")
        assert cloud.remove().code == 0
        return cloud.truth.comparable()

    return end
