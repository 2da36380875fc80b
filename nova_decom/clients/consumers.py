# SPDX-License-Identifier: Apache-2.0
"""The clients of one run, and what they tell of a consumer of allocations."""

from __future__ import annotations

from dataclasses import dataclass

from nova_decom.clients.host.ssh import Remote, StopCommand
from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.openstack.compute import Compute
from nova_decom.clients.openstack.network import Network
from nova_decom.clients.openstack.placement import Placement
from nova_decom.model.cloud import Owner
from nova_decom.model.snapshot import CloudSnapshot


@dataclass(frozen=True, slots=True)
class Clients:
    """One client for each system; ``databases`` is None when none is configured."""

    compute: Compute
    placement: Placement
    network: Network
    databases: NovaDatabases | None
    remote: Remote
    stop_command: StopCommand | None = None


def owner_of(consumer: str, host: str, view: CloudSnapshot, clients: Clients) -> Owner:
    """The owner of an allocation on the host: nova is asked only for those not plainly here."""
    if any(s.id == consumer for s in view.servers_of.get(host, ())):
        return Owner.HERE
    migration = next((m for m in view.migrations if m.uuid == consumer), None)
    if migration is not None:
        return Owner.MIGRATION if migration.is_over else Owner.HERE
    if any(m.server == consumer and not m.is_over for m in view.migrations):
        return Owner.HERE
    server = clients.compute.server(consumer)
    if server is not None:
        # Without a host it is being scheduled, unless it was shelved away.
        on_its_way = not server.host and server.status != "SHELVED_OFFLOADED"
        return Owner.HERE if server.host == host or on_its_way else Owner.ELSEWHERE
    is_novas = clients.placement.is_novas(consumer)
    return Owner.NOTHING if is_novas else Owner.FOREIGN
