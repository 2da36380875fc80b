# SPDX-License-Identifier: Apache-2.0
"""The clients of one run, and what several of them say of a consumer of allocations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from nova_decom.clients.access import LiveAccess
from nova_decom.clients.host.ssh import Remote, StopCommand
from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.openstack.compute import Compute
from nova_decom.clients.openstack.network import Network
from nova_decom.clients.openstack.placement import Placement
from nova_decom.model.cloud import Allocation, Owner, owner_of
from nova_decom.model.snapshot import CloudSnapshot, grouped

#: So few providers are read by a request each; more, by one request for all of the cloud unless
#: they are few of it: its answer grows with the cloud.
FEW = 4
REQUESTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Clients:
    """One client for each system; ``databases`` is None when none is configured."""

    compute: Compute
    placement: Placement
    network: Network
    databases: NovaDatabases | None
    remote: Remote
    access: LiveAccess
    stop_command: StopCommand | None = None
    #: The ids of the projects of a name.
    projects: Callable[[str], tuple[str, ...]] = lambda _name: ()
    #: The properties of an image.
    image: Callable[[str], Mapping[str, str]] = lambda _image: {}

    def sender(self, service: str) -> Compute | Placement | LiveAccess:
        """The client that sends requests to this service."""
        ours: dict[str, Compute | Placement] = {
            "compute": self.compute,
            "placement": self.placement,
        }
        return ours.get(service, self.access)

    @property
    def all_cells(self) -> NovaDatabases | None:
        """The databases, where they are those of all cells."""
        databases = self.databases
        return databases if databases is not None and databases.api is not None else None

    def owners_of(self, uuids: Collection[str]) -> dict[str, frozenset[str]]:
        """The hosts that have compute nodes with these uuids, in any cell that can be read."""
        if self.all_cells is not None:
            rows = self.all_cells.compute_nodes(uuids)
            pairs = [(r.uuid, r.host) for r in rows if r.uuid and r.host]
        else:
            pairs = [(n.uuid, n.host) for n in self.compute.compute_nodes()]
        found = grouped(pairs)
        return {uuid: frozenset(found.get(uuid, ())) for uuid in uuids}


def with_owner(
    allocation: Allocation, host: str, view: CloudSnapshot, clients: Clients
) -> Allocation:
    """The allocation with its owner; nova is asked only if the readings do not show it."""
    consumer = allocation.consumer
    if any(s.id == consumer for s in view.servers_of.get(host, ())):
        return replace(allocation, owner=Owner.HERE)
    migration = next((m for m in view.migrations if m.uuid == consumer), None)
    if migration is not None:
        return replace(allocation, owner=Owner.MIGRATION if migration.is_over else Owner.HERE)
    if any(m.server == consumer and not m.is_over for m in view.migrations):
        return replace(allocation, owner=Owner.HERE)
    server = clients.compute.server(consumer)
    if server is None:
        is_novas = clients.placement.is_novas(consumer)
        return replace(allocation, owner=Owner.NOTHING if is_novas else Owner.FOREIGN)
    task = f", {server.task_state}" if server.task_state else ""
    text = f"{server.name!r} {server.status}{task}"
    return replace(allocation, owner=owner_of(server, host), server=text)


def read_allocations(
    host_of: Mapping[str, str], view: CloudSnapshot, clients: Clients
) -> dict[str, list[Allocation]]:
    """The allocations of these providers with their owners.

    ``host_of`` names the host of each provider. A provider that placement does not know is left
    out. Placement has no list of the allocations of several providers. Where many are asked for,
    one request tells which are unused; the others are read side by side, one request for each.
    """
    placement, held = clients.placement, dict[str, tuple[Allocation, ...] | None]()
    if len(host_of) > max(FEW, len(view.providers) // 20):
        held = dict.fromkeys(placement.unused() & host_of.keys(), ())
    used = [uuid for uuid in host_of if uuid not in held]
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        held |= dict(zip(used, pool.map(placement.allocations, used), strict=True))
    return {
        uuid: [with_owner(a, host_of[uuid], view, clients) for a in allocations]
        for uuid in host_of
        if (allocations := held[uuid]) is not None
    }
