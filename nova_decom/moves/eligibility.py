# SPDX-License-Identifier: Apache-2.0
"""The way by which each server leaves the host, or what blocks it.

By the states that nova allows for each way (nova 34.0.0 compute/api.py:4293, 4556, 5586, 5718;
unchanged since Queens).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nova_decom.model.cloud import Action, Migration, Server
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Request, Servers
from nova_decom.moves.candidates import no_candidate
from nova_decom.moves.capacity import has_room
from nova_decom.moves.features import Way, conditions, refused

#: States that pass by themselves; a later reading shows another one. A server that is offloaded
#: has its host for a moment longer (nova 34.0.0 compute/manager.py, _shelve_offload_instance).
TRANSIENT_STATES = {
    *("BUILD", "REBOOT", "HARD_REBOOT", "PASSWORD", "REBUILD", "MIGRATING", "RESIZE"),
    *("REVERT_RESIZE", "SHELVED_OFFLOADED"),
}
#: Seconds without a change after which such a state, or a task, no longer passes by itself.
STUCK_AFTER = 600.0
#: The same for tasks that copy disks, during which nova does not change the server's record.
STUCK_AFTER_COPYING = 3600.0
COPYING = {
    *("image_pending_upload", "image_uploading", "block_device_mapping", "spawning"),
    *("shelving_image_pending_upload", "shelving_image_uploading", "unshelving"),
    *("rebuild_block_device_mapping", "rebuild_spawning", "resize_migrating"),
}
#: The same for migrations in progress.
STALLED_AFTER = 24 * 3600.0
DELETING = {"deleting", "soft-deleting"}
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
REFUSED: Mapping[Way, str] = {
    Way.LIVE: "cannot move alive",
    Way.COLD: "cannot be cold-migrated",
    Way.EVACUATE: "is not evacuated by nova",
}
STOP = "unpause and stop it first"
EVACUABLE = {"ACTIVE", "SHUTOFF", "ERROR"}
ALLOW_LOSS = "--rebuild-local-disks, if the instance storage is shared or the data may be lost"
FINISHED = "finished"
#: Actions that move a server by a migration of their own.
MOVING = {Action.LIVE, Action.COLD, Action.EVACUATE}
#: Final states of a migration after which the server is on its destination.
MOVED = {"completed", "confirmed", "done"}
#: Seconds within which the records of a server and of its migration may differ.
CONSISTENT_WITHIN = 60.0


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


def moves_of(facts: HostFacts) -> Iterator[Move | Blocker]:
    """One for each server on the host, and for each that is between it and another.

    Empty when the request does not move servers, or only others.
    """
    request = facts.request
    if not request.moves_servers:
        return
    active = {m.server: m for m in facts.migrations if not request.leaves(m.server)}
    for server in facts.servers:
        if request.leaves(server.id):
            continue
        migration = active.pop(server.id, None)
        if migration is not None:
            yield _in_migration(facts, migration, named(server))
        else:
            yield _left_behind(facts, server, _of(facts, server))
    for migration in active.values():
        yield _in_migration(facts, migration, f"server {migration.server}")


def _left_behind(facts: HostFacts, server: Server, move: Move | Blocker) -> Move | Blocker:
    """With ``--partial`` the blocker of a server for which there is no host; else its move.

    Nova puts a server into ERROR that it cannot evacuate.
    """
    if not facts.request.partial or isinstance(move, Blocker) or move.action not in MOVING:
        return move
    why = no_candidate(facts, server)
    if why is not None:
        return Blocker(server.id, f"{named(server)} {why.text}", why.remedy)
    if move.action is Action.EVACUATE and facts.rooms is not None and not has_room(facts, server):
        text = f"{named(server)} has room on no other host, by placement"
        return Blocker(server.id, text, "make room, or enable more hosts")
    return move


def _in_migration(facts: HostFacts, migration: Migration, name: str) -> Move | Blocker:
    text = _record(migration)
    if facts.request.evacuates and migration.type != "evacuation":
        why = f"{name}: {text}; it cannot end while the host is dead"
        cure = f"{RESET}, then run again"
        return Blocker(migration.server, why, cure, in_migration=True)
    is_stalled = (facts.fleet.seconds_since(migration.updated_at) or 0.0) > STALLED_AFTER
    if migration.status != FINISHED and is_stalled:
        why = f"{name}: {text}; it has not changed for a day"
        cure = f"openstack server migration abort, or {RESET}"
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


def _record(migration: Migration) -> str:
    known = f"{migration.type} {migration.id}, {migration.status}, from {migration.source}"
    return f"{known} to {migration.destination or 'no host yet'}"


def may_confirm(request: Request, migration: Migration) -> bool:
    """True for a cold migration, which is an operator's; a resize is its user's to confirm."""
    return request.confirm_resizes or migration.type == "migration"


def _of(facts: HostFacts, server: Server) -> Move | Blocker:
    """The way of a server without a migration in progress."""
    request = facts.request
    if request.evacuates:
        return _evacuated(facts, server)
    if server.status in IMMOVABLE_STATES:
        cure = IMMOVABLE_STATES[server.status]
        if server.status == "SUSPENDED" and not refused(facts, server, Way.SHELVE):
            cure += ", or shelve it"
        return Blocker(server.id, named(server), cure)
    if server.status in TRANSIENT_STATES or server.task_state is not None:
        unchanged_for = facts.fleet.seconds_since(server.updated_at) or 0.0
        blocked = _contradiction(facts, server, unchanged_for) or stuck(server, unchanged_for)
        return blocked or _awaited(server)
    if server.status == "SHELVED":
        return _move(facts, server, Action.OFFLOAD, "offload")
    if server.status == "VERIFY_RESIZE":
        if request.confirm_resizes:
            return _move(facts, server, Action.CONFIRM, "confirm, then move,")
        cure = "--confirm-resizes, or openstack server resize confirm or revert"
        return Blocker(server.id, f"{named(server)} waits for its resize to be confirmed", cure)
    return _migrated(facts, server)


def _awaited(server: Server) -> Move:
    if server.task_state in DELETING:
        return Move(server.id, None, f"wait until {named(server)}, {server.task_state}, is gone")
    doing = server.task_state or server.status
    return Move(server.id, None, f"wait for {named(server)}, {doing}, then move it")


def stuck(server: Server, unchanged_for: float) -> Blocker | None:
    """The blocker of a server whose state or task should have passed by itself, and has not."""
    if server.status not in TRANSIENT_STATES and server.task_state is None:
        return None
    limit = STUCK_AFTER_COPYING if server.task_state in COPYING else STUCK_AFTER
    if unchanged_for <= limit:
        return None
    doing = server.task_state or server.status
    cure = f"find what holds it in the log of nova-compute, then {RESET}"
    if server.status == "BUILD":
        cure = f"delete it, or {FAIL}, then rebuild it"
    if server.task_state in DELETING:
        cure = f"{FAIL}, then delete it again"
    return Blocker(
        server.id, f"{named(server)}, {doing}, unchanged since {server.updated_at}", cure
    )


def _contradiction(facts: HostFacts, server: Server, unchanged_for: float) -> Blocker | None:
    """The blocker of a server that nova calls migrating, by a migration that is over.

    Records of the same moment may differ for seconds; these differ for longer.
    """
    if server.status != "MIGRATING" or unchanged_for <= CONSISTENT_WITHIN:
        return None
    for record in facts.ended:
        is_old = (facts.fleet.seconds_since(record.updated_at) or 0.0) > CONSISTENT_WITHIN
        if record.server == server.id and record.leaves(facts.host) and is_old:
            if record.status not in MOVED:
                return None
            return Blocker(
                server.id,
                f"{named(server)} is here by its own record, and elsewhere by that of its "
                f"migration ({_record(record)})",
                f"find the host on which it runs (virsh list on both); if here, {RESET}; if "
                "there, correct its host in nova's database first",
            )
    return None


def _migrated(facts: HostFacts, server: Server) -> Move | Blocker:
    way = facts.request.servers
    if server.status == "SHUTOFF" and way is Servers.LIVE:
        return Blocker(server.id, f"{named(server)} cannot move alive", "--servers auto")
    if server.status == "PAUSED" and way is Servers.COLD:
        cure = "--servers auto, or unpause it"
        return Blocker(server.id, f"{named(server)} can move only alive", cure)
    if server.status not in {"ACTIVE", "SHUTOFF", "PAUSED"}:
        cure = "look at it: openstack server show"
        return Blocker(server.id, f"{named(server)}: no way is known from this state", cure)
    if server.status == "SHUTOFF":
        return _by(facts, server, Way.COLD, Action.COLD, "cold-migrate")
    if way is Servers.COLD:
        return _by(facts, server, Way.COLD, Action.COLD, "cold-migrate (with a restart)")
    return _by(facts, server, Way.LIVE, Action.LIVE, "live-migrate")


def _by(facts: HostFacts, server: Server, way: Way, action: Action, verb: str) -> Move | Blocker:
    """The move by this way, unless nova refuses it for a feature of the server."""
    features = refused(facts, server, way)
    if not features:
        return _move(facts, server, action, verb, conditions(facts, server, way))
    text = f"{named(server)} has {', '.join(features)}, and {REFUSED[way]}"
    return Blocker(server.id, text, _other_ways(facts, server, way))


def _other_ways(facts: HostFacts, server: Server, way: Way) -> str:
    """The cure: the ways that nova does not refuse."""
    cures = []
    if way is Way.LIVE and not refused(facts, server, Way.COLD):
        is_running = server.status == "ACTIVE"
        cures.append("--servers cold (a restart), or stop it first" if is_running else STOP)
    if way is not Way.EVACUATE and not refused(facts, server, Way.SHELVE):
        cures.append("shelve it (openstack server shelve)")
    if way is Way.EVACUATE:
        cures.append("start the host again and move it from there")
    return ", or ".join(cures) or "detach what is named, or delete the server"


def _evacuated(facts: HostFacts, server: Server) -> Move | Blocker:
    if server.task_state in DELETING:
        cure = "openstack server delete: nova deletes its record while the host is down"
        return Blocker(server.id, f"{named(server)} is being deleted", cure)
    if server.status not in EVACUABLE:
        return Blocker(
            server.id,
            f"{named(server)}: nova evacuates only ACTIVE, SHUTOFF and ERROR",
            f"{FAIL}, then run again; or delete it",
        )
    move = _by(facts, server, Way.EVACUATE, Action.EVACUATE, "build anew elsewhere")
    is_lossy = server.has_local_disk and not facts.request.rebuild_local_disks
    if isinstance(move, Move) and is_lossy:
        text = f"{named(server)} has a local disk, whose data would be lost"
        return Blocker(server.id, text, ALLOW_LOSS, loses_disk=True)
    return move


def _move(
    facts: HostFacts,
    server: Server,
    action: Action,
    verb: str,
    only_if: tuple[str, ...] = (),
) -> Move:
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
