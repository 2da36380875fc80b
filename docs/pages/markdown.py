# SPDX-License-Identifier: Apache-2.0
"""The little Markdown that the generated pages need."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence

NOTE = "<!-- Written by docs/generate.py from the code. -->"


def page(title: str, *parts: str | Iterable[str]) -> str:
    """A page: the note that nobody should edit it, its title, and its lines."""
    lines = [NOTE, "", f"# {title}", ""]
    for part in parts:
        lines += [part, ""] if isinstance(part, str) else [*part, ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; a pipe in a cell does not end it."""
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from (_row([cell.replace("|", "\\|") for cell in row]) for row in rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """Text as it is typed or seen, also with a backtick in it."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def docstring(thing: object) -> str:
    """What a docstring says, its literals as Markdown has them."""
    return (inspect.getdoc(thing) or "").replace("``", "`")
