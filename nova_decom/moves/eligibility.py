# SPDX-License-Identifier: Apache-2.0
"""The way by which each server leaves the host, or what blocks it.

By the states that nova allows for each way (nova 34.0.0 compute/api.py:4293, 4556, 5586, 5718;
unchanged since Queens).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nova_decom.model.cloud import Action, Migration, Server
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Request, Servers
from nova_decom.moves.candidates import no_candidate
from nova_decom.moves.capacity import has_room
from nova_decom.moves.features import Way, conditions, refused
from nova_decom.moves.move import (
    FAIL,
    FINISHED,
    IMMOVABLE_STATES,
    MOVING,
    RESET,
    Blocker,
    Move,
    named,
    record,
    requested,
)
from nova_decom.moves.passing import DELETING, awaited, is_passing
from nova_decom.moves.power import confirmed, started, stopped

#: The same for migrations in progress.
STALLED_AFTER = 24 * 3600.0
REFUSED: Mapping[Way, str] = {
    Way.LIVE: "cannot be live-migrated",
    Way.COLD: "cannot be cold-migrated",
    Way.EVACUATE: "is not evacuated by nova",
}
STOP = "unpause and stop it first"
EVACUABLE = {"ACTIVE", "SHUTOFF", "ERROR"}
ALLOW_LOSS = "--rebuild-local-disks, if the instance storage is shared or the data may be lost"


def moves_of(facts: HostFacts) -> Iterator[Move | Blocker]:
    """One for each server on the host, and for each that is between it and another.

    Empty when the request does not move servers, or only others.
    """
    request = facts.request
    if not request.moves_servers:
        return
    if request.home == facts.host:
        yield from started(facts)
        return
    way = stopped if request.servers is Servers.STOP else _of
    active = {m.server: m for m in facts.migrations if not request.leaves(m.server)}
    for server in facts.servers:
        if request.leaves(server.id):
            continue
        migration = active.pop(server.id, None)
        if migration is not None:
            yield _in_migration(facts, migration, named(server))
            continue
        move = way(facts, server)
        if move is not None:
            yield _left_behind(facts, server, move)
    for migration in active.values():
        yield _in_migration(facts, migration, f"server {migration.server}")


def leave_host(facts: HostFacts) -> bool:
    """True when servers leave this host, and are not only stopped or started on it."""
    request = facts.request
    stays = request.servers is Servers.STOP or request.home == facts.host
    return request.moves_servers and not stays


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
    text = record(migration)
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
    if is_passing(server):
        return awaited(facts, server, "move")
    if server.status == "SHELVED":
        return requested(facts, server, Action.OFFLOAD, "offload")
    if server.status == "VERIFY_RESIZE":
        return confirmed(facts, server, "move")
    return _migrated(facts, server)


def _migrated(facts: HostFacts, server: Server) -> Move | Blocker:
    way = facts.request.servers
    if server.status == "SHUTOFF" and way is Servers.LIVE:
        return Blocker(server.id, f"{named(server)} cannot be live-migrated", "--servers auto")
    if server.status == "PAUSED" and way is Servers.COLD:
        cure = "--servers auto, or unpause it"
        return Blocker(server.id, f"{named(server)} can only be live-migrated", cure)
    if server.status not in {"ACTIVE", "SHUTOFF", "PAUSED"}:
        cure = "look at it: openstack server show"
        return Blocker(server.id, f"{named(server)} cannot be moved in this state", cure)
    if server.status == "SHUTOFF":
        return _by(facts, server, Way.COLD, Action.COLD, "cold-migrate")
    if way is Servers.COLD:
        return _by(facts, server, Way.COLD, Action.COLD, "cold-migrate (with a restart)")
    return _by(facts, server, Way.LIVE, Action.LIVE, "live-migrate")


def _by(facts: HostFacts, server: Server, way: Way, action: Action, verb: str) -> Move | Blocker:
    """The move by this way, unless nova refuses it for a feature of the server."""
    features = refused(facts, server, way)
    if not features:
        return requested(facts, server, action, verb, conditions(facts, server, way))
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
    move = _by(facts, server, Way.EVACUATE, Action.EVACUATE, "rebuild elsewhere")
    is_lossy = server.has_local_disk and not facts.request.rebuild_local_disks
    if isinstance(move, Move) and is_lossy:
        text = f"{named(server)} has a local disk, whose data would be lost"
        return Blocker(server.id, text, ALLOW_LOSS, loses_disk=True)
    return move
