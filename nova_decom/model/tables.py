# SPDX-License-Identifier: Apache-2.0
"""The reports of the commands whose result is a table: list, audit, runs, doctor, steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nova_decom.model.report import Report


@dataclass(frozen=True, slots=True)
class HostRow:
    """A compute host at a glance; a field is None where the cloud has no such record."""

    host: str
    status: str | None
    state: str | None
    heartbeat: str | None
    zone: str | None
    compute_nodes: tuple[str, ...]
    servers: Mapping[str, int]
    migrations: int
    rows_live: int | None
    rows_deleted: int | None
    verdict: str


@dataclass(frozen=True, slots=True)
class ListReport(Report):
    """The compute hosts."""

    rows: tuple[HostRow, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """The rows, in place of the host reports."""
        return {"hosts": [{**asdict(r), "compute_nodes": [*r.compute_nodes]} for r in self.rows]}


@dataclass(frozen=True, slots=True)
class AuditReport(Report):
    """The leftovers of removed hosts, and what was not checked."""

    unchecked: tuple[str, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """The things that the command did not check."""
        return {"unchecked": [*self.unchecked]}


@dataclass(frozen=True, slots=True)
class RunsReport(Report):
    """The runs of the state directory, or one run with what it saved."""

    state_dir: str = ""
    runs: tuple[Mapping[str, Any], ...] = ()
    saved: tuple[Mapping[str, Any], ...] | None = None

    @property
    def extra(self) -> dict[str, Any]:
        """The runs, and of one run what it saved."""
        saved = {} if self.saved is None else {"saved": [*self.saved]}
        return {"runs": [*self.runs], **saved}


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One check of ``doctor``: its outcome and, if it failed, its remedy."""

    name: str
    ok: bool
    detail: str | None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class DoctorReport(Report):
    """The checks of ``doctor``, and the statements that grant the missing rights."""

    checks: tuple[DoctorCheck, ...] = ()
    grants: tuple[str, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """The checks and the statements."""
        return {"checks": [asdict(check) for check in self.checks], "grants": [*self.grants]}


@dataclass(frozen=True, slots=True)
class LinesReport(Report):
    """Lines for a file of another program: GRANT statements, a line of sudoers."""

    lines: tuple[str, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """The lines."""
        return {"lines": [*self.lines]}


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of the procedure."""

    name: str
    summary: str
    reversible: bool


@dataclass(frozen=True, slots=True)
class GuardRow:
    """A guard."""

    name: str
    summary: str
    skippable: bool


@dataclass(frozen=True, slots=True)
class StepsReport(Report):
    """The steps and the guards."""

    steps: tuple[StepRow, ...] = ()
    guards: tuple[GuardRow, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """The steps and the guards."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "guards": [asdict(guard) for guard in self.guards],
        }
