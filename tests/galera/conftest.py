# SPDX-License-Identifier: Apache-2.0
"""One cluster for all tests; each begins with three nodes and empty tables."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.database.conftest import Nova
from tests.database.proxy import Proxy
from tests.database.rows import ApiRows, CellRows
from tests.database.servers.products import MariaDB
from tests.database.servers.versions import VERSIONS
from tests.galera.cluster import Cluster, Node


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.database)


@pytest.fixture(scope="session")
def running(request) -> Iterator[Cluster]:
    version = VERSIONS[request.config.getoption("--server")]
    if not isinstance(version.product, MariaDB):
        raise pytest.UsageError(f"{version.name} has no Galera: --server must name a MariaDB")
    # Not below pytest's own directory, which the user mysql cannot enter.
    directory = Path(tempfile.mkdtemp(prefix="galera-"))
    directory.chmod(0o755)
    cluster = Cluster(directory, version)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def cluster(running) -> Cluster:
    running.heal()
    return running


@pytest.fixture
def through(cluster) -> Iterator[list[Nova]]:
    """Nova's databases as seen through each node; node1 is to go, node2 is its neighbour."""
    novas = [_nova(node) for node in cluster.nodes]
    first = novas[0]
    first.api.cell("cell1", cluster.nodes[0].url("nova"))
    first.cell.host("node2")
    _, node = first.cell.host("node1")
    first.cell.pci_device(node)
    yield novas
    for nova in novas:
        nova.close()


def _nova(node: Node) -> Nova:
    connection = node.connect(wsrep_sync_wait=1)
    api, cell = ApiRows(connection, "nova_api"), CellRows(connection, "nova")
    return Nova(node, api, cell, cell, cell)  # type: ignore[arg-type]


@pytest.fixture
def address(cluster) -> Iterator[Proxy]:
    """An address before the nodes, as a load balancer has it; the first one to begin with."""
    with Proxy(cluster.nodes[0].port) as proxy:
        yield proxy
