# SPDX-License-Identifier: Apache-2.0
"""States of a host with servers that can all be moved, by name."""

from __future__ import annotations

from nova_decom.model.host import HostFacts
from nova_decom.model.request import Servers
from tests.unit.build import (
    allocation,
    database,
    facts,
    instance_row,
    migration,
    request,
    server,
    service,
)

AUTO = request(servers=Servers.AUTO)


def occupied(*servers, **what) -> HostFacts:
    """A host with these servers, each with its row and its allocation."""
    held = tuple(allocation(consumer=s.id) for s in servers)
    known = {
        "request": AUTO,
        "servers": servers,
        "allocations": held,
        "database": database(instances=tuple(instance_row(s.name) for s in servers)),
    }
    return facts(**known | what)


def dead(*servers, **what) -> HostFacts:
    """The same, when the host is dead and fenced."""
    asked = request(offline=True, **{"servers": Servers.EVACUATE} | what)
    return occupied(*servers, service=service(state="down"), request=asked)


def with_migration(*servers, **what) -> HostFacts:
    """A host with these servers, and one that is between it and another."""
    going = migration(server="id-of-gone", **what)
    held = tuple(allocation(consumer=s.id) for s in servers)
    if going.source == "node1":
        held += (allocation(consumer=going.uuid),)
    rows = database(
        instances=tuple(instance_row(s.name) for s in servers), active_migrations=(going,)
    )
    return occupied(*servers, migrations=(going,), allocations=held, database=rows)


WEB, OFF = server(), server("off", status="SHUTOFF")
BROKEN, LOCKED = server("broken", status="ERROR"), server("locked", locked=True)
MIXED = (
    *(WEB, OFF, LOCKED),
    server("paused", status="PAUSED"),
    server("shelved", status="SHELVED"),
    server("new", status="BUILD"),
)

MOVABLE: dict[str, HostFacts] = {
    "a server, moved alive": occupied(WEB),
    "a server, moved alive, no database": occupied(WEB, database=None),
    "a server, moved with a restart": occupied(WEB, request=request(servers=Servers.COLD)),
    "a server, moved to a target": occupied(
        WEB, request=request(servers=Servers.LIVE, target="node2")
    ),
    "a server that is stopped": occupied(OFF),
    "a server that is paused": occupied(server(status="PAUSED")),
    "a server that is shelved": occupied(server(status="SHELVED")),
    "a server that is being built": occupied(server(status="BUILD")),
    "servers in many states": occupied(*MIXED),
    "more servers than may move at once": occupied(*(server(f"s{n}") for n in range(11))),
    "a server that is on its way out": with_migration(WEB),
    "a server that is on its way in": with_migration(WEB, source="node2", destination="node1"),
    "a cold migration to be confirmed": with_migration(type="migration", status="finished"),
    "dead, with servers": dead(WEB, OFF, BROKEN, LOCKED),
    "dead, with servers to be left stopped": dead(WEB, OFF, leave_stopped=True),
    "dead, with servers, auto": dead(WEB, servers=Servers.AUTO),
}
