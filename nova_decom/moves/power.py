# SPDX-License-Identifier: Apache-2.0
"""Servers that a drain stops instead of moving, and that start when their host is back."""

from __future__ import annotations

from collections.abc import Iterator

from nova_decom.model.cloud import Action, Server
from nova_decom.model.host import HostFacts
from nova_decom.moves.move import IMMOVABLE_STATES, Blocker, Move, named, requested
from nova_decom.moves.passing import awaited, is_passing

#: States in which a server does not run and may stay while its host restarts.
AT_REST = {"SHUTOFF", "SUSPENDED", "SHELVED", "SOFT_DELETED"}


def stopped(facts: HostFacts, server: Server) -> Move | Blocker | None:
    """The request that stops a server; None for one that does not run, and may stay."""
    if is_passing(server):
        return awaited(facts, server, "stop")
    if server.status == "ACTIVE":
        return requested(facts, server, Action.STOP, "stop")
    if server.status == "VERIFY_RESIZE":
        return confirmed(facts, server, "stop")
    if server.status in AT_REST:
        return None
    cure = IMMOVABLE_STATES.get(server.status, "unpause it (openstack server unpause)")
    return Blocker(server.id, f"{named(server)}: nova stops none in this state", cure)


def started(facts: HostFacts) -> Iterator[Move | Blocker]:
    """The requests that start the servers again that a drain has stopped."""
    for server in facts.servers:
        if server.id not in facts.request.stopped or server.status == "ACTIVE":
            continue
        if is_passing(server):
            yield awaited(facts, server, "start")
        elif server.status == "SHUTOFF":
            yield requested(facts, server, Action.START, "start")
        else:
            cure = IMMOVABLE_STATES.get(server.status, "look at it: openstack server show")
            yield Blocker(server.id, f"{named(server)}: nova starts none in this state", cure)


def confirmed(facts: HostFacts, server: Server, then: str) -> Move | Blocker:
    """The confirmation of a resize, where that is allowed, and what comes ``then``."""
    if facts.request.confirm_resizes:
        return requested(facts, server, Action.CONFIRM, f"confirm, then {then},")
    cure = "--confirm-resizes, or openstack server resize confirm or revert"
    return Blocker(server.id, f"{named(server)} waits for its resize to be confirmed", cure)
