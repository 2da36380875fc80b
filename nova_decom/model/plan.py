# SPDX-License-Identifier: Apache-2.0
"""A plan and the findings in it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts


class Verdict(StrEnum):
    """The verdict of a guard."""

    OK = "ok"
    WARNING = "warning"
    BLOCKED = "blocked"


#: The number of things that a message names; the rest is counted.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Objection:
    """The reason of a guard against a removal, and its remedy.

    ``is_partial``: it is against some servers only, which ``--partial`` leaves on the host.
    """

    message: str
    remedy: str
    verdict: Verdict = Verdict.BLOCKED
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one guard, with its message and remedy."""

    guard: str
    verdict: Verdict
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A trace of the host that is still somewhere, and the command that removes it."""

    kind: str
    target: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Something of the host that stays on purpose, and why."""

    binary: str
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The findings, the changes in order, and the facts expected at the end."""

    host: str
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    leftovers: tuple[Leftover, ...]
    kept: tuple[Kept, ...]
    result: HostFacts
    unchecked: tuple[str, ...] = ()
    to_do: tuple[str, ...] = ()

    @property
    def blocked(self) -> tuple[Finding, ...]:
        """The findings that block the plan."""
        return tuple(f for f in self.findings if f.verdict is Verdict.BLOCKED)


class Met(StrEnum):
    """Whether a condition of adding the host again is met; a value of the JSON output."""

    MET = "met"
    UNKNOWN = "unknown"
    NOT_MET = "not met"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of adding a host of the same name again, and the command that decides it."""

    name: str
    met: Met
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class ReAdd:
    """The conditions of adding a host of the same name again."""

    conditions: tuple[Condition, ...]

    @property
    def open(self) -> tuple[Condition, ...]:
        """The conditions that are not met, or not known to be."""
        return tuple(c for c in self.conditions if c.met is not Met.MET)

    @property
    def answer(self) -> str:
        """``yes``, or the worst of the conditions: ``no``, ``unknown``."""
        found = {c.met for c in self.conditions}
        return "no" if Met.NOT_MET in found else "unknown" if Met.UNKNOWN in found else "yes"


def summary(thing: object) -> str:
    """The first sentence of the docstring of a step or of a guard."""
    first = (thing.__doc__ or "").split("\n\n", maxsplit=1)[0]
    return " ".join(first.replace("``", "").split())


def counted(number: int, noun: str) -> str:
    """The number with its noun, which gets an s unless there is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def some(texts: Iterable[str], count: int | None = None) -> str:
    """The first :data:`NAMED` texts, and the number of the others.

    With ``count``, the number of all, no more texts than are named are read.
    """
    items = list(texts) if count is None else list(islice(texts, NAMED))
    more = (len(items) if count is None else count) - NAMED
    return ", ".join([*items[:NAMED], *([f"and {more} more"] if more > 0 else [])])
