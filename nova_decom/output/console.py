# SPDX-License-Identifier: Apache-2.0
"""The one way to the terminal: no markup, no wrapping away, and every string through safe()."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nova_decom.output.escape import safe

#: In a pipe or a file a table is as wide as its content, up to so many columns.
OFF_TERMINAL = 1000

#: From so many columns on, a change has room beside its step.
WIDE = 100
#: How far a text is set in that stands below its label.
BELOW = 8

Part = str | tuple[str, str]


class _Console(Console):
    """Leaves it to the caller what to do when nobody reads any more; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Say so."""
        raise BrokenPipeError


def console(stream: TextIO, color: str) -> Console:
    """A console that takes no text for markup, highlights nothing and wraps nothing away."""
    forced = {"always": True, "never": False, "auto": None}[color]
    return _Console(
        file=stream,
        width=None if stream.isatty() else OFF_TERMINAL,
        force_terminal=forced,
        no_color=True if color == "never" else None,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )


def line(*parts: Part) -> Text:
    """One line of plain or (text, style) parts, with nothing in it that steers a terminal."""
    return Text.assemble(*(safe(p) if isinstance(p, str) else (safe(p[0]), p[1]) for p in parts))


def is_narrow(out: Console) -> bool:
    """True for a terminal with too little room beside a long label."""
    return out.is_terminal and out.width < WIDE


def entry(out: Console, label: tuple[Part, ...], text: Part, *, beside: bool = True) -> None:
    """A label and a text; on a terminal the text goes on under itself, elsewhere in its line.

    On a terminal it stands below the label when that is wanted, or when it keeps a word from
    being broken: a uuid in two pieces cannot be copied.
    """
    head, body = line(*label), line(text)
    if not out.is_terminal:
        out.print(head + body)
        return
    longest = max(map(len, body.plain.split()), default=0)
    broken = out.width - head.cell_len < longest <= out.width - BELOW
    if head.plain.strip() and (broken or not beside):
        head.rstrip()
        out.print(head)
        head = line(" " * BELOW)
    grid = Table.grid()
    grid.add_column(width=head.cell_len, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(head, body)
    out.print(grid, soft_wrap=False)
