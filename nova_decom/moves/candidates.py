# SPDX-License-Identifier: Apache-2.0
"""Hosts that may take a server: by state, availability zone, server group and aggregates.

The rules are those of nova's scheduler that its API shows; what only the scheduler knows is not
judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nova_decom.model.cloud import ComputeService, Server, ServerGroup
from nova_decom.model.host import HostFacts
from nova_decom.model.resource_query import UNKNOWN_TO_PLACEMENT, ResourceQuery, query_of

SCOPE = "aggregate_instance_extra_specs:"


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """The reason why no host may take a server, and the cure."""

    text: str
    remedy: str


def candidates(facts: HostFacts) -> tuple[str, ...]:
    """The hosts that may take servers of this one: enabled, up, and not leaving in this run.

    Only the target, when one is named.
    """
    return tuple(s.host for s in _services(facts))


def hosts_for(
    facts: HostFacts, server: Server, groups: Collection[ServerGroup] | None = None
) -> tuple[str, ...]:
    """The candidates that may take this server; ``groups`` are its groups, moved members in it."""
    groups = groups_of(facts, server) if groups is None else groups
    query = query_for(facts, server)
    fitting = facts.fitting.get(query) if query else None
    return tuple(
        host
        for host in _in_zone(facts, server)
        if (fitting is None or host in fitting)
        and not any(_keeps_off(group, server, host) for group in groups)
        and _has_aggregates(facts, server, host)
    )


def query_for(facts: HostFacts, server: Server) -> ResourceQuery | None:
    """The question to placement for this server; None where it cannot be judged by one."""
    return query_of(server, facts.allocations, facts.images.get(server.image, {}))


def is_judged(facts: HostFacts, server: Server) -> bool:
    """True when it is known which hosts have what the server needs."""
    if UNKNOWN_TO_PLACEMENT & dict(server.extra_specs).keys():
        return False
    query = query_for(facts, server)
    return query is not None and (query.is_plain or query in facts.fitting)


def groups_of(facts: HostFacts, server: Server) -> tuple[ServerGroup, ...]:
    """The server groups of which ``server`` is a member."""
    return tuple(g for g in facts.groups if server.id in g.members)


def no_candidate(facts: HostFacts, server: Server) -> NoCandidate | None:
    """The reason why zone or server group leave no host for ``server``; None if they leave one.

    None too where there is no candidate at all: then it is not for the server's sake.
    """
    if not candidates(facts):
        return None
    groups = groups_of(facts, server)
    for group in groups:
        if group.policy == "affinity":
            return _bound_by_affinity(group)
    in_zone = _in_zone(facts, server)
    if not in_zone:
        return _outside_zone(facts, server)
    for group in groups:
        if all(_keeps_off(group, server, host) for host in in_zone):
            return _kept_apart(group, in_zone)
    return None


def _services(facts: HostFacts) -> Iterator[ComputeService]:
    request = facts.request
    leaving = {facts.host, *request.leaving} - {request.home}
    for service in (*facts.fleet.schedulable, *_home(facts)):
        if service.host not in leaving and request.target in {None, service.host}:
            yield service


def _home(facts: HostFacts) -> Iterator[ComputeService]:
    """The service of the host to which servers come back: this run enables it before."""
    for service in facts.fleet.computes_by_host.get(facts.request.home or "", ()):
        if service.is_up and not service.takes_servers:
            yield service


def _zone(facts: HostFacts, server: Server) -> str | None:
    """The availability zone in which nova keeps the server; the host's where it is not shown."""
    if server.pin_is_known:
        return server.pinned_zone
    return facts.service.zone if facts.service else None


def _in_zone(facts: HostFacts, server: Server) -> tuple[str, ...]:
    zone = _zone(facts, server)
    return tuple(s.host for s in _services(facts) if zone in {None, s.zone})


def _keeps_off(group: ServerGroup, server: Server, host: str) -> bool:
    """True when anti-affinity keeps the server off the host: too many other members are there.

    (nova 34.0.0 scheduler/filters/affinity_filter.py:78)
    """
    if group.policy != "anti-affinity":
        return False
    there = sum(on == host for member, on in group.hosts if member != server.id)
    return there >= group.max_per_host


def _has_aggregates(facts: HostFacts, server: Server, host: str) -> bool:
    """True when the host's aggregates have what the flavor asks of them, as far as it is plain."""
    wanted = {
        name.removeprefix(SCOPE): value
        for name, value in server.extra_specs
        if name.startswith(SCOPE) and value.replace("-", "").isalnum()
    }
    having = [dict(a.metadata) for a in facts.fleet.aggregates if host in a.hosts]
    return all(any(m.get(k) == v for m in having) for k, v in wanted.items())


def _bound_by_affinity(group: ServerGroup) -> NoCandidate:
    """Affinity counts the server itself, so even a group's only member stays where it is.

    (nova 34.0.0 scheduler/utils.py:1175, filters/affinity_filter.py:137)
    """
    return NoCandidate(
        f"is in server group {group.name!r} (affinity): nova moves no member, not even the only "
        "one",
        "shelve all members of the group (openstack server shelve --offload), then unshelve them; "
        "or delete the group (openstack server group delete)",
    )


def _outside_zone(facts: HostFacts, server: Server) -> NoCandidate:
    zone, where = _zone(facts, server), "where no other enabled host is up"
    if facts.request.target is not None:
        where = f"and --target {facts.request.target} is in another"
    if server.pin_is_known:
        return NoCandidate(
            f"is pinned to availability zone {zone!r}, {where}",
            "enable a host in that zone; or unpin the server (nova 34: openstack "
            "--os-compute-api-version 2.104 server unset --pinned-availability-zone)",
        )
    return NoCandidate(
        f"may be pinned to availability zone {zone!r}, {where} (nova shows pins from 2.96)",
        "enable a host in that zone",
    )


def _kept_apart(group: ServerGroup, hosts: tuple[str, ...]) -> NoCandidate:
    return NoCandidate(
        f"is in server group {group.name!r} (anti-affinity), and other members are on each host "
        f"that could take it: {', '.join(hosts)}",
        "enable a host without a member, or delete the group (openstack server group delete)",
    )
