# SPDX-License-Identifier: Apache-2.0
"""Options of the tests."""

from tests.database.servers.versions import VERSIONS, chosen
from tests.lab.releases import DEFAULT_RELEASE, RELEASES


def pytest_addoption(parser):
    parser.addoption(
        "--server",
        choices=sorted(VERSIONS),
        default=chosen().name,
        help="the database server of tests/database and tests/faults (%(default)s)",
    )
    parser.addoption(
        "--release",
        choices=list(RELEASES),
        default=DEFAULT_RELEASE,
        help="the release of the lab's control plane (%(default)s)",
    )
    parser.addoption(
        "--schemas",
        choices=["some", "all"],
        default="some",
        help="the releases of nova whose schemas tests/database tries (%(default)s)",
    )
