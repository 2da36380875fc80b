# SPDX-License-Identifier: Apache-2.0
"""The lab of the command line's tests, with servers of this directory's own."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import client, decom, hosts, lab, snapshot
from tests.lab import Lab
from tests.moving.servers import Fleet
from tests.scenarios import states

__all__ = ["client", "decom", "hosts", "lab", "snapshot"]


@pytest.fixture
def fleet(lab: Lab) -> Iterator[Fleet]:
    """Boots servers in any state, and deletes them wherever they are afterwards."""
    states.no_quota(lab)
    made = Fleet(lab)
    yield made
    made.delete()


@pytest.fixture(scope="session")
def cinder(lab: Lab) -> Iterator[None]:
    """Cinder beside the nova that runs."""
    lab.extras.start("cinder")
    yield
    lab.extras.remove("cinder")
