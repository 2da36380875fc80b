# SPDX-License-Identifier: Apache-2.0
"""Reads what moves depend on: capacity elsewhere, server groups, ports, shares, the release."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nova_decom.clients.consumers import Clients
from nova_decom.model.cloud import HostCapacity, Port, Server, ServerGroup
from nova_decom.model.nova_version import NovaVersion, release_of
from nova_decom.model.resource_query import ResourceQuery, query_of
from nova_decom.model.snapshot import CloudSnapshot, grouped

#: Image -> its properties.
Properties = Mapping[str, Mapping[str, str]]


class Destinations:
    """The reader of these, for all hosts; it asks for the shares of a server once in a run."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._has_share: dict[str, bool] = {}
        self._hosts_with: dict[ResourceQuery, frozenset[str]] = {}
        self._images: dict[str, Mapping[str, str]] = {}
        self._ports_of: dict[str, tuple[Port, ...]] = {}

    def read(self, hosts: Sequence[str], view: CloudSnapshot) -> dict[str, Any]:
        """The values of a snapshot for the servers of these hosts, by the names of its fields."""
        servers = [s for h in hosts for s in view.servers_of[h]]
        free = self._clients.placement.free()
        host_of = self._hosts_of(view, free)
        images = self._properties({s.image for s in servers if s.image})
        return {
            "rooms": tuple(HostCapacity(host_of[u], tuple(free[u])) for u in free if u in host_of),
            "fitting": self._fitting(servers, view, images),
            "images": images,
            "groups": tuple(self._with_hosts(g, view) for g in self._groups()),
            "nova": self._version(),
            "ports": self._ports(hosts),
            "with_shares": self._with_shares(servers),
        }

    def _hosts_of(self, view: CloudSnapshot, providers: Collection[str]) -> dict[str, str]:
        """Root provider -> its host, by the rows of all cells where they are read."""
        cells = self._clients.all_cells
        nodes = cells.compute_nodes(providers) if cells else view.compute_nodes
        return {n.uuid: n.host for n in nodes if n.host and n.uuid}

    def _properties(self, images: Collection[str]) -> Properties:
        """The properties of images, each read once in a run."""
        self._images |= {i: self._clients.image(i) for i in images if i not in self._images}
        return dict(self._images)

    def _fitting(
        self,
        servers: Sequence[Server],
        view: CloudSnapshot,
        images: Properties,
    ) -> dict[ResourceQuery, frozenset[str]]:
        """The hosts that have what only some hosts have: one request for each such question."""
        held = grouped((a.consumer, a) for a in view.allocations)
        queries = {query_of(s, held.get(s.id, ()), images.get(s.image, {})) for s in servers}
        asked = [q for q in queries if q and q.resources and not q.is_plain]
        found = {q: self._clients.placement.roots_with(q) for q in sorted(asked, key=str)}
        roots = {q: uuids for q, uuids in found.items() if uuids is not None}
        host_of = self._hosts_of(view, frozenset[str]().union(*roots.values())) if roots else {}
        for query, uuids in roots.items():
            self._hosts_with[query] = frozenset(host_of[u] for u in uuids if u in host_of)
        return dict(self._hosts_with)

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

    def _with_shares(self, servers: Sequence[Server]) -> frozenset[str]:
        """The servers with shares: one request for each server, in a cloud with manila only."""
        compute = self._clients.compute
        if servers and compute.may_have_shares():
            new = (s.id for s in servers if s.id not in self._has_share)
            self._has_share |= {server: compute.has_share(server) for server in new}
        return frozenset(s for s, has_share in self._has_share.items() if has_share)
