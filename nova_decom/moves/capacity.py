# SPDX-License-Identifier: Apache-2.0
"""Whether the hosts that stay can hold the servers that leave, by placement's own numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from nova_decom.model.cloud import HostCapacity, Server
from nova_decom.model.host import HostFacts

SCOPE = "aggregate_instance_extra_specs:"
MEMORY = "MEMORY_MB"
Resources = dict[str, int]


def candidates(facts: HostFacts) -> tuple[str, ...]:
    """The hosts that may take servers of this one: enabled, up, in its availability zone.

    Only the target, when one is named.
    """
    service, target = facts.service, facts.request.target
    return tuple(
        s.host
        for s in facts.fleet.services
        if s.takes_servers
        and s.host != facts.host
        and s.host not in facts.request.leaving
        and (service is None or s.zone == service.zone)
        and target in {None, s.host}
    )


def unplaceable(facts: HostFacts, servers: Collection[Server]) -> tuple[Server, ...]:
    """The servers for which there is no room left when the larger ones have taken theirs."""
    return _packed(facts, servers)[0]


def reserve_capacity(hosts: Sequence[HostFacts]) -> tuple[HostFacts, ...]:
    """Each host with the room that the servers of those before it leave."""
    taken: dict[str, Resources] = {}
    shared = []
    for facts in hosts:
        if facts.rooms is None:
            shared.append(facts)
            continue
        rooms = tuple(
            HostCapacity(r.host, tuple(taken.get(r.host, dict(r.free)).items()))
            for r in facts.rooms
        )
        shared.append(replace(facts, rooms=rooms))
        taken |= _packed(shared[-1], facts.servers)[1]
    return tuple(shared)


def _packed(
    facts: HostFacts, servers: Collection[Server]
) -> tuple[tuple[Server, ...], dict[str, Resources]]:
    """The servers that find no room, and what is left of each host that may take them.

    Each takes the host with the most free memory, as the scheduler's weigher does; a packing
    that is better than this one may exist when it is tight.
    """
    may_take = set(candidates(facts))
    rooms = {r.host: dict(r.free) for r in facts.rooms or () if r.host in may_take}
    left = []
    demands = {s.id: demand(facts, s) for s in servers}
    for server in sorted(servers, key=lambda s: demands[s.id].get(MEMORY, 0), reverse=True):
        host = roomiest(rooms, demands[server.id], _allowed(facts, server, rooms))
        if host is None:
            left.append(server)
            continue
        for name, amount in demands[server.id].items():
            if name in rooms[host]:
                rooms[host][name] -= amount
    return tuple(left), rooms


def another_target(facts: HostFacts, server: Server, refused: Collection[str]) -> str | None:
    """A host with room that has not refused the server yet; None when the target was named."""
    if facts.request.target is not None:
        return None
    may_take = set(candidates(facts)) - set(refused)
    rooms = {r.host: dict(r.free) for r in facts.rooms or () if r.host in may_take}
    return roomiest(rooms, demand(facts, server), _allowed(facts, server, rooms))


def demand(facts: HostFacts, server: Server) -> Resources:
    """What the server holds of this host, by resource class."""
    held: Resources = {}
    for allocation in facts.allocations:
        if allocation.consumer == server.id:
            for name, amount in allocation.resources:
                held[name] = held.get(name, 0) + amount
    return held


def roomiest(
    rooms: Mapping[str, Resources], wanted: Resources, hosts: Collection[str]
) -> str | None:
    """The host with the most memory among those that have room for it.

    A class of which a host has no inventory of its own is not its to give (shared storage).
    """
    fitting = [
        host
        for host in hosts
        if all(amount <= rooms[host].get(name, amount) for name, amount in wanted.items())
    ]
    return max(fitting, key=lambda host: (rooms[host].get(MEMORY, 0), host), default=None)


def _allowed(facts: HostFacts, server: Server, hosts: Collection[str]) -> tuple[str, ...]:
    """The hosts whose aggregates have what the flavor asks of them, as far as it is plain."""
    wanted = {
        name.removeprefix(SCOPE): value
        for name, value in server.extra_specs
        if name.startswith(SCOPE) and value.replace("-", "").isalnum()
    }
    if not wanted:
        return tuple(hosts)
    fitting = []
    for host in hosts:
        having = [dict(a.metadata) for a in facts.fleet.aggregates if host in a.hosts]
        if all(any(m.get(k) == v for m in having) for k, v in wanted.items()):
            fitting.append(host)
    return tuple(fitting)
