# SPDX-License-Identifier: Apache-2.0
"""The journal and the progress display, as a run writes to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.moves.status import MoveInProgress
from nova_decom.registrars import REGISTRARS


@dataclass(frozen=True, slots=True)
class MoveProgress:
    """The progress of all moves of one host; seconds of a monotonic clock."""

    host: str
    flights: tuple[MoveInProgress, ...]
    moved: int
    left: int
    failed: int
    now: float
    since: float


class Journal(Protocol):
    """The journal of a run: each event is on the disk before the next thing happens."""

    def event(self, kind: str, **data: Any) -> None:  # noqa: ANN401
        """Append one event and make it last."""

    def remember(self, facts: HostFacts) -> None:
        """Keep the names and uuids of a host that is about to be deleted."""


class Progress(Protocol):
    """A display of a run, or anything else that follows it."""

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Show that a change begins (``started``) or has ended (a :class:`Status`, a note)."""

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Show a wait, which takes at most ``seconds``."""

    def moves(self, moves: MoveProgress) -> None:
        """Show the progress of the moves of one host."""


@dataclass(frozen=True, slots=True)
class NullProgress:
    """A progress that shows nothing."""

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Show nothing."""

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Show nothing."""

    def moves(self, moves: MoveProgress) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Several displays, called in this order."""

    parts: tuple[Progress, ...]

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Call each of them."""
        for part in self.parts:
            part.change(host, change, status, note)

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Call each of them."""
        for part in self.parts:
            part.waiting(host, what, seconds)

    def moves(self, moves: MoveProgress) -> None:
        """Call each of them."""
        for part in self.parts:
            part.moves(moves)


def state_before(facts: HostFacts) -> dict[str, Any]:
    """All that was read of the host itself, with what nova deletes together with the service."""
    names = ("services", "compute_nodes", "aggregates", "providers", "allocations")
    database = facts.database
    # A restore needs the members of aggregates only; their metadata is the cloud's own.
    facts = replace(facts, aggregates=tuple(replace(a, metadata=()) for a in facts.aggregates))
    records = {name: [asdict(x) for x in getattr(facts, name)] for name in names}
    for registrar in REGISTRARS:
        if registrar.journal is not None:
            records[registrar.journal[0]] = [asdict(x) for x in registrar.records(facts)]
    return records | {
        "host_mapping": database and database.host_mapping and asdict(database.host_mapping),
        "rows": database
        and {
            "cell": database.cell,
            "services": [asdict(r) for r in database.services],
            "compute_nodes": [asdict(r) for r in database.compute_nodes if r.host == facts.host],
        },
    }


def change_record(change: Change) -> dict[str, Any]:
    """The fields of a change in the journal."""
    names = ("step", "action", "target", "detail", "rows")
    return {name: getattr(change, name) for name in names}
