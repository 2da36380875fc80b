# SPDX-License-Identifier: Apache-2.0
"""What goes on while hosts are changed: live lines on a terminal, one line per event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from nova_decom.execution import Progress, Silent
from nova_decom.model import Change
from nova_decom.moving.logbook import Moves
from nova_decom.output.safe import safe
from nova_decom.steps.move_servers import MoveServers

MINUTE = 60
MARKS = {
    "done": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "not-needed": ("-", "dim"),
    "pending": ("…", "yellow"),
}


class Lines:
    """One line per event, for pipes, cron and logs."""

    def __init__(self, err: Console) -> None:
        """Write to this console."""
        self._err = err

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Say that a change began or ended."""
        note = f" ({note})" if note else ""
        self._say(f"{safe(host)}: {_what(change)}: {status}{safe(note)}")

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Say what is waited for, and how long at most."""
        self._say(f"{safe(host)}: waiting up to {seconds:g} s: {safe(what)}")

    def moves(self, moves: Moves) -> None:
        """Say nothing: each move is told when it begins and when it ends."""

    def _say(self, line: str) -> None:
        # A run goes on when nobody reads its progress any more.
        with suppress(BrokenPipeError):
            self._err.print(Text(line))


class Screen:
    """The changes so far, and the one in hand with the seconds that it takes."""

    def __init__(self, live: Live) -> None:
        """Draw on this display."""
        self._live = live
        self._now: tuple[str, float] | None = None
        self._note: str | None = None
        self._spinner = Spinner("dots")
        self._since: dict[str, float] = {}
        self._moves: Moves | None = None

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Show a change begin; when it ends, print it above the live line."""
        what = f"{safe(host)}  {_what(change)}"
        if status == "started":
            self._since[change.target] = time.monotonic()
            self._now, self._note = (what, time.monotonic()), None
            return
        taken = time.monotonic() - self._since.pop(change.target, time.monotonic())
        mark, style = MARKS.get(status, ("?", ""))
        self._now = None
        note = f"  {safe(note)}" if note else ""
        self._live.console.print(
            Text.assemble((f"{mark} ", style), what, note, (f"  {taken:.1f} s", "dim"))
        )
        if self._moves is not None and change.step != MoveServers.name:
            self._moves = None

    def moves(self, moves: Moves) -> None:
        """Show how all moves stand, and each that goes on."""
        self._moves = moves if moves.left else None

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Show what is waited for."""
        if self._now is None:
            self._now = (f"{safe(host)}  verify", time.monotonic())
        self._note = f"up to {seconds:g} s: {safe(what)}"

    def render(self) -> RenderableType:
        """The live line, or those of all moves that go on."""
        if self._moves is not None:
            return _table_of(self._moves, self._spinner)
        if self._now is None:
            return Text("")
        what, since = self._now
        text = Text(f"{what}  {time.monotonic() - since:.0f} s")
        if self._note:
            text.append(f"  ({self._note})", "dim")
        grid = Table.grid(padding=(0, 1))
        grid.add_row(self._spinner, text)
        return grid


def _what(change: Change) -> str:
    return safe(change.label or f"{change.step} {change.action}")


def _table_of(moves: Moves, spinner: Spinner) -> RenderableType:
    """A line for the host, with rate and time left, and one for each server that moves."""
    elapsed = moves.now - moves.since
    head = f"{safe(moves.host)}  {moves.moved} moved, {moves.left} left, {moves.failed} failed"
    if moves.moved and elapsed > 0:
        rate = moves.moved / elapsed
        head += f"  {rate * 60:.1f} a minute, about {_minutes(moves.left / rate)} left"
    grid = Table.grid(padding=(0, 1))
    grid.add_row(spinner, Text(f"{head}  {_minutes(elapsed)}"))
    for flight in moves.flights:
        name = flight.server.name if flight.server else flight.id
        way = flight.action.value if flight.action else "wait"
        to = flight.landing or flight.to or "?"
        text = Text(f"  {safe(name)}  {way}  {safe(moves.host)} → {safe(to)}")
        text.append(f"  {moves.now - flight.began:.0f} s", "dim")
        grid.add_row("", text)
    return grid


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < MINUTE else f"{seconds / MINUTE:.0f} min"


@contextmanager
def progress(err: Console, *, quiet: bool) -> Iterator[Progress]:
    """The progress that fits where stderr goes; nothing when that is wanted."""
    if quiet:
        yield Silent()
    elif not (err.is_terminal and err.is_interactive):
        yield Lines(err)
    else:
        with Live(console=err, refresh_per_second=8, transient=True) as live:
            screen = Screen(live)
            live.get_renderable = screen.render  # type: ignore[method-assign]
            yield screen
