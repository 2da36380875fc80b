# SPDX-License-Identifier: Apache-2.0
"""The result of a command for each host, as values."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nova_decom.errors import NovaDecomError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.plan import Finding, Kept, Leftover, Plan, ReAdd


class Result(StrEnum):
    """The result for one host."""

    PLANNED = "planned"
    BLOCKED = "blocked"
    REMOVED = "removed"
    DRAINED = "drained"
    ENABLED = "enabled"
    RETURNED = "returned"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CLEAN = "clean"
    LEFTOVERS = "leftovers"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class HostReport:
    """The report of one command about one host."""

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
    """The report of a command, for output as text, JSON or YAML."""

    command: str
    exit_code: int
    hosts: tuple[HostReport, ...] = ()
    run: str | None = None
    error: str | None = None
    remedy: str | None = None
    is_overview: bool = False
    #: The journal of the run, and the seconds that it took.
    journal: str | None = None
    seconds: float | None = None
    #: The operator has read the plan before the run.
    is_confirmed: bool = False
    #: The cloud that the command has connected to.
    cloud: CloudIdentity | None = None

    @property
    def changed(self) -> bool:
        """True when any host was changed."""
        return any(h.changed for h in self.hosts)

    @property
    def extra(self) -> dict[str, Any]:
        """Further keys of the JSON document, by the kind of report."""
        return {}


def messages(findings: Iterable[Finding]) -> str:
    """The messages of several guards as one text."""
    return "; ".join(f"{f.guard}: {f.message}" for f in findings)


def remedies(findings: Iterable[Finding]) -> str | None:
    """The remedies of several guards as one text, each once; None without any."""
    return "; ".join(dict.fromkeys(f.remedy for f in findings if f.remedy)) or None


def pending(changes: Iterable[Change], ended: Iterable[Outcome] = ()) -> tuple[Outcome, ...]:
    """The outcomes of changes that were not begun: all but those that have ended."""
    known = {outcome.change.key for outcome in ended}
    return tuple(Outcome(c, Status.PENDING) for c in changes if c.key not in known)


def planned(plan: Plan) -> HostReport:
    """The report of a plan before anything is done; blocked when a guard blocks it."""
    return HostReport(
        host=plan.host,
        result=Result.BLOCKED if plan.blocked else Result.PLANNED,
        findings=plan.findings,
        outcomes=tuple(Outcome(c, Status.PLANNED) for c in plan.changes),
        leftovers=plan.leftovers,
        kept=plan.kept,
        unchecked=plan.unchecked,
        to_do=plan.to_do,
    )


def refused(
    plan: Plan, blocked: Collection[Finding] | None = None, code: ExitCode = ExitCode.REFUSED
) -> HostReport:
    """The report of a host that guards block: those of ``blocked``, or all that do."""
    blocked = plan.blocked if blocked is None else blocked
    return HostReport(
        host=plan.host,
        result=Result.REFUSED,
        findings=plan.findings,
        outcomes=pending(plan.changes),
        kept=plan.kept,
        error=messages(blocked),
        remedy=remedies(blocked),
        exit_code=code,
    )


def failed(
    plan: Plan,
    error: NovaDecomError,
    outcomes: Iterable[Outcome] = (),
    result: Result = Result.FAILED,
    code: ExitCode | None = None,
) -> HostReport:
    """The report of a host that an error ended; changes without an outcome are pending."""
    ended = tuple(outcomes)
    return HostReport(
        host=plan.host,
        result=result,
        findings=plan.findings,
        outcomes=(*ended, *pending(plan.changes, ended)),
        kept=plan.kept,
        error=str(error),
        remedy=error.remedy,
        exit_code=error.exit_code if code is None else code,
    )


def not_begun(plan: Plan) -> HostReport:
    """The report of a host that was left out, because an earlier host failed."""
    error = NovaDecomError(
        "not started, because an earlier host failed",
        "run again for this host, or give --on-failure continue",
    )
    return failed(plan, error, result=Result.INTERRUPTED)
