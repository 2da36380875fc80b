# SPDX-License-Identifier: Apache-2.0
"""Find the shell examples of a page, and compare what they show with what was seen.

An example is a ``console`` block: lines with a ``$`` prompt are typed, the others are what comes.
In the output ``…`` stands for anything within a line, a line of ``…`` for any lines, and a time
or a uuid for any other; without output only the exit code counts. HTML comments, which no reader
sees, say what else matters::

    <!-- setup: hosts node7 -->         bring the lab into a state of tests/docs/setups.py
    <!-- exits 4 -->                    the last command of the block ends so, and not with 0
    <!-- types node3 -->                it is run at a terminal, and this is typed at its prompt
    <!-- not run: REASON -->            the block cannot be run, and why
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted([CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")])
#: Languages in which nobody may hide a shell example.
SHELLS = {"bash", "sh", "shell", "shell-session", "zsh"}
ANY = "…"
#: The first line of most commands, which most examples leave out.
CLOUD = "Cloud "

_PIECE = re.compile(
    r"^<!-- (?P<directive>setup|exits|types|not run)[: ]\s*(?P<value>.*?) -->$"
    r"|^```(?P<language>[\w-]+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Command:
    """One command, its exit code and its output as the page shows them."""

    text: str
    output: tuple[str, ...] = ()
    code: int = 0
    types: str | None = None


@dataclass(frozen=True)
class Block:
    """One ``console`` block, with the states of the lab that it wants first."""

    line: int
    commands: tuple[Command, ...]
    setups: tuple[str, ...] = ()
    not_run: str | None = None


@dataclass
class _Directives:
    setups: list[str] = field(default_factory=list)
    code: int = 0
    types: str | None = None
    not_run: str | None = None


def blocks(text: str) -> Iterator[Block]:
    """The examples of a page, in their order.

    :raises ValueError: a block of shell is not written as ``console``.
    """
    told = _Directives()
    for piece in _PIECE.finditer(text):
        line = text.count("\n", 0, piece.start()) + 1
        if piece["directive"]:
            _note(told, piece["directive"], piece["value"])
        elif piece["language"] in SHELLS:
            raise ValueError(f"line {line}: write shell examples as console, with a prompt")
        elif piece["language"] == "console":
            yield _block(line, piece["body"], told)
            told = _Directives()


def _note(told: _Directives, directive: str, value: str) -> None:
    if directive == "setup":
        told.setups.append(value)
    elif directive == "exits":
        told.code = int(value)
    elif directive == "types":
        told.types = value
    else:
        told.not_run = value


def _block(line: int, body: str, told: _Directives) -> Block:
    *first, last = _commands(line, body)
    ending = Command(last.text, last.output, told.code, told.types)
    return Block(line, (*first, ending), tuple(told.setups), told.not_run)


def _commands(line: int, body: str) -> Iterator[Command]:
    if not body.startswith("$ "):
        raise ValueError(f"line {line}: a console block begins with a prompt")
    for typed in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        first, *rest = typed.splitlines()
        words = [first]
        while rest and rest[0].startswith("> "):
            words.append(rest.pop(0)[2:])
        yield Command("\n".join(words), tuple(text.rstrip() for text in rest if text.strip()))


def missing(shown: tuple[str, ...], seen: str) -> str | None:
    """The first line that the page shows and that did not come where it should; None if none.

    A line of ``…`` lets any lines pass. Empty lines, the width of gaps, and which time or uuid
    it is do not count.
    """
    lines = [_squeezed(text) for text in seen.splitlines() if text.strip()]
    if not any(text.startswith(CLOUD) for text in shown):
        lines = [text for text in lines if not text.startswith(CLOUD)]
    at, free = 0, False
    for text in shown:
        if text.strip() == ANY:
            free = True
            continue
        parts = (re.escape(part.strip()) for part in _squeezed(text).split(ANY))
        wanted = re.compile(".*".join(parts))
        reach = lines[at:] if free else lines[at : at + 1]
        found = next((n for n, line in enumerate(reach) if wanted.fullmatch(line)), None)
        if found is None:
            return text
        at, free = at + found + 1, False
    return None if free or at == len(lines) or not shown else f"the end before {lines[at]!r}"


def _squeezed(text: str) -> str:
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    return re.sub(r"\s+", " ", text).strip()
