# SPDX-License-Identifier: Apache-2.0
"""Whether the hosts that stay can hold the servers that leave, by placement's own numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from nova_decom.model.cloud import HostCapacity, Server
from nova_decom.model.host import HostFacts
from nova_decom.moves.candidates import candidates, groups_of, hosts_for
from nova_decom.moves.packing import Fit, Need, Packing

MEMORY = "MEMORY_MB"
Resources = dict[str, int]


def unplaceable(facts: HostFacts, servers: Collection[Server]) -> tuple[Server, ...]:
    """The servers for which no capacity is left when the larger ones have taken theirs."""
    return _packed(facts, servers)[0]


def reserve_capacity(hosts: Sequence[HostFacts]) -> tuple[HostFacts, ...]:
    """Each host with the capacity that the servers of the hosts before it leave."""
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
    """The servers that find no capacity, and what is left of each host that may take them.

    Each takes the host with the most free memory, as the scheduler's weigher does; a packing
    that is better than this one may exist when it is tight.
    """
    may_take = set(candidates(facts))
    rooms = {r.host: dict(r.free) for r in facts.rooms or () if r.host in may_take}
    left = []
    demands = {s.id: demand(facts, s) for s in servers}
    groups = {g.members: g for s in servers for g in groups_of(facts, s)}
    for server in sorted(servers, key=lambda s: demands[s.id].get(MEMORY, 0), reverse=True):
        own = [g for g in groups.values() if server.id in g.members]
        host = roomiest(rooms, demands[server.id], hosts_for(facts, server, own))
        if host is None:
            left.append(server)
            continue
        for name, amount in demands[server.id].items():
            if name in rooms[host]:
                rooms[host][name] -= amount
        groups |= {g.members: g.with_member_on(server.id, host) for g in own}
    return tuple(left), rooms


def fit(facts: HostFacts, servers: Collection[Server]) -> Fit:
    """Whether the servers find room on the other hosts, moved in this order."""
    may_take = set(candidates(facts))
    rooms = {r.host: dict(r.free) for r in facts.rooms or () if r.host in may_take}
    apart = [g for g in facts.groups if g.policy == "anti-affinity"]
    members: dict[tuple[int, str], int] = {}
    for number, group in enumerate(apart):
        for _, host in group.hosts:
            members[number, host] = members.get((number, host), 0) + 1
    needs = [
        Need(
            demand(facts, server),
            hosts_for(facts, server, ()),
            tuple(n for n, g in enumerate(apart) if server.id in g.members),
        )
        for server in servers
    ]
    return Packing(rooms, tuple(g.max_per_host for g in apart), members).fit(needs)


def another_target(facts: HostFacts, server: Server, refused: Collection[str]) -> str | None:
    """A host with capacity that has not refused the server yet; None when the target was named."""
    if facts.request.target is not None:
        return None
    rooms = {r.host: dict(r.free) for r in facts.rooms or () if r.host not in refused}
    return roomiest(rooms, demand(facts, server), hosts_for(facts, server))


def has_room(facts: HostFacts, server: Server) -> bool:
    """True when a host that may take the server has room for it alone."""
    rooms = {r.host: dict(r.free) for r in facts.rooms or ()}
    return roomiest(rooms, demand(facts, server), hosts_for(facts, server)) is not None


def demand(facts: HostFacts, server: Server) -> Resources:
    """The resources of this host that are allocated to the server, by resource class."""
    held: Resources = {}
    for allocation in facts.allocations:
        if allocation.consumer == server.id:
            for name, amount in allocation.resources:
                held[name] = held.get(name, 0) + amount
    return held


def roomiest(
    rooms: Mapping[str, Resources], wanted: Resources, hosts: Collection[str]
) -> str | None:
    """The host with the most memory among those of ``hosts`` that have the wanted resources.

    A class of which a host has no inventory of its own is not its to give (shared storage).
    """
    fitting = [
        host
        for host in hosts
        if host in rooms
        and all(amount <= rooms[host].get(name, amount) for name, amount in wanted.items())
    ]
    return max(fitting, key=lambda host: (rooms[host].get(MEMORY, 0), host), default=None)
