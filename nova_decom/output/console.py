# SPDX-License-Identifier: Apache-2.0
"""The console for all text output: no markup, and every string made safe."""

from __future__ import annotations

import re
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nova_decom.output.escape import safe

#: The greatest width of a table in a pipe or a file.
OFF_TERMINAL = 1000

#: The width from which a change is printed beside its step.
WIDE = 100
#: The indentation of a text below its label.
BELOW = 8

#: The end of the label of a remedy.
REMEDY = "→ "
#: The begin of a command that an operator copies.
COMMAND = re.compile(r"\b(nova-decom|openstack|nova-manage|rabbitmqctl|mariadb|GRANT) [a-z A-Z]")

Part = str | tuple[str, str]


class _Console(Console):
    """A console that raises when its pipe is closed, where rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Raise, instead of an exit."""
        raise BrokenPipeError


def console(stream: TextIO, color: str) -> Console:
    """A console that prints text as it is: no markup, no highlighting, no words lost."""
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
    """One line of plain or (text, style) parts, without control characters."""
    return Text.assemble(*(safe(p) if isinstance(p, str) else (safe(p[0]), p[1]) for p in parts))


def is_narrow(out: Console) -> bool:
    """True for a terminal that is too narrow to print a text beside a long label."""
    return out.is_terminal and out.width < WIDE


def entry(out: Console, label: tuple[Part, ...], text: Part, *, beside: bool = True) -> None:
    """Print a label and a text; on a terminal, the lines of the text are aligned.

    On a terminal the text is printed below the label without ``beside``, or where a word would
    be broken otherwise, at the left edge if need be: a uuid in two pieces cannot be copied. A
    long remedy with a command has no line breaks of ours at all.
    """
    head, body = line(*label), line(text)
    has_command = head.plain.endswith(REMEDY) and COMMAND.search(body.plain)
    if not out.is_terminal or (has_command and head.cell_len + body.cell_len > out.width):
        out.print(head + body)
        return
    room = out.width - longest_word(body)
    indent = head.cell_len
    if indent > room >= 0 or (head.plain.strip() and not beside):
        head.rstrip()
        indent = BELOW if room < 0 else min(BELOW, room)
        if head:
            out.print(head)
            head = line("")
    grid = Table.grid()
    grid.add_column(width=indent, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(head, body)
    out.print(grid, soft_wrap=False)


def longest_word(text: Text) -> int:
    """The width of the longest word, or of a whole command, as it is copied as a whole."""
    words = [text.plain] if COMMAND.match(text.plain) else text.plain.split()
    return max(map(cell_len, words), default=1)
