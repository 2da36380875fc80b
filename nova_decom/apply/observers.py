# SPDX-License-Identifier: Apache-2.0
"""Who is told of what an execution does, and in which words: the journal, and whoever looks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.moves.status import MoveInProgress


@dataclass(frozen=True, slots=True)
class MoveProgress:
    """How all moves of one host stand, for the display; seconds of a monotonic clock."""

    host: str
    flights: tuple[MoveInProgress, ...]
    moved: int
    left: int
    failed: int
    now: float
    since: float


class Journal(Protocol):
    """Where each event is written before the next thing happens."""

    def event(self, kind: str, **data: Any) -> None:  # noqa: ANN401
        """Append one event and make it last."""

    def remember(self, facts: HostFacts) -> None:
        """Keep the names and uuids of a host that is about to go."""


class Progress(Protocol):
    """Who is told what goes on; says nothing by default."""

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """A change begins (``started``) or ended (a :class:`Status`; ``note`` says how)."""

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Something is being waited for, at most so long."""

    def moves(self, moves: MoveProgress) -> None:
        """How the moves of a host's servers stand."""


@dataclass(frozen=True, slots=True)
class NullProgress:
    """A progress that tells nobody."""

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Say nothing."""

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Say nothing."""

    def moves(self, moves: MoveProgress) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Several who are told what goes on, in this order."""

    parts: tuple[Progress, ...]

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Tell all of them."""
        for part in self.parts:
            part.change(host, change, status, note)

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Tell all of them."""
        for part in self.parts:
            part.waiting(host, what, seconds)

    def moves(self, moves: MoveProgress) -> None:
        """Tell all of them."""
        for part in self.parts:
            part.moves(moves)


def state_before(facts: HostFacts) -> dict[str, Any]:
    """All that was read of the host itself: what nova deletes with the service is in it."""
    names = ("services", "compute_nodes", "aggregates", "providers", "allocations", "agents")
    database = facts.database
    return {name: [asdict(x) for x in getattr(facts, name)] for name in names} | {
        "host_mapping": database and database.host_mapping and asdict(database.host_mapping),
        "rows": database
        and {
            "cell": database.cell,
            "services": [asdict(r) for r in database.services],
            "compute_nodes": [asdict(r) for r in database.compute_nodes if r.host == facts.host],
        },
    }


def change_record(change: Change) -> dict[str, Any]:
    """What the journal keeps of a change."""
    names = ("step", "action", "target", "detail", "rows")
    return {name: getattr(change, name) for name in names}
