# SPDX-License-Identifier: Apache-2.0
"""Servers in a state or task that passes by itself: waited for, until that takes too long."""

from __future__ import annotations

from nova_decom.model.cloud import Server
from nova_decom.model.host import HostFacts
from nova_decom.moves.move import FAIL, RESET, Blocker, Move, named, record

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
DELETING = {"deleting", "soft-deleting"}
#: Final states of a migration after which the server is on its destination.
MOVED = {"completed", "confirmed", "done"}
#: Seconds within which the records of a server and of its migration may differ.
CONSISTENT_WITHIN = 60.0


def is_passing(server: Server) -> bool:
    """True while nova does something with the server."""
    return server.status in TRANSIENT_STATES or server.task_state is not None


def awaited(facts: HostFacts, server: Server, then: str) -> Move | Blocker:
    """The wait until the state has passed, and what comes ``then``; a blocker if it is stuck."""
    unchanged_for = facts.fleet.seconds_since(server.updated_at) or 0.0
    blocked = _contradiction(facts, server, unchanged_for) or stuck(server, unchanged_for)
    if blocked is not None:
        return blocked
    if server.task_state in DELETING:
        return Move(server.id, None, f"wait until {named(server)}, {server.task_state}, is gone")
    doing = server.task_state or server.status
    return Move(server.id, None, f"wait for {named(server)}, {doing}, then {then} it")


def stuck(server: Server, unchanged_for: float) -> Blocker | None:
    """The blocker of a server whose state or task should have passed by itself, and has not."""
    if not is_passing(server):
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
    for ended in facts.ended:
        is_old = (facts.fleet.seconds_since(ended.updated_at) or 0.0) > CONSISTENT_WITHIN
        if ended.server == server.id and ended.leaves(facts.host) and is_old:
            if ended.status not in MOVED:
                return None
            return Blocker(
                server.id,
                f"{named(server)} is here by its own record, and elsewhere by that of its "
                f"migration ({record(ended)})",
                f"find the host on which it runs (virsh list on both); if here, {RESET}; if "
                "there, correct its host in nova's database first",
            )
    return None
