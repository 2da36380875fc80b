# SPDX-License-Identifier: Apache-2.0
"""The progress of a run: live lines on a terminal, one line per event elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from nova_decom.apply.observers import MoveProgress, NullProgress, Progress
from nova_decom.model.change import Change
from nova_decom.model.cloud import Action
from nova_decom.output.escape import safe
from nova_decom.steps import MOVING_STEPS

log = logging.getLogger(__name__)

MINUTE = 60
WAYS = {
    Action.LIVE: "live-migrate",
    Action.COLD: "cold-migrate",
    Action.EVACUATE: "evacuate",
    Action.CONFIRM: "confirm",
    Action.OFFLOAD: "offload",
    Action.START: "start",
    Action.STOP: "stop",
}
MARKS = {
    "done": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "not-needed": ("-", "dim"),
    "pending": ("…", "yellow"),
    "in-progress": ("…", "yellow"),
}


class Lines:
    """One line per event, for pipes, cron and logs."""

    def __init__(self, err: Console) -> None:
        self._err = err

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Print the begin or the end of a change."""
        note = f" ({note})" if note else ""
        self._say(f"{safe(host)}: {summary(change)}: {status}{safe(note)}")

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Print what the run waits for, and its bound."""
        self._say(f"{safe(host)}: waiting up to {seconds:g} s: {safe(what)}")

    def moves(self, moves: MoveProgress) -> None:
        """Print nothing: each move is a change with a begin and an end."""

    def _say(self, line: str) -> None:
        self._err.print(Text(line))


class Screen:
    """The changes that have ended, and the current change of each host with its seconds."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._now: dict[str, tuple[str, float]] = {}
        self._notes: dict[str, str] = {}
        self._moves: dict[str, MoveProgress] = {}
        self._since: dict[tuple[str, str], float] = {}
        self._spinner = Spinner("dots")

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Show the change that begins; print it above the live lines when it ends."""
        what, now = f"{safe(host)}  {summary(change)}", time.monotonic()
        if change.step not in MOVING_STEPS:
            self._moves.pop(host, None)
        if status == "started":
            self._since[host, change.target] = now
            self._now[host] = (what, now)
            self._notes.pop(host, None)
            return
        taken = now - self._since.pop((host, change.target), now)
        mark, style = MARKS.get(status, ("?", ""))
        self._now.pop(host, None)
        note = f"  {safe(note)}" if note else ""
        self._live.console.print(
            Text.assemble((f"{mark} ", style), what, note, (f"  {taken:.1f} s", "dim"))
        )

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Show the wait beside the current change, or as a line of its own between changes."""
        alone = f"{safe(host)}  waiting"
        if self._now.get(host, (alone, 0.0))[0] == alone:
            self._now[host] = (alone, time.monotonic())
        self._notes[host] = f"up to {seconds:g} s: {safe(what)}"

    def moves(self, moves: MoveProgress) -> None:
        """Show the moves of a host: their counts, and each one in progress."""
        self._moves[moves.host] = moves
        if not moves.left:
            del self._moves[moves.host]

    def render(self) -> RenderableType:
        """The live lines: one for each host at work, and one for each server that moves."""
        grid = Table.grid(padding=(0, 1))
        for moves in tuple(self._moves.values()):
            _add_moves(grid, moves, self._spinner)
        for host, (what, since) in tuple(self._now.items()):
            if host in self._moves:
                continue
            text = Text(f"{what}  {time.monotonic() - since:.0f} s")
            if host in self._notes:
                text.append(f"  ({self._notes[host]})", "dim")
            grid.add_row(self._spinner, text)
        return grid


def summary(change: Change) -> str:
    """The change in a few words."""
    return safe(change.label or f"{change.step} {change.action}")


def _add_moves(grid: Table, moves: MoveProgress, spinner: Spinner) -> None:
    """Add a line for the host, with rate and time left, and one for each server that moves."""
    elapsed = moves.now - moves.since
    head = f"{safe(moves.host)}  {moves.moved} moved, {moves.left} left, {moves.failed} failed"
    if moves.moved and elapsed > 0:
        rate = moves.moved / elapsed
        head += f"  {rate * 60:.1f} a minute, about {_minutes(moves.left / rate)} left"
    grid.add_row(spinner, Text(f"{head}  {_minutes(elapsed)}"))
    for flight in moves.flights:
        name = flight.server.name if flight.server else flight.id
        way = WAYS[flight.action] if flight.action else "wait"
        to = flight.arriving_on or flight.to or "?"
        text = Text(f"  {safe(name)}  {way}  {safe(moves.host)} → {safe(to)}")
        text.append(f"  {moves.now - flight.began:.0f} s", "dim")
        grid.add_row("", text)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < MINUTE else f"{seconds / MINUTE:.0f} min"


class Guarded:
    """A progress whose failures end no run: they are logged, and it shows nothing more."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Show a change."""
        with self._logged():
            self._shown.change(host, change, status, note)

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Show a wait."""
        with self._logged():
            self._shown.waiting(host, what, seconds)

    def moves(self, moves: MoveProgress) -> None:
        """Show the moves of a host."""
        with self._logged():
            self._shown.moves(moves)

    @contextmanager
    def _logged(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a display ends no run
            log.warning("the progress cannot be shown any more: %s", error)
            self._shown = NullProgress()


@contextmanager
def progress(err: Console, *, quiet: bool) -> Iterator[Progress]:
    """The progress that fits where stderr goes; with ``quiet`` one that shows nothing."""
    if quiet:
        yield NullProgress()
    elif not (err.is_terminal and err.is_interactive):
        yield Guarded(Lines(err))
    else:
        with Live(console=err, refresh_per_second=8, transient=True) as live:
            screen = Screen(live)
            live.get_renderable = screen.render  # type: ignore[method-assign]
            yield Guarded(screen)
