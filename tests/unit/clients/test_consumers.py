# SPDX-License-Identifier: Apache-2.0
"""The owner of an allocation, by what nova and placement know of its consumer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nova_decom.clients.consumers import Clients, read_allocations, with_owner
from nova_decom.model.cloud import Owner
from nova_decom.model.snapshot import CloudSnapshot
from tests.unit.build import allocation, migration, server

HELD = allocation(consumer="id-of-web")
OF_MIGRATION = allocation(consumer="migration-7")


def owner(held, *, found=None, is_novas=True, **view):
    """The owner that a cloud finds whose API has this server, or none."""
    compute = SimpleNamespace(server=lambda _uuid: found)
    placement = SimpleNamespace(is_novas=lambda _consumer: is_novas)
    clients = Clients(compute, placement, None, None, None, None)
    known = with_owner(held, "node1", CloudSnapshot(**view), clients)
    return known.owner, known.server


@pytest.mark.parametrize(
    ("held", "view", "expected"),
    [
        (HELD, {"servers": (server(),)}, Owner.HERE),
        (OF_MIGRATION, {"migrations": (migration(),)}, Owner.HERE),
        (OF_MIGRATION, {"migrations": (migration(status="done"),)}, Owner.MIGRATION),
        (HELD, {"migrations": (migration(source="node2", destination="node1"),)}, Owner.HERE),
        (HELD, {}, Owner.NOTHING),
        (HELD, {"is_novas": False}, Owner.FOREIGN),
    ],
    ids=["listed", "moving", "moved", "moves to here", "deleted", "not nova's"],
)
def test_the_lists_of_servers_and_migrations_tell_most_owners(held, view, expected):
    """A server that nova does not know is nobody's, or another service's."""
    assert owner(held, **view) == (expected, "")


FLIGHTS = {
    "scheduled": ({"host": "", "status": "BUILD"}, Owner.ARRIVING, "'web' BUILD"),
    "unshelved": (
        {"host": "", "status": "SHELVED_OFFLOADED", "task_state": "unshelving"},
        Owner.ARRIVING,
        "'web' SHELVED_OFFLOADED, unshelving",
    ),
    "elsewhere": ({"host": "node2"}, Owner.ELSEWHERE, "'web' ACTIVE"),
}


@pytest.mark.parametrize(("found", "expected", "text"), FLIGHTS.values(), ids=FLIGHTS)
def test_a_server_that_is_not_listed_on_the_host_is_looked_up(found, expected, text):
    """Placement knows of a claim before nova lists the server on a host."""
    assert owner(HELD, found=server(**found)) == (expected, text)


class Providers:
    """Placement with allocations by provider; the providers of ``full`` trees have no summary."""

    def __init__(self, held, full=()):
        """Nobody asked yet."""
        self.held, self.full, self.asked = held, full, []

    def unused(self):
        """Those that its summaries show without use."""
        self.asked.append("all")
        return frozenset(u for u, held in self.held.items() if held == () and u not in self.full)

    def allocations(self, uuid):
        """Those of one."""
        self.asked.append(uuid)
        return self.held.get(uuid)


def allocations_of(number, placement, providers=()):
    """What is read of so many providers, each of a host of its own."""
    host_of = {f"p{n}": f"node{n}" for n in range(number)}
    view = CloudSnapshot(servers=(server(),), providers=providers)
    return read_allocations(
        host_of, view, Clients(SimpleNamespace(), placement, None, None, None, None)
    )


def test_many_providers_are_read_by_one_request_and_one_for_each_that_is_used():
    """Those that the summaries leave out are not taken for unused, nor for gone."""
    held = {f"p{n}": () for n in range(9)} | {"p1": (HELD,), "p3": None, "other": ()}
    compute = SimpleNamespace(server=lambda _uuid: server(host="node1"))
    placement = Providers(held, full={"p2"})
    clients = Clients(compute, placement, None, None, None, None)

    found = read_allocations({f"p{n}": f"node{n}" for n in range(9)}, CloudSnapshot(), clients)

    assert placement.asked[0] == "all"
    assert sorted(placement.asked[1:]) == ["p1", "p2", "p3"]
    assert list(found) == ["p0", "p1", "p2", "p4", "p5", "p6", "p7", "p8"]
    assert [u for u, allocations in found.items() if allocations] == ["p1"]


@pytest.mark.parametrize(("number", "in_cloud"), [(4, 4), (40, 1000)])
def test_few_providers_are_read_one_by_one(number, in_cloud):
    """Few in number, or few of the cloud: its summaries would cost more."""
    placement = Providers({f"p{n}": () for n in range(number)})

    found = allocations_of(number, placement, providers=tuple(range(in_cloud)))

    assert (len(found), len(placement.asked), "all" in placement.asked) == (number, number, False)
