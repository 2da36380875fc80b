# SPDX-License-Identifier: Apache-2.0
"""Step move-servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.model.api_call import ApiCall, server_action
from nova_decom.model.change import Change
from nova_decom.model.cloud import Action, Allocation, Owner
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part, Servers
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.step import Cloud, Step
from nova_decom.moves.eligibility import leave_host, moves_of
from nova_decom.moves.move import POWERED, Blocker, Move

MOVE, STOP, START = "move", "stop", "start"


class MoveServers(Step):
    """Move every server to another host, each by the way that its state allows.

    Live migration for ACTIVE and PAUSED, cold migration with its confirmation for SHUTOFF,
    offloading for SHELVED; servers of a dead host are rebuilt elsewhere (evacuate). Runs
    while nova-compute still does, some moves side by side, and goes on until two readings in a
    row show none left: servers that were being scheduled to the host arrive late. A server has
    moved when it was read on another host, in its old state, its migration over. With
    ``--servers stop`` the servers that run are stopped, and all stay on the host.
    """

    name: ClassVar[str] = "move-servers"
    reversible: ClassVar[bool] = True
    moves_servers: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset(
        {Part.SERVICES, Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS, Part.ROOM}
    )

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each server; one for a server that cannot leave fails."""
        for move in moves_of(facts):
            call = _call(move, facts)
            detail = _detail(move, call)
            yield Change(self.name, _verb(facts), move.server, detail, call=call, label=move.text)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the server; after an evacuation its allocations stay."""
        move = next(c for c in moves_of(facts) if c.server == change.target)
        if isinstance(move, Blocker):
            return facts
        server = move.server
        if not leave_host(facts):
            status = POWERED[
                Action.STOP if facts.request.servers is Servers.STOP else Action.START
            ]
            return replace(
                facts,
                servers=tuple(
                    replace(s, status=status, task_state=None) if s.id == server else s
                    for s in facts.servers
                ),
                migrations=tuple(m for m in facts.migrations if m.server != server),
            )
        migrations = {m.uuid for m in facts.migrations if m.server == server}
        kept = (a for a in facts.allocations if a.consumer not in migrations)
        if facts.request.evacuates:
            allocations = tuple(_left_behind(a, server) for a in kept)
        else:
            allocations = tuple(a for a in kept if a.consumer != server)
        return replace(
            facts,
            servers=tuple(s for s in facts.servers if s.id != server),
            migrations=tuple(m for m in facts.migrations if m.server != server),
            allocations=allocations,
            database=facts.database and _without(server, facts.database),
        )

    def apply(self, change: Change, cloud: Cloud, facts: HostFacts) -> str | None:
        """Send the request that begins the move, chosen anew by the server's present state."""
        move = move_of(change, facts)
        call = move and _call(move, facts)
        return cloud.send(call) if call else None


def _verb(facts: HostFacts) -> str:
    """The action on all servers of the host; a bring-back finds those stopped by it."""
    if leave_host(facts):
        return MOVE
    return START if facts.host == facts.request.home else STOP


def move_of(change: Change, facts: HostFacts) -> Move | None:
    """The move of the server by its present state; None if it is gone or cannot leave."""
    found = (c for c in moves_of(facts) if c.server == change.target)
    return next((c for c in found if isinstance(c, Move)), None)


def _call(move: Move | Blocker, facts: HostFacts) -> ApiCall | None:
    """The request that begins the move; None where the server cannot leave, or is waited for."""
    if isinstance(move, Blocker) or move.action is None:
        return None
    request = facts.request
    return server_action(
        move.server, move.action, request.target, leave_stopped=request.leave_stopped
    )


def _detail(move: Move | Blocker, call: ApiCall | None) -> str:
    if isinstance(move, Blocker):
        return f"cannot move {move.text}; {move.remedy}"
    return f"{move.text}: {call.text}" if call else move.text


def _left_behind(allocation: Allocation, server: str) -> Allocation:
    if allocation.consumer != server:
        return allocation
    return replace(allocation, owner=Owner.ELSEWHERE)


def _without(server: str, database: DatabaseFacts) -> DatabaseFacts:
    return replace(
        database,
        instances=tuple(i for i in database.instances if i.uuid != server),
        active_migrations=tuple(m for m in database.active_migrations if m.server != server),
    )
