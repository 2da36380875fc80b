# SPDX-License-Identifier: Apache-2.0
"""What is to be done, and what came of it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts


class Verdict(StrEnum):
    """What a guard says."""

    OK = "ok"
    WARNING = "warning"
    BLOCKED = "blocked"


#: A message names at most so many things; the rest is counted.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Objection:
    """Why not, and what would resolve it."""

    message: str
    remedy: str
    verdict: Verdict = Verdict.BLOCKED


@dataclass(frozen=True, slots=True)
class Finding:
    """What one guard saw."""

    guard: str
    verdict: Verdict
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A trace of the host that is still somewhere, and what cures it."""

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
        """The findings that forbid to begin."""
        return tuple(f for f in self.findings if f.verdict is Verdict.BLOCKED)


@dataclass(frozen=True, slots=True)
class ReAdd:
    """Whether a host of the same name may join again, and what stands in its way."""

    safe: bool
    because: tuple[str, ...] = ()


def summary(thing: object) -> str:
    """The first sentence of the docstring of a step or of a guard."""
    return " ".join((thing.__doc__ or "").split("\n\n", maxsplit=1)[0].split())


def some(texts: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    items = list(texts)
    rest = [f"and {len(items) - NAMED} more"] if len(items) > NAMED else []
    return ", ".join([*items[:NAMED], *rest])
