# SPDX-License-Identifier: Apache-2.0
"""The lab, with the hosts of a whole module started together: a start takes seven seconds."""

from collections.abc import Iterator, Sequence

import pytest

from tests.cli.conftest import Hosts, client, decom, lab, snapshot
from tests.lab import Lab
from tests.scenarios import states
from tests.scenarios.clean import neighbours
from tests.scenarios.registry import Scenario

__all__ = ["client", "decom", "lab", "snapshot"]


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if _scenario_of(item):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="module", autouse=True)
def _neighbours(request: pytest.FixtureRequest) -> Iterator[None]:
    """A server on the neighbour in each cell, whose every record must stay as it is."""
    if not any(_scenario_of(item) for item in _items_of(request)):
        yield
        return
    lab: Lab = request.getfixturevalue("lab")
    states.no_quota(lab)
    servers = [id_ for host in neighbours(lab) for id_ in lab.create_servers(1, on=host.name)]
    yield
    lab.delete_servers(*servers)


@pytest.fixture(scope="module")
def hosts(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Hosts]:
    """The hosts of all scenarios of the module; no trace of them stays."""
    told = _hosts_of(_items_of(request))
    names = list(told)
    made = Hosts(lab)
    states.forget(lab, names)
    for name, scenario in told.items():
        cell = "cell2" if name.endswith("-cell2") else None
        made.start(name, cell=cell, conf=scenario.conf, wait=False)
    # All have begun: they are waited for together.
    lab.start_compute(*names)
    yield made
    states.forget(lab, names)
    made.purge()


@pytest.fixture
def host(request: pytest.FixtureRequest, hosts: Hosts) -> str:  # noqa: ARG001
    """The scenario's host, up and empty."""
    told = _scenario_of(request.node)
    assert told is not None
    return told.hosts[0]


def _items_of(request: pytest.FixtureRequest) -> list[pytest.Item]:
    return [item for item in request.session.items if item.path == request.path]


def _hosts_of(items: Sequence[pytest.Item]) -> dict[str, Scenario]:
    return {h: s for i in items if (s := _scenario_of(i)) for h in s.hosts}


def _scenario_of(item: pytest.Item) -> Scenario | None:
    return getattr(getattr(item, "function", None), "scenario", None)
