# SPDX-License-Identifier: Apache-2.0
"""The servers that drains moved off a host, or stopped on it, by the journals of the runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nova_decom.state.journal_reader import Event, Record, text_or_none

#: The names of the step and of its actions in the journal.
STEP, MOVED, STOPPED, STARTED = "move-servers", "move", "stop", "start"
LEAVING = {"drain", "remove"}


@dataclass(frozen=True, slots=True)
class MovedServer:
    """A server that a run moved ``to`` a host, or stopped; nova offloads shelved ones to none."""

    id: str
    was_stopped: bool
    to: str | None = None


def moved_servers(records: Iterable[Record], host: str) -> tuple[MovedServer, ...] | None:
    """The servers of ``host`` that the last drain moved or stopped, and no run brought back.

    A drain goes on where the runs before it have left the host disabled: their servers count too.
    None where no run has drained the host.
    """
    found: dict[str, MovedServer] = {}
    is_drained = False
    for record in records:
        leaves = record.header.get("command") in LEAVING and host in record.hosts
        is_drained = is_drained or leaves
        for event in record.events:
            if leaves and event.get("event") == "before" and event.get("host") == host:
                found = {} if _was_enabled(event) else found
            if event.get("event") == "done" and event.get("step") == STEP:
                _note(found, event, host)
    return tuple(found.values()) if is_drained else None


def _note(found: dict[str, MovedServer], event: Event, host: str) -> None:
    server, action, to = str(event.get("target")), event.get("action"), event.get("to")
    if action == STARTED or (to == host and event.get("host") != host):
        found.pop(server, None)
    elif event.get("host") == host and action in {MOVED, STOPPED}:
        found[server] = MovedServer(server, action == STOPPED, text_or_none(to))


def _was_enabled(before: Event) -> bool:
    """True when nova-compute was enabled before the run."""
    facts = before.get("facts")
    services = facts.get("services") if isinstance(facts, dict) else None
    return any(
        s.get("binary") == "nova-compute" and s.get("status") == "enabled"
        for s in services or ()
        if isinstance(s, dict)
    )
