# SPDX-License-Identifier: Apache-2.0
"""The report of a command on stdout, in the format asked for: one view for each kind of report."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import singledispatch
from typing import Any

from nova_decom.errors import ConfigurationError
from nova_decom.model.change import Status
from nova_decom.model.plan import Verdict, counted
from nova_decom.model.report import HostReport, Report, Result
from nova_decom.model.tables import (
    AuditReport,
    DoctorReport,
    HostRow,
    LinesReport,
    ListReport,
    RunsReport,
    StepsReport,
)

Row = Mapping[str, Any]

#: Every column of an audit, of a list and of the runs.
TRACE = ("host", "kind", "target", "detail", "remedy")
HOST = tuple(field.name for field in fields(HostRow))
RUN = ("run", "at", "command", "by", "hosts", "result", "exit_code", "reason", "problem", "cloud")

#: The columns of a table when none are named; it should fit a terminal.
AT_A_GLANCE = {
    HOST: ("host", "status", "state", "heartbeat", "zone", "servers", "verdict"),
    RUN: ("run", "command", "hosts", "result", "exit_code", "by", "reason"),
}
#: The columns that a narrow terminal leaves out, the first one first.
FIRST_TO_GO = ("zone", "heartbeat", "reason", "by", "exit code")


@dataclass(frozen=True, slots=True)
class Style:
    """How a report is shown: the output options of the command line."""

    format: str = "table"
    color: str = "auto"
    column: tuple[str, ...] = ()
    quiet: bool = False
    wide: bool = False
    verbose: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Style:
        """The style that settings ask for, as far as they are known."""
        known = {f.name: settings[f.name] for f in fields(cls) if settings.get(f.name)}
        return cls(**known)


def show(report: Report, style: Style) -> None:
    """Write the report to stdout, and for people its errors to stderr.

    :raises ConfigurationError: there is no such column.
    :raises OSError: stdout cannot be written.
    """
    if style.format in {"json", "yaml"}:
        from nova_decom.output import json_envelope

        write = json_envelope.as_json if style.format == "json" else json_envelope.as_yaml
        sys.stdout.writelines(write(report))
    else:
        view(report, style)
    sys.stdout.flush()


@singledispatch
def view(report: Report, style: Style) -> None:
    """Show the report of each host as text, and each error on stderr."""
    from nova_decom.output import text
    from nova_decom.output.console import console, entry

    out = console(sys.stdout, style.color)
    if report.is_overview:
        text.print_overview(out, report)
    else:
        text.print_report(out, report, verbose=style.verbose)
    err = console(sys.stderr, style.color)
    blocked = [host for host in report.hosts if host.result is Result.BLOCKED]
    if blocked and not report.is_overview:
        why = "; ".join(f"{host.host} by {text.blocking(host)}" for host in blocked)
        entry(err, (("blocked: ", "bold red"),), why)
    for host in report.hosts:
        if error := _error_of(host, report.command):
            text.print_error(err, *error)
    if report.error is not None:
        text.print_error(err, report.error, report.remedy)


def _error_of(host: HostReport, command: str) -> tuple[str, str | None] | None:
    """The error of one host and its remedy; the findings stand in the report already."""
    blocking = ", ".join(f.guard for f in host.findings if f.verdict is Verdict.BLOCKED)
    if host.result is Result.REFUSED and blocking:
        unchanged = "" if command == "verify" else "; nothing was changed"
        more = "; ".join(f"nova-decom explain {name}" for name in blocking.split(", "))
        return f"{host.host}: refused by {blocking}{unchanged}", more
    if host.error is None:
        return None
    from nova_decom.steps import MOVING_STEPS

    if command == "verify" and blocking:
        return f"{host.host}: {host.result}; a removal would be refused by {blocking}", None
    if stuck := [
        o for o in host.outcomes if o.status is Status.FAILED and o.change.step in MOVING_STEPS
    ]:
        return f"{host.host}: {counted(len(stuck), 'server')} could not be moved", host.remedy
    result = "" if host.error.startswith(str(host.result)) else f"{host.result}: "
    return f"{host.host}: {result}{host.error}", host.remedy


@view.register
def _(report: ListReport, style: Style) -> None:
    _show_rows(report.extra["hosts"], HOST, style, "no compute hosts")


@view.register
def _(report: AuditReport, style: Style) -> None:
    rows = [{"host": h.host, **asdict(x)} for h in report.hosts for x in h.leftovers]
    _show_rows(rows, TRACE, style, "no leftovers found")
    # With --quiet an audit that found nothing writes nothing: cron sends no mail.
    for thing in report.unchecked if rows or not style.quiet else ():
        sys.stderr.write(f"not checked: {thing}\n")


@view.register
def _(report: RunsReport, style: Style) -> None:
    if report.saved is None or style.format != "table":
        _show_rows(report.runs, RUN, style, f"no runs yet in {report.state_dir}")
        return
    from nova_decom.output import run_history
    from nova_decom.output.console import console

    run_history.print_run(console(sys.stdout, style.color), report, verbose=style.verbose)


@view.register
def _(report: DoctorReport, style: Style) -> None:
    from nova_decom.output import text
    from nova_decom.output.console import console

    text.print_checks(console(sys.stdout, style.color), report.checks, report.grants)


@view.register
def _(report: LinesReport, _style: Style) -> None:
    from nova_decom.output.escape import safe

    sys.stdout.writelines(f"{safe(line)}\n" for line in report.lines)


@view.register
def _(report: StepsReport, style: Style) -> None:
    from nova_decom.output import text
    from nova_decom.output.console import console

    text.print_reference(console(sys.stdout, style.color), report)


def _show_rows(rows: Sequence[Row], columns: tuple[str, ...], style: Style, empty: str) -> None:
    """Show rows as a table, as CSV or as values; ``empty`` tells people that there are none."""
    from nova_decom.output.console import console, line
    from nova_decom.output.table import delimited, print_table

    is_table = style.format == "table"
    glance = columns if style.wide else AT_A_GLANCE.get(columns, columns)
    names = style.column or (glance if is_table else columns)
    for name in names:
        if name not in columns:
            raise ConfigurationError(f"no column {name!r}", f"one of: {', '.join(columns)}")
    if not rows and style.format != "csv":
        # A pipe, a mail from cron and --quiet get no line when there are no rows.
        if is_table and sys.stdout.isatty() and not style.quiet:
            console(sys.stdout, "never").print(line(empty))
        return
    cells = [[_cell(row[name]) for name in names] for row in rows]
    if is_table:
        if "heartbeat" in names:
            at = names.index("heartbeat")
            for line_ in cells:
                line_[at] = age(line_[at], datetime.now(UTC))
        headings = [name.replace("_", " ") for name in names]
        first_to_go = () if style.wide or style.column else FIRST_TO_GO
        print_table(console(sys.stdout, style.color), headings, cells, first_to_go)
    else:
        sys.stdout.write(delimited(names, cells, style.format) + "\n")


def age(time: str, now: datetime) -> str:
    """How long ago the time in UTC was; a text that is no time stays as it is."""
    try:
        seconds = (now - datetime.fromisoformat(time).replace(tzinfo=UTC)).total_seconds()
    except ValueError:
        return time
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name} ago"
    return f"{max(seconds, 0):.0f} s ago"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {name}" for name, count in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "-"
    return str(value)
