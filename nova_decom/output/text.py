# SPDX-License-Identifier: Apache-2.0
"""Reports as text: plans, results, tables."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Verdict, counted
from nova_decom.model.report import HostReport, Report, Result
from nova_decom.model.tables import DoctorCheck, StepsReport
from nova_decom.output.console import BELOW, entry, is_narrow, line
from nova_decom.output.table import print_table
from nova_decom.steps import PERMANENT

STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.BLOCKED: "bold red",
    Status.PLANNED: "cyan",
    Status.DONE: "green",
    Status.NOT_NEEDED: "dim",
    Status.FAILED: "bold red",
    Status.PENDING: "dim",
    Status.IN_PROGRESS: "yellow",
    Result.REMOVED: "bold green",
    Result.RESTORED: "bold green",
    Result.CLEAN: "bold green",
    Result.UNCHANGED: "green",
    Result.PLANNED: "bold",
    Result.BLOCKED: "bold red",
    Result.REFUSED: "bold red",
    Result.FAILED: "bold red",
    Result.LEFTOVERS: "bold yellow",
    Result.INTERRUPTED: "bold yellow",
}
#: Changes of servers that are not where they should be; each is shown with its error.
OPEN = {Status.FAILED, Status.IN_PROGRESS}
#: Changes that leave no work.
ENDED = {Status.DONE, Status.NOT_NEEDED}
SUMMARY = ("host", "result", "changes", "left over", "why")


def print_report(out: Console, report: Report, *, verbose: bool, reads: bool = True) -> None:
    """Print the report of each host, and a summary of several.

    ``reads``: print the statements of a transaction that only check, too.
    """
    for number, host in enumerate(report.hosts):
        if number:
            out.print()
        is_short = report.is_confirmed and not verbose
        _print_host(out, host, verbose=verbose, is_short=is_short, reads=reads)
    if len(report.hosts) > 1:
        out.print()
        print_table(out, SUMMARY, map(_summary, report.hosts))
        out.print(line(results_of(report)))
    if report.journal is not None:
        _print_end(out, report)


def results_of(report: Report) -> str:
    """The number of hosts by result."""
    counts = Counter(str(host.result) for host in report.hosts)
    return ", ".join(f"{count} {result}" for result, count in counts.items())


def _print_end(out: Console, report: Report) -> None:
    """Print the verdict on a run in one line, and the commands that follow it."""
    seconds = f" in {report.seconds:.0f} s" if report.seconds is not None else ""
    _print_heading(out, f"{results_of(report)}{seconds}", f"run {report.run}")
    undo = "nova-decom restore last" if report.command == "remove" and report.changed else None
    if report.command == "drain" and report.changed:
        undo = f"nova-decom enable {shlex.join(h.host for h in report.hosts if h.changed)}"
    rows = [("journal", report.journal), ("report", "nova-decom report last"), ("undo", undo)]
    for name, text in rows:
        if text:
            entry(out, (f"    {name:18} ",), text)


def _summary(host: HostReport) -> tuple[str, ...]:
    """One host in one row: result, changes by status, number of leftovers, error."""
    counts = Counter(str(outcome.status) for outcome in host.outcomes)
    changes = ", ".join(f"{count} {status}" for status, count in counts.items())
    return (
        host.host,
        str(host.result),
        changes or "-",
        str(len(host.leftovers)),
        host.error or blocking(host),
    )


def print_overview(out: Console, report: Report) -> None:
    """Print one line per host: removable, or blocked by which guards."""
    rows = [(h.host, verdict(h)) for h in report.hosts]
    print_table(out, ("host", "verdict"), rows)


def verdict(report: HostReport) -> str:
    """The verdict on a host in a few words: removable, or blocked by which guards."""
    blocked = blocking(report)
    if blocked:
        return f"blocked: {blocked}"
    if report.leftovers:
        kinds = dict.fromkeys(leftover.kind for leftover in report.leftovers)
        return f"removable, would leave: {', '.join(kinds)}"
    return "removable"


def print_checks(out: Console, checks: Iterable[DoctorCheck], grants: Sequence[str] = ()) -> None:
    """The checks of doctor, each with its outcome; the missing grants as SQL to be pasted."""
    for check in checks:
        mark = ("ok      ", "green") if check.ok else ("FAILED  ", "bold red")
        entry(out, (mark,), check.name + (f": {check.detail}" if check.detail else ""))
        if check.remedy and check.remedy not in grants:
            entry(out, ("        → ",), check.remedy)
    if grants:
        out.print(line(("\nMissing rights, as SQL for a DBA:", "bold")))
    for grant in grants:
        out.print(line(grant))


def print_reference(out: Console, report: StepsReport) -> None:
    """The steps and the guards, each with its first sentence."""
    out.print(line(("Steps, in this order", "bold")))
    for number, step in enumerate(report.steps, 1):
        can = "" if step.reversible else "  (not reversible)"
        entry(out, (f"  {number:2} {step.name:22} ",), f"{step.summary}{can}")
    out.print()
    out.print(line(("Guards, asked before anything is changed", "bold")))
    for guard in report.guards:
        can = "" if guard.skippable else "  (cannot be skipped)"
        entry(out, (f"     {guard.name:22} ",), f"{guard.summary}{can}")


def print_error(err: Console, message: str, remedy: str | None) -> None:
    """Print an error and its remedy."""
    entry(err, (("error: ", "bold red"),), message)
    if remedy:
        entry(err, ("     → ",), remedy)


def _print_host(
    out: Console, host: HostReport, *, verbose: bool, is_short: bool, reads: bool
) -> None:
    """Print a host; ``is_short`` leaves out guards that passed and changes that are done."""
    result = (str(host.result), STYLES.get(host.result, ""))
    _print_beside(out, line((host.host, "bold")), line(result, _but(host)))
    if not is_short or any(f.verdict is not Verdict.OK for f in host.findings):
        _print_findings(out, host, verbose=verbose)
    if host.result is not Result.REFUSED:
        open_ones = [o for o in host.outcomes if o.status not in ENDED or not is_short]
        only_left = host.result is Result.LEFTOVERS
        _print_outcomes(out, open_ones, verbose=verbose, reads=reads, only_left=only_left)
    _print_list(out, "Left over", [(x.kind, x.target, x.detail, x.remedy) for x in host.leftovers])
    _print_list(out, "Kept", [(k.binary, k.host, k.why, None) for k in host.kept])
    if host.unchecked:
        _print_heading(out, "Not checked")
    for thing in host.unchecked:
        entry(out, ("    ",), thing)
    if host.to_do:
        is_early = host.result in {Result.FAILED, Result.INTERRUPTED}
        _print_heading(out, "Left undone" if is_early else "Still to do by hand")
    for thing in host.to_do:
        entry(out, ("    ",), thing)
    if host.readd is not None:
        because = ", because" if host.readd.open else ""
        _print_heading(out, f"Safe to re-add under this name: {host.readd.answer}{because}")
        _print_items(out, [(c.name, str(c.met), c.detail, c.remedy) for c in host.readd.open])


def _print_beside(out: Console, name: Text, verdict: Text) -> None:
    """Print a name and a verdict, in two lines on a terminal that is too narrow for both."""
    is_too_wide = out.is_terminal and name.cell_len + 2 + verdict.cell_len > out.width
    out.print(name, verdict, sep=f"\n{' ' * BELOW}" if is_too_wide else "  ")


def _but(host: HostReport) -> tuple[str, str]:
    """The guards that block a plan, for its first line."""
    is_blocked = host.result is Result.BLOCKED
    return (f" by {blocking(host)}", STYLES[Verdict.BLOCKED]) if is_blocked else ("", "")


def blocking(host: HostReport) -> str:
    """The names of the guards that block the host."""
    return ", ".join(f.guard for f in host.findings if f.verdict is Verdict.BLOCKED)


def _print_heading(out: Console, title: str, detail: str = "") -> None:
    out.print()
    out.print(line("  ", (title, "bold"), f"  {detail}" if detail else ""))


def _print_findings(out: Console, host: HostReport, *, verbose: bool) -> None:
    shown = [f for f in host.findings if verbose or f.verdict is not Verdict.OK]
    if not host.findings:
        return
    passed = sum(f.verdict is Verdict.OK for f in host.findings)
    _print_heading(out, "Guards", f"{passed} of {len(host.findings)} ok")
    for finding in shown:
        verdict = (f"{finding.verdict:8}", STYLES[finding.verdict])
        entry(out, ("    ", verdict, " "), f"{finding.guard}: {finding.message}")
        if finding.remedy:
            entry(out, ("             → ",), finding.remedy)


def _print_outcomes(
    out: Console, outcomes: Sequence[Outcome], *, verbose: bool, reads: bool, only_left: bool
) -> None:
    narrow = is_narrow(out)
    if outcomes:
        is_all = only_left and all(o.status is Status.PENDING for o in outcomes)
        _print_heading(out, "Changes that a removal would make" if is_all else "Changes")
    for number, outcome in enumerate(outcomes, 1):
        change = outcome.change
        status = (f"{outcome.status:10}", STYLES[outcome.status])
        label = (f"  {number:3}  ", status, f" {change.step:19} ")
        is_last = change.step in PERMANENT and outcome.status is Status.PLANNED
        undo = "; not reversible" if is_last else ""
        entry(out, label, f"{_sentence(change)}{undo}", beside=not narrow)
        if outcome.status in OPEN and outcome.error:
            entry(out, (" " * BELOW + "→ ",), outcome.error)
        if verbose or outcome.status is Status.PLANNED:
            for text in _statements(change, reads=reads):
                entry(out, (" " * (BELOW if narrow else 20),), (text, "dim"))


def _sentence(change: Change) -> str:
    if change.transaction is None:
        return change.detail
    rows = counted(change.rows or 0, "row")
    return f"{change.target}: {rows}, in one transaction"


def _statements(change: Change, *, reads: bool) -> Iterable[str]:
    if change.transaction is None:
        return
    yield "START TRANSACTION;"
    for statement in (s for s in change.transaction.statements if reads or not s.is_read):
        verb = "find" if statement.is_read else "touch"
        rows = counted(statement.rows, "row")
        yield f"{statement.text};  -- must {verb} {rows}"
    yield "COMMIT;"


def _print_list(
    out: Console, title: str, items: Sequence[tuple[str, str, str, str | None]]
) -> None:
    if items:
        _print_heading(out, title)
    _print_items(out, items)


def _print_items(out: Console, items: Sequence[tuple[str, str, str, str | None]]) -> None:
    for kind, target, detail, remedy in items:
        entry(out, (f"    {kind:18} ",), f"{target}  {detail}")
        if remedy:
            entry(out, (" " * 23 + "→ ",), remedy)
