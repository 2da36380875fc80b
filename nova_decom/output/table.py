# SPDX-License-Identifier: Apache-2.0
"""Rows as a table, as CSV, or as plain values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nova_decom.output.console import BELOW, COMMAND, REMEDY, entry, line, longest_word
from nova_decom.output.escape import safe


def print_table(
    out: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    first_to_go: Sequence[str] = (),
) -> None:
    """Print a table; a text that is too wide goes on in the next line, and no word is broken.

    On a terminal where the words do not fit beside each other, columns of ``first_to_go`` are
    left out, in this order. Where they do not fit then, each row is printed below its first cell.
    """
    cells = [[line(cell) for cell in row] for row in rows]
    heads = [line(column) for column in columns]
    widths = [max(map(longest_word, each)) for each in zip(heads, *cells, strict=True)]
    shown = list(range(len(columns)))

    def is_too_wide(each: Iterable[int]) -> bool:
        # Older versions of rich pad the last column too.
        return out.is_terminal and sum(width + 2 for width in each) > out.width

    for name in first_to_go:
        if name in columns and is_too_wide(widths[n] for n in shown):
            shown.remove(columns.index(name))
    if is_too_wide(widths[n] for n in shown):
        _print_rows(out, columns, cells)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for n in shown:
        is_whole = all(row[n].cell_len <= widths[n] for row in (heads, *cells))
        table.add_column(heads[n], overflow="fold", min_width=widths[n], no_wrap=is_whole)
    for row in cells:
        table.add_row(*(row[n] for n in shown))
    with out.capture() as printed:
        out.print(table, soft_wrap=False, crop=False)
    # In a pipe the last column ends where its text does, for grep.
    lines = printed.get().split("\n")
    out.file.write("\n".join(lines if out.is_terminal else map(str.rstrip, lines)))


def _print_rows(out: Console, columns: Sequence[str], rows: Iterable[Sequence[Text]]) -> None:
    """Print the first cell of each row, below it the others, and each command in its own line."""
    for first, *others in rows:
        out.print(first, style="bold")
        named = [(n, c.plain) for n, c in zip(columns[1:], others, strict=True)]
        texts = [f"{n}: {text}" for n, text in named if text and not COMMAND.search(text)]
        if texts:
            entry(out, (" " * BELOW,), "  ".join(texts))
        for text in (text for _, text in named if COMMAND.search(text)):
            entry(out, (" " * BELOW + REMEDY,), text)


def delimited(columns: Sequence[str], rows: Iterable[Sequence[str]], style: str) -> str:
    """The rows as CSV, text in quotes like the openstack command, or as plain values."""
    if style == "value":
        return "\n".join(" ".join(safe(cell) for cell in row) for row in rows)
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return buffer.getvalue().rstrip("\n")
