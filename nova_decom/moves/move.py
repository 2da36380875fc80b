# SPDX-License-Identifier: Apache-2.0
"""The next request for a server, or what blocks it, as values; and how messages name both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nova_decom.model.cloud import Action, Migration, Server
from nova_decom.model.host import HostFacts

RESET = "openstack server set --state active --auto-approve"
FAIL = "openstack server set --state error --auto-approve"
#: States that block every way off the host, and their cures.
IMMOVABLE_STATES: Mapping[str, str] = {
    "SUSPENDED": "resume it (openstack server resume)",
    "RESCUE": "unrescue it (openstack server unrescue)",
    "ERROR": f"read its fault (openstack server show), then {RESET}, or delete it",
    "SOFT_DELETED": "restore it (openstack server restore), or force-delete it",
    "UNKNOWN": "its cell does not answer: bring that back",
}
FINISHED = "finished"
#: Actions that move a server by a migration of their own.
MOVING = {Action.LIVE, Action.COLD, Action.EVACUATE}
#: Actions that leave the server where it is, and its status afterwards.
POWERED = {Action.STOP: "SHUTOFF", Action.START: "ACTIVE"}


@dataclass(frozen=True, slots=True)
class Move:
    """The next request to nova for a server; without an action, only a wait for what goes on."""

    server: str
    action: Action | None
    text: str
    migration: Migration | None = None


@dataclass(frozen=True, slots=True)
class Blocker:
    """The reason why a server cannot leave, and the cure.

    ``in_migration`` and ``loses_disk`` are reasons for which there is a guard of their own.
    """

    server: str
    text: str
    remedy: str
    in_migration: bool = False
    loses_disk: bool = False


def requested(
    facts: HostFacts,
    server: Server,
    action: Action,
    verb: str,
    only_if: tuple[str, ...] = (),
) -> Move:
    """The request for ``action`` on the server, with the conditions that nova may set."""
    request = facts.request
    to = ""
    if action in MOVING and request.target:
        to = f" to {request.target}"
    also = f" (if {'; if '.join(only_if)})" if only_if else ""
    return Move(server.id, action, f"{verb} {named(server)}{to}{also}")


def named(server: Server) -> str:
    """The server as messages name it."""
    locked = ", locked" if server.locked else ""
    return f"{server.name!r} {server.id} ({server.status}{locked})"


def record(migration: Migration) -> str:
    """The migration as messages name it."""
    known = f"{migration.type} {migration.id}, {migration.status}, from {migration.source}"
    return f"{known} to {migration.destination or 'no host yet'}"
