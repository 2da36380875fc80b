# SPDX-License-Identifier: Apache-2.0
"""The result of a command for each host, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nova_decom.model.change import Outcome
from nova_decom.model.plan import (
    Finding,
    Kept,
    Leftover,
    ReAdd,
)


class Result(StrEnum):
    """How a host ended."""

    PLANNED = "planned"
    REMOVED = "removed"
    DRAINED = "drained"
    ENABLED = "enabled"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CLEAN = "clean"
    LEFTOVERS = "leftovers"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class HostReport:
    """What one command did to, or saw of, one host."""

    host: str
    result: Result
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    kept: tuple[Kept, ...] = ()
    unchecked: tuple[str, ...] = ()
    to_do: tuple[str, ...] = ()
    readd: ReAdd | None = None
    error: str | None = None
    remedy: str | None = None
    exit_code: int = 0

    @property
    def changed(self) -> bool:
        """True when at least one change was made, or may have been."""
        return any(o.begun and not o.change.only_waits for o in self.outcomes)


@dataclass(frozen=True, slots=True)
class Report:
    """What a command returns; the output package renders it as text, JSON or YAML."""

    command: str
    exit_code: int
    hosts: tuple[HostReport, ...] = ()
    run: str | None = None
    error: str | None = None
    remedy: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    is_overview: bool = False

    @property
    def changed(self) -> bool:
        """True when any host was changed."""
        return any(h.changed for h in self.hosts)
