# SPDX-License-Identifier: Apache-2.0
"""The progress of a run on a terminal, and the choice of the progress for each place."""

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
from nova_decom.output.escape import safe
from nova_decom.output.progress_lines import (
    JsonLines,
    Lines,
    flight,
    hint,
    moves_in_short,
    summary,
)
from nova_decom.steps import MOVING_STEPS

log = logging.getLogger(__name__)

MARKS = {
    "done": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "not-needed": ("-", "dim"),
    "pending": ("…", "yellow"),
    "in-progress": ("…", "yellow"),
}


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


def _add_moves(grid: Table, moves: MoveProgress, spinner: Spinner) -> None:
    """Add a line for the host, with rate and time left, and one for each server that moves."""
    grid.add_row(spinner, Text(moves_in_short(moves)))
    for move in moves.flights:
        what, seconds = flight(moves, move)
        grid.add_row("", Text(f"  {what}").append(f"  {seconds}", "dim"))
        if hint(moves, move):
            grid.add_row("", Text(f"    to end it: {hint(moves, move)}", "dim"))


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
def progress(err: Console, *, quiet: bool, style: str = "auto") -> Iterator[Progress]:
    """The progress of a style, or that fits where stderr goes; ``quiet`` shows nothing."""
    if style == "json":
        yield Guarded(JsonLines())
    elif quiet:
        yield NullProgress()
    elif style == "lines" or not (err.is_terminal and err.is_interactive):
        yield Guarded(Lines(err))
    else:
        with Live(console=err, refresh_per_second=8, transient=True) as live:
            screen = Screen(live)
            live.get_renderable = screen.render  # type: ignore[method-assign]
            yield Guarded(screen)
