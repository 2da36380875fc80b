# SPDX-License-Identifier: Apache-2.0
"""Host names: those that may mean the same machine, and a name in a command. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote


def same_machine(one: str, other: str) -> bool:
    """True when two names differ by case or by their domains only.

    Names that consist of numbers, as addresses do, have no domain.
    """
    a, b = one.casefold(), other.casefold()
    if a == b:
        return True
    labels_a, labels_b = a.split("."), b.split(".")
    if all(label.isdigit() for label in (*labels_a, *labels_b)):
        return False
    return labels_a[0] == labels_b[0]


def other_spellings(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names, sorted, that are spelled otherwise and may mean the same machine."""
    return tuple(sorted({n for n in names if n != name and same_machine(name, n)}))


def typed(command: str, host: str, *options: str) -> str:
    """Our command for the host, whose name is one word to a shell and no option to us."""
    name = (*options, "--", quote(host)) if host.startswith("-") else (quote(host), *options)
    return " ".join(("nova-decom", command, *name))


def removal(host: str, *options: str) -> str:
    """The command that removes the host."""
    return typed("remove", host, *options)
