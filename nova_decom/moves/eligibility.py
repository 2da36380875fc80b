# SPDX-License-Identifier: Apache-2.0
"""Which way each server leaves the host, or what stands in its way.

By the states that nova allows for each way (nova 34.0.0 compute/api.py:4293, 4556, 5586, 5718;
unchanged since Queens).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nova_decom.model.cloud import Action, Migration, Server, ServerGroup
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Request, Servers
from nova_decom.moves.capacity import candidates

#: States that pass by themselves; whoever asks again later sees another one.
TRANSIENT_STATES = {
    *("BUILD", "REBOOT", "HARD_REBOOT", "PASSWORD", "REBUILD", "MIGRATING", "RESIZE"),
    "REVERT_RESIZE",
}
#: States in which no way leads off the host, and what would help.
IMMOVABLE_STATES: Mapping[str, str] = {
    "SUSPENDED": "resume it (openstack server resume), or shelve it",
    "RESCUE": "unrescue it (openstack server unrescue)",
    "ERROR": "look at its fault, then openstack server set --state active, or delete it",
    "SOFT_DELETED": "restore it (openstack server restore), or force-delete it",
    "UNKNOWN": "its cell does not answer: bring that back",
}
#: Extra specs of devices that stay on the host while the server would move alive.
PINNED: Mapping[str, str] = {
    "pci_passthrough:alias": "a PCI device",
    "resources:VGPU": "a virtual GPU",
    "hw:mem_encryption": "encrypted memory",
    "hw:tpm_version": "a virtual TPM",
    "accel:device_profile": "an accelerator",
}
EVACUABLE = {"ACTIVE", "SHUTOFF", "ERROR"}
FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Move:
    """What to ask of nova next for a server; without an action, what goes on is waited for."""

    server: str
    action: Action | None
    text: str
    migration: Migration | None = None


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why a server cannot leave, and what would help."""

    server: str
    text: str
    remedy: str
    in_migration: bool = False


def moves_of(facts: HostFacts) -> Iterator[Move | Blocker]:
    """One for each server on the host, and for each that is between it and another.

    Nothing when the request chooses no way.
    """
    if not facts.request.moves_servers:
        return
    active = {m.server: m for m in facts.migrations}
    for server in facts.servers:
        migration = active.pop(server.id, None)
        if migration is not None:
            yield _in_migration(facts, migration, _named(server))
        else:
            yield _of(facts, server)
    for migration in active.values():
        yield _in_migration(facts, migration, f"server {migration.server}")


def _in_migration(facts: HostFacts, migration: Migration, name: str) -> Move | Blocker:
    known = f"{migration.type} {migration.id}, {migration.status}, from {migration.source}"
    text = f"{known} to {migration.destination or 'no host yet'}"
    if facts.request.evacuates and migration.type != "evacuation":
        why = f"{name}: {text}; it cannot end while the host is dead"
        cure = "openstack server set --state active, then run again"
        return Blocker(migration.server, why, cure, in_migration=True)
    if migration.status != FINISHED:
        return Move(migration.server, None, f"wait for {name} ({text})", migration)
    if may_confirm(facts.request, migration):
        text = f"confirm {name} ({text})"
        return Move(migration.server, Action.CONFIRM, text, migration)
    return Blocker(
        migration.server,
        f"{name} waits for its resize to be confirmed ({text})",
        "--confirm-resizes, or openstack server resize confirm or revert",
        in_migration=True,
    )


def may_confirm(request: Request, migration: Migration) -> bool:
    """A cold migration is an operator's and is confirmed; a resize is its user's."""
    return request.confirm_resizes or migration.type == "migration"


def _of(facts: HostFacts, server: Server) -> Move | Blocker:
    """A server without a migration."""
    request = facts.request
    if request.evacuates:
        return _evacuated(facts, server)
    if server.status in IMMOVABLE_STATES:
        return Blocker(server.id, _named(server), IMMOVABLE_STATES[server.status])
    if server.status in TRANSIENT_STATES or server.task_state is not None:
        doing = server.task_state or server.status
        return Move(server.id, None, f"wait for {_named(server)}, {doing}, then move it")
    if server.status == "SHELVED":
        return _course(facts, server, Action.OFFLOAD, "offload")
    if server.status == "VERIFY_RESIZE":
        if request.confirm_resizes:
            return _course(facts, server, Action.CONFIRM, "confirm, then move,")
        cure = "--confirm-resizes, or openstack server resize confirm or revert"
        return Blocker(server.id, f"{_named(server)} waits for its resize to be confirmed", cure)
    return _with_group(facts, server, _migrated(facts, server))


def _migrated(facts: HostFacts, server: Server) -> Move | Blocker:
    way = facts.request.servers
    if server.status == "SHUTOFF" and way is not Servers.LIVE:
        return _course(facts, server, Action.COLD, "cold-migrate")
    if server.status == "SHUTOFF":
        return Blocker(server.id, f"{_named(server)} cannot move alive", "--servers auto")
    if server.status not in {"ACTIVE", "PAUSED"}:
        cure = "look at it: openstack server show"
        return Blocker(server.id, f"{_named(server)}: no way is known from this state", cure)
    if way is not Servers.COLD:
        pinned = [what for spec, what in PINNED.items() if spec in dict(server.extra_specs)]
        if not pinned:
            return _course(facts, server, Action.LIVE, "live-migrate")
        text = f"{_named(server)} has {', '.join(pinned)} and cannot move alive"
        return Blocker(server.id, text, "--servers cold (a restart), or stop it first")
    if server.status == "PAUSED":
        cure = "--servers auto, or unpause it"
        return Blocker(server.id, f"{_named(server)} can move only alive", cure)
    return _course(facts, server, Action.COLD, "cold-migrate (with a restart)")


def _evacuated(facts: HostFacts, server: Server) -> Move | Blocker:
    if server.status in EVACUABLE:
        return _with_group(
            facts, server, _course(facts, server, Action.EVACUATE, "build anew elsewhere")
        )
    return Blocker(
        server.id,
        f"{_named(server)}: nova evacuates only ACTIVE, SHUTOFF and ERROR",
        "openstack server set --state error, then run again; or delete it",
    )


def _with_group(facts: HostFacts, server: Server, course: Move | Blocker) -> Move | Blocker:
    """The course, unless the scheduler will find no host because of a server group."""
    for group in facts.groups:
        if server.id in group.members and isinstance(course, Move):
            why = _no_room_in(group, facts)
            if why:
                text = (
                    f"{_named(server)} is in server group {group.name!r} ({group.policy}): {why}"
                )
                cure = "stop and shelve it, or take it out of the group"
                return Blocker(server.id, text, cure)
    return course


def _no_room_in(group: ServerGroup, facts: HostFacts) -> str | None:
    """Affinity holds a member where the others are, and nova counts the member itself.

    (nova 34.0.0 scheduler/utils.py:1175, filters/affinity_filter.py:137)
    """
    if group.policy == "affinity":
        return "its members cannot leave one by one"
    if group.policy != "anti-affinity":
        return None
    free = len(candidates(facts))
    if len(group.members) <= free:
        return None
    return f"{len(group.members)} members, and only {free} other hosts"


def _course(facts: HostFacts, server: Server, action: Action, verb: str) -> Move:
    request = facts.request
    to = ""
    if action in {Action.LIVE, Action.COLD, Action.EVACUATE} and request.target:
        to = f" to {request.target}"
    return Move(server.id, action, f"{verb} {_named(server)}{to}")


def _named(server: Server) -> str:
    locked = ", locked" if server.locked else ""
    return f"{server.name!r} {server.id} ({server.status}{locked})"
