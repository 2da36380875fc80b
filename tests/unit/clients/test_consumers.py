# SPDX-License-Identifier: Apache-2.0
"""The owner of an allocation, by what nova and placement know of its consumer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nova_decom.clients.consumers import Clients, with_owner
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
