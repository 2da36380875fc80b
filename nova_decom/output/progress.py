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
from nova_decom.output.safe import safe

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

    def change(self, host: str, change: Change, status: str) -> None:
        """Say that a change began or ended."""
        self._say(f"{safe(host)}: {change.step} {change.action}: {status}")

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Say what is waited for, and how long at most."""
        self._say(f"{safe(host)}: waiting up to {seconds:g} s: {safe(what)}")

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

    def change(self, host: str, change: Change, status: str) -> None:
        """Show a change begin; when it ends, print it above the live line."""
        what = f"{safe(host)}  {change.step} {change.action}"
        if status == "started":
            self._now, self._note = (what, time.monotonic()), None
            return
        taken = time.monotonic() - self._now[1] if self._now else 0.0
        mark, style = MARKS.get(status, ("?", ""))
        self._now = None
        self._live.console.print(
            Text.assemble((f"{mark} ", style), what, (f"  {taken:.1f} s", "dim"))
        )

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Show what is waited for."""
        if self._now is None:
            self._now = (f"{safe(host)}  verify", time.monotonic())
        self._note = f"up to {seconds:g} s: {safe(what)}"

    def render(self) -> RenderableType:
        """The live line."""
        if self._now is None:
            return Text("")
        what, since = self._now
        text = Text(f"{what}  {time.monotonic() - since:.0f} s")
        if self._note:
            text.append(f"  ({self._note})", "dim")
        grid = Table.grid(padding=(0, 1))
        grid.add_row(self._spinner, text)
        return grid


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
