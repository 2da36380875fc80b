# SPDX-License-Identifier: Apache-2.0
"""The progress of a run as lines: text for pipes, cron and logs, or one JSON object per event."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from nova_decom.apply.observers import MoveProgress
from nova_decom.model.change import Change
from nova_decom.model.cloud import Action, LiveProgress
from nova_decom.moves.status import MoveInProgress, ways_to_end
from nova_decom.output.escape import safe

#: Seconds between two lines about moves that go on.
EVERY = 30.0
WAYS = {
    Action.LIVE: "live-migrate",
    Action.COLD: "cold-migrate",
    Action.EVACUATE: "evacuate",
    Action.CONFIRM: "confirm",
    Action.OFFLOAD: "offload",
    Action.START: "start",
    Action.STOP: "stop",
}
MINUTE = 60
#: Seconds after which the commands are shown that end a live migration early.
HINT_AFTER = 60.0
GIB = 1024**3


def summary(change: Change) -> str:
    """The change in a few words."""
    return safe(change.label or f"{change.step} {change.action}")


def duration(seconds: float) -> str:
    """Seconds, or minutes when there are some."""
    return f"{seconds:.0f} s" if seconds < MINUTE else f"{seconds / MINUTE:.0f} min"


def moves_in_short(moves: MoveProgress) -> str:
    """The counts of the moves of one host, with rate and time left where there is a rate."""
    elapsed = moves.now - moves.since
    text = f"{safe(moves.host)}  {moves.moved} moved, {moves.left} left, {moves.failed} failed"
    if moves.moved and elapsed > 0:
        rate = moves.moved / elapsed
        text += f"  {rate * 60:.1f} a minute, about {duration(moves.left / rate)} left"
    return f"{text}  {duration(elapsed)}"


def flight(moves: MoveProgress, move: MoveInProgress) -> tuple[str, str]:
    """One move in progress: server, way and hosts; and its seconds."""
    name = move.server.name if move.server else move.id
    way = WAYS[move.action] if move.action else "wait"
    to = move.arriving_on or move.to or "?"
    text = f"{safe(name)}  {way}  {safe(moves.host)} → {safe(to)}{_left(move.progress)}"
    return text, f"{moves.now - move.began:.0f} s"


def _left(progress: LiveProgress | None) -> str:
    """The memory, and the disk if it is copied, that a live migration has left."""
    if progress is None:
        return ""
    parts = (
        ("memory", progress.memory, progress.memory_left),
        ("disk", progress.disk, progress.disk_left),
    )
    texts = [
        f"{what} {left / GIB:.1f} of {total / GIB:.1f} GiB" for what, total, left in parts if total
    ]
    return f"  left: {', '.join(texts)}"


def hint(moves: MoveProgress, move: MoveInProgress) -> str:
    """How to end a live migration early, once it takes long."""
    return ways_to_end(move) if moves.now - move.began > HINT_AFTER else ""


@dataclass
class _Pace:
    """Lets the moves of each host through once in :data:`EVERY` seconds."""

    last: dict[str, float] = field(default_factory=dict)

    def is_due(self, moves: MoveProgress) -> bool:
        """True when the last line about the host is old, or its moves have begun so long ago."""
        due = moves.now - self.last.get(moves.host, moves.since) >= EVERY
        if due:
            self.last[moves.host] = moves.now
        return due


class Lines:
    """One line per event, each with its time in UTC."""

    def __init__(self, err: Console) -> None:
        self._err = err
        self._pace = _Pace()

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Print the begin or the end of a change."""
        note = f" ({note})" if note else ""
        self._say(f"{safe(host)}: {summary(change)}: {status}{safe(note)}")

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Print what the run waits for, and its bound."""
        self._say(f"{safe(host)}: waiting up to {seconds:g} s: {safe(what)}")

    def moves(self, moves: MoveProgress) -> None:
        """Print the moves that go on, now and then: each also has a line at its begin and end."""
        if self._pace.is_due(moves):
            self._say(moves_in_short(moves))
            for move in moves.flights:
                self._say("  ".join(("", *flight(moves, move))))
                if hint(moves, move):
                    self._say(f"    to end it: {hint(moves, move)}")

    def _say(self, line: str) -> None:
        self._err.print(Text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}"))


class JsonLines:
    """One JSON object per event on stderr, for programs that follow a run."""

    def __init__(self) -> None:
        self._pace = _Pace()

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Write the begin or the end of a change."""
        names = ("step", "action", "target", "detail")
        about = {name: getattr(change, name) for name in names}
        self._write("change", host, **about, status=status, note=note or None)

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Write what the run waits for, and its bound."""
        self._write("waiting", host, what=what, seconds=seconds)

    def moves(self, moves: MoveProgress) -> None:
        """Write the counts of the moves that go on, now and then."""
        if self._pace.is_due(moves):
            counts = {name: getattr(moves, name) for name in ("moved", "left", "failed")}
            left = {m.id: asdict(m.progress) for m in moves.flights if m.progress}
            servers = [m.id for m in moves.flights]
            self._write("moves", moves.host, **counts, servers=servers, progress=left)

    def _write(self, event: str, host: str, **about: Any) -> None:  # noqa: ANN401
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        sys.stderr.write(json.dumps({"at": at, "event": event, "host": host, **about}) + "\n")
