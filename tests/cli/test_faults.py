# SPDX-License-Identifier: Apache-2.0
"""A real Nova behind proxies: the most important faults of tests/faults, once more for real."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from nova_decom.model.api_call import ABSENT
from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom, Ran
from tests.cli.snapshot import Snapshot
from tests.database import proxy as mysql
from tests.faults import proxy
from tests.faults.proxy import HttpProxy, Rule
from tests.lab import Lab

#: Changes of an object that there is: requests about none only ask for a right.
PUT, DELETE = f"^PUT (?!.*{ABSENT})", f"^DELETE (?!.*{ABSENT})"
APIS = ("compute", "placement", "network")


class Behind:
    """The program with a proxy before every service and before MariaDB."""

    def __init__(self, lab: Lab, decom: NovaDecom, stack: ExitStack) -> None:
        self._decom = decom
        self._endpoints = lab.site.endpoints
        self.proxies = {name: self._proxy(stack, url) for name, url in self._endpoints.items()}
        self.mariadb = stack.enter_context(mysql.Proxy(lab.site.ports["mariadb"]))
        clouds = yaml.safe_load(lab.clouds_yaml.read_text())
        cloud, section = clouds["clouds"]["lab"], clouds["nova-decom"]
        cloud["auth"]["auth_url"] = self._moved("identity")
        cloud |= {f"{name}_endpoint_override": self._moved(name) for name in APIS}
        was, now = f":{lab.site.ports['mariadb']}/", f":{self.mariadb.port}/"
        section["api_db_url"] = section["api_db_url"].replace(was, now)
        section["cell_db_url"] = [url.replace(was, now) for url in section["cell_db_url"]]
        self._clouds = decom.state_dir.parent / "clouds.yaml"
        self._clouds.write_text(yaml.safe_dump(clouds))

    @staticmethod
    def _proxy(stack: ExitStack, url: str) -> HttpProxy:
        port = urlsplit(url).port
        assert port is not None
        return stack.enter_context(HttpProxy(port))

    def _moved(self, service: str) -> str:
        parts = urlsplit(self._endpoints[service])
        return parts._replace(netloc=f"127.0.0.1:{self.proxies[service].port}").geturl()

    def remove(self, *arguments: str) -> Ran:
        return self._decom.remove(*arguments, OS_CLIENT_CONFIG_FILE=str(self._clouds))


@pytest.fixture
def behind(lab: Lab, decom: NovaDecom, tmp_path: Path) -> Iterator[Behind]:
    tmp_path.mkdir(exist_ok=True)
    with ExitStack() as stack:
        yield Behind(lab, decom, stack)


def test_every_write_loses_its_answer(behind: Behind, hosts: Hosts, snapshot: Snapshot) -> None:
    """Disabled, deleted, committed, and never told so: one run, each thing done once."""
    hosts.start("lost1")
    nova = behind.proxies["compute"].play(
        Rule(PUT, proxy.lose_answer), Rule(DELETE, proxy.lose_answer)
    )
    behind.mariadb.fault = mysql.lose_reply

    ran = behind.remove("lost1")

    assert ran.code == 0, ran.shown
    assert ran.changes("failed") == []
    assert (nova.count(PUT), nova.count(DELETE)) == (1, 1)
    assert snapshot.traces_of("lost1") == set()


def test_a_sick_control_plane(behind: Behind, hosts: Hosts, snapshot: Snapshot) -> None:
    """Everything fails once or twice in its own way, and a token is refused: all is done."""
    hosts.start("sick1")
    behind.proxies["compute"].play(
        Rule("^GET .*os-services", proxy.status(503, Retry_After="1"), nth=2),
        Rule("^GET .*os-aggregates", proxy.truncate),
        Rule("^GET", proxy.status(401), nth=12),
        Rule(PUT, proxy.status(429, Retry_After="1")),
        Rule(DELETE, proxy.reset),
        Rule(DELETE, proxy.status_after(504), nth=2),
    )
    behind.proxies["placement"].play(Rule("^GET", proxy.foreign, nth=2, times=2))
    behind.proxies["network"].play(Rule("^GET", proxy.reset, nth=2))
    behind.proxies["identity"].play(Rule("^POST", proxy.status(503)))
    behind.mariadb.fault = mysql.lose_request

    ran = behind.remove("sick1")

    assert ran.code == 0, ran.shown
    assert ran.changes("failed") == []
    assert snapshot.traces_of("sick1") == set()


def test_nova_that_answers_no_delete(behind: Behind, hosts: Hosts, snapshot: Snapshot) -> None:
    """Exit 1 in nova's own words, nothing deleted; later the same command ends it."""
    hosts.start("stuck1")
    nova = behind.proxies["compute"].play(Rule(DELETE, proxy.status(503), times=99))

    ran = behind.remove("stuck1")

    assert ran.code == 1
    assert "HTTP 503" in ran.host["error"]["message"]
    assert nova.count(DELETE) == 3
    assert snapshot.hosts_in("services").count("stuck1") == 1

    behind.proxies["compute"].play()
    assert behind.remove("stuck1").code == 0
    assert snapshot.traces_of("stuck1") == set()
