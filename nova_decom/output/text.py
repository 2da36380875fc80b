# SPDX-License-Identifier: Apache-2.0
"""Reports for people: plans, results, tables. Every string goes through :func:`safe`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nova_decom.model import Change, HostReport, Outcome, Report, Result, Status, Verdict
from nova_decom.output.safe import safe

#: In a pipe or a file a table is as wide as its content, up to so many columns.
OFF_TERMINAL = 1000

STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.BLOCKED: "bold red",
    Status.PLANNED: "cyan",
    Status.DONE: "green",
    Status.NOT_NEEDED: "dim",
    Status.FAILED: "bold red",
    Status.PENDING: "dim",
    Result.REMOVED: "bold green",
    Result.CLEAN: "bold green",
    Result.UNCHANGED: "green",
    Result.PLANNED: "bold",
    Result.REFUSED: "bold red",
    Result.FAILED: "bold red",
    Result.LEFTOVERS: "bold yellow",
    Result.INTERRUPTED: "bold yellow",
}


class _Console(Console):
    """Leaves it to the caller what to do when nobody reads any more; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Say so."""
        raise BrokenPipeError


def console(stream: TextIO, color: str) -> Console:
    """A console that takes no text for markup, highlights nothing and wraps nothing away."""
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


def print_report(out: Console, report: Report, *, verbose: bool) -> None:
    """Each host in full, one after the other."""
    for number, host in enumerate(report.hosts):
        if number:
            out.print()
        _print_host(out, host, verbose=verbose)


def print_overview(out: Console, report: Report) -> None:
    """One line per host: removable, or blocked by what."""
    rows = [(h.host, verdict(h)) for h in report.hosts]
    print_table(out, ("host", "verdict"), rows)


def verdict(report: HostReport) -> str:
    """A host in one phrase: removable, blocked by which guards, or left over."""
    blocked = [f.guard for f in report.findings if f.verdict is Verdict.BLOCKED]
    if blocked:
        return f"blocked: {', '.join(blocked)}"
    if report.leftovers:
        kinds = dict.fromkeys(leftover.kind for leftover in report.leftovers)
        return f"removable, would leave: {', '.join(kinds)}"
    return "removable"


def print_table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table; a cell that is too wide goes on in the next line."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    out.print(table, soft_wrap=False)


def delimited(columns: Sequence[str], rows: Iterable[Sequence[str]], style: str) -> str:
    """CSV as OpenStack's command lines write it (quoted text), or plain values by spaces."""
    if style == "value":
        return "\n".join(" ".join(safe(cell) for cell in row) for row in rows)
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return buffer.getvalue().rstrip("\n")


def print_checks(out: Console, checks: Iterable[Mapping[str, Any]]) -> None:
    """What doctor looked at."""
    for check in checks:
        mark = ("ok", "green") if check["ok"] else ("FAILED", "bold red")
        out.print(Text.assemble((f"{mark[0]:8}", mark[1]), safe(check["name"])), end="")
        out.print(Text(f": {safe(check['detail'])}" if check["detail"] else ""))
        if check["remedy"]:
            out.print(Text(f"        → {safe(check['remedy'])}"))


def print_reference(out: Console, extra: Mapping[str, Any]) -> None:
    """The procedure and the guards."""
    out.print(Text("Steps, in this order", "bold"))
    for number, step in enumerate(extra["steps"], 1):
        can = "" if step["reversible"] else "  (not reversible)"
        out.print(f"  {number}. {step['name']:20} {step['summary']}{can}")
    out.print(Text("\nGuards, asked before anything is changed", "bold"))
    for guard in extra["guards"]:
        can = "" if guard["skippable"] else "  (cannot be skipped)"
        out.print(f"  {guard['name']:20}    {guard['summary']}{can}")


def print_error(err: Console, message: str, remedy: str | None) -> None:
    """One message that says what was seen, and what to type next."""
    err.print(Text.assemble(("error: ", "bold red"), safe(message)))
    if remedy:
        err.print(Text(f"  → {safe(remedy)}"))


def _print_host(out: Console, host: HostReport, *, verbose: bool) -> None:
    out.print(
        Text.assemble((safe(host.host), "bold"), "  ", (host.result, STYLES.get(host.result, "")))
    )
    _print_findings(out, host, verbose=verbose)
    if host.result is Result.REFUSED:
        out.print(Text("\n  Nothing was changed."))
    else:
        _print_outcomes(out, host.outcomes, verbose=verbose)
    _print_list(out, "Left over", [(x.kind, x.target, x.detail, x.remedy) for x in host.leftovers])
    _print_list(out, "Kept", [(k.binary, k.host, k.why, None) for k in host.kept])
    if host.unchecked:
        out.print(Text(f"\n  Not checked  {safe('; '.join(host.unchecked))}"))


def _print_findings(out: Console, host: HostReport, *, verbose: bool) -> None:
    shown = [f for f in host.findings if verbose or f.verdict is not Verdict.OK]
    if not host.findings:
        return
    passed = sum(f.verdict is Verdict.OK for f in host.findings)
    out.print(Text.assemble(("\n  Guards", "bold"), f"  {passed} of {len(host.findings)} ok"))
    for finding in shown:
        out.print(
            Text.assemble(
                "    ",
                (f"{finding.verdict:8}", STYLES[finding.verdict]),
                f" {finding.guard}: {safe(finding.message)}",
            )
        )
        if finding.remedy:
            out.print(Text(f"             → {safe(finding.remedy)}"))


def _print_outcomes(out: Console, outcomes: Sequence[Outcome], *, verbose: bool) -> None:
    if outcomes:
        out.print(Text("\n  Changes", "bold"))
    for number, outcome in enumerate(outcomes, 1):
        _print_outcome(out, number, outcome)
        if verbose or outcome.status is Status.PLANNED:
            for line in _statements(outcome.change):
                out.print(Text(f"                    {line}", "dim"))


def _print_outcome(out: Console, number: int, outcome: Outcome) -> None:
    change = outcome.change
    out.print(
        Text.assemble(
            f"  {number:3}  ",
            (f"{outcome.status:10}", STYLES[outcome.status]),
            f" {change.step:16} {_sentence(change)}",
        )
    )


def _sentence(change: Change) -> str:
    if change.transaction is None:
        return safe(change.detail)
    return f"{safe(change.target)}: {change.rows} rows, in one transaction"


def _statements(change: Change) -> Iterable[str]:
    if change.transaction is None:
        return
    yield "START TRANSACTION;"
    for statement in change.transaction.statements:
        verb = "find" if statement.is_read else "touch"
        rows = f"{statement.rows} row{'' if statement.rows == 1 else 's'}"
        yield f"{safe(statement.text)};  -- must {verb} {rows}"
    yield "COMMIT;"


def _print_list(
    out: Console, title: str, items: Sequence[tuple[str, str, str, str | None]]
) -> None:
    if not items:
        return
    out.print(Text(f"\n  {title}", "bold"))
    for kind, target, detail, remedy in items:
        out.print(Text(f"    {kind:18} {safe(target)}  {safe(detail)}"))
        if remedy:
            out.print(Text(f"                       → {safe(remedy)}"))
