# SPDX-License-Identifier: Apache-2.0
"""Reads what moves depend on: capacity elsewhere, server groups, ports, shares, the release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nova_decom.clients.consumers import Clients
from nova_decom.model.cloud import HostCapacity, Port, ServerGroup
from nova_decom.model.nova_version import NovaVersion, release_of
from nova_decom.model.snapshot import CloudSnapshot


class Destinations:
    """The reader of these, for all hosts; it asks for the shares of a server once in a run."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._has_share: dict[str, bool] = {}
        self._ports_of: dict[str, tuple[Port, ...]] = {}

    def read(self, hosts: Sequence[str], view: CloudSnapshot) -> dict[str, Any]:
        """The values of a snapshot for the servers of these hosts, by the names of its fields."""
        return {
            "rooms": self._rooms(view),
            "groups": tuple(self._with_hosts(g, view) for g in self._groups()),
            "nova": self._version(),
            "ports": self._ports(hosts),
            "with_shares": self._with_shares(hosts, view),
        }

    def _rooms(self, view: CloudSnapshot) -> tuple[HostCapacity, ...]:
        free, cells = self._clients.placement.free(), self._clients.all_cells
        nodes = cells.compute_nodes(free) if cells else view.compute_nodes
        host_of = {n.uuid: n.host for n in nodes if n.host}
        return tuple(HostCapacity(host_of[u], tuple(r)) for u, r in free.items() if u in host_of)

    def _groups(self) -> tuple[ServerGroup, ...]:
        return self._clients.compute.server_groups()

    def _with_hosts(self, group: ServerGroup, view: CloudSnapshot) -> ServerGroup:
        """The group with the hosts of its members, where a server that leaves is kept apart."""
        known = {s.id: s.host for s in view.servers}
        if group.policy != "anti-affinity" or not known.keys() & set(group.members):
            return group
        read = (self._clients.compute.server(m) for m in group.members if m not in known)
        known |= {server.id: server.host for server in read if server is not None}
        hosts = ((member, known.get(member, "")) for member in group.members)
        return replace(group, hosts=tuple(pair for pair in hosts if pair[1]))

    def _version(self) -> NovaVersion:
        cells = self._clients.all_cells
        release = release_of(self._clients.compute.newest_microversion())
        return NovaVersion(release, cells.oldest_compute() if cells else None)

    def _ports(self, hosts: Sequence[str]) -> tuple[Port, ...]:
        """The ports of the servers: one list for each host."""
        network = self._clients.network
        if network.available():
            self._ports_of |= {host: network.ports(host) for host in hosts}
        return tuple(p for ports in self._ports_of.values() for p in ports)

    def _with_shares(self, hosts: Sequence[str], view: CloudSnapshot) -> frozenset[str]:
        """The servers with shares: one request for each server, in a cloud with manila only."""
        compute = self._clients.compute
        servers = [s.id for h in hosts for s in view.servers_of[h]]
        if servers and compute.may_have_shares():
            new = (s for s in servers if s not in self._has_share)
            self._has_share |= {server: compute.has_share(server) for server in new}
        return frozenset(s for s, has_share in self._has_share.items() if has_share)
