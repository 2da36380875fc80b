# SPDX-License-Identifier: Apache-2.0
"""The requests and statements of the commands, and that they do not grow with the hosts.

As ``python -m tests.bench growth`` measures them, for clouds small enough for a test.
"""

import pytest

from tests.bench.growth import COMMANDS, site

SMALL, LARGE = 20, 300
#: Requests and statements of each command that only looks, for any number of empty hosts.
LOOKS = {
    "list": (8, 82),
    "plan": (8, 82),
    "audit": (8, 28),
    "plan --match": (9, 82),
}
#: Of a removal, for each of few hosts.
EACH = 25


@pytest.fixture(scope="module")
def crowded(server, tmp_path_factory):
    with site(server, tmp_path_factory.mktemp("growth")) as here:
        yield here


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_looking_costs_the_same_for_any_number_of_hosts(crowded, count):
    """None of them has servers, whose list has pages."""
    crowded.cloud.hosts(count)

    found = {}
    for name in LOOKS:
        cost, document = crowded.cost(COMMANDS[name])
        found[name] = (cost.requests, cost.statements)
        if name != "audit":
            hosts = {host["host"] for host in document["hosts"]} - {"first"}
            assert len(hosts) == count
    assert found == LOOKS


def test_a_removal_has_a_bound_for_each_host(crowded):
    """Hosts that go together share what they read."""
    crowded.cloud.hosts(SMALL)

    cost, document = crowded.cost(COMMANDS["remove"])

    assert [host["result"] for host in document["hosts"]] == ["removed"] * SMALL
    assert cost.requests <= EACH * SMALL
