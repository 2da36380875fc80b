# SPDX-License-Identifier: Apache-2.0
"""Write a report to stdout in the format asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from nova_decom.errors import ConfigurationError
from nova_decom.model.plan import Verdict
from nova_decom.model.report import Report, Result

#: Every column of an audit, and of a list.
TRACE = ("host", "kind", "target", "detail", "remedy")
HOST = (
    *("host", "status", "state", "heartbeat", "zone", "compute_nodes", "servers"),
    *("migrations", "rows_live", "rows_deleted", "verdict"),
)
RUN = ("run", "at", "command", "by", "hosts", "result", "exit_code", "reason", "problem")
#: The columns of a table when none are named; it should fit a terminal.
AT_A_GLANCE = {
    HOST: ("host", "status", "state", "heartbeat", "zone", "servers", "verdict"),
    RUN: ("run", "command", "hosts", "result", "exit_code", "by", "reason"),
}


def show(report: Report, given: Mapping[str, Any]) -> None:
    """Write it; errors of the run as a whole go to stderr as well, for people.

    :raises ConfigurationError: there is no such column.
    :raises BrokenPipeError: nobody reads it any more.
    """
    style = given.get("format") or "table"
    if style in {"json", "yaml"}:
        from nova_decom.output import json_envelope  # noqa: PLC0415

        text = json_envelope.as_json(report) if style == "json" else json_envelope.as_yaml(report)
        sys.stdout.writelines((text, "\n"))
    elif report.command == "list" and report.error is None:
        _show_list(report.extra["hosts"], style, given, HOST)
    elif report.command == "audit" and report.error is None:
        traces = _traces(report)
        _show_list(traces, style, given, TRACE)
        # An empty result under --quiet is no mail from cron every night.
        for thing in report.extra["unchecked"] if traces or not given.get("quiet") else ():
            sys.stderr.write(f"not checked: {thing}\n")
    elif _is_list_of_runs(report, style):
        _show_list(report.extra["runs"], style, given, RUN)
    else:
        _show_text(report, given)
    sys.stdout.flush()


def _is_list_of_runs(report: Report, style: str) -> bool:
    """True unless it is one run for people: its row is all that a list can hold of it."""
    one = "saved" in report.extra and style == "table"
    return report.command == "runs" and report.error is None and not one


def _show_text(report: Report, given: Mapping[str, Any]) -> None:
    from nova_decom.output import text  # noqa: PLC0415
    from nova_decom.output.console import console  # noqa: PLC0415

    color = given.get("color") or "auto"
    _show_body(report, color, verbose=bool(given.get("verbose")))
    if report.command == "runs" and report.error is None:
        # What went wrong was told when it did.
        return
    err = console(sys.stderr, color)
    for host in report.hosts:
        # What the guards saw stands in the report already.
        names = ", ".join(f.guard for f in host.findings if f.verdict is Verdict.BLOCKED)
        if host.result == Result.REFUSED and names:
            text.print_error(err, f"{host.host}: refused by {names}; nothing was changed", None)
        elif report.command == "verify" and names and host.error is not None:
            told = f"{host.host}: {host.result}; a removal would be refused by {names}"
            text.print_error(err, told, None)
        elif host.error is not None:
            text.print_error(err, f"{host.host}: {host.result}: {host.error}", host.remedy)
    if report.error is not None:
        text.print_error(err, report.error, report.remedy)


def _show_body(report: Report, color: str, *, verbose: bool) -> None:
    from nova_decom.output import run_history, text  # noqa: PLC0415
    from nova_decom.output.console import console  # noqa: PLC0415

    out = console(sys.stdout, color)
    if report.command == "steps":
        text.print_reference(out, report.extra)
    elif report.command == "doctor":
        text.print_checks(out, report.extra["checks"])
    elif report.command == "runs" and report.error is None:
        run_history.print_run(out, report, verbose=verbose)
    elif report.is_overview:
        text.print_overview(out, report)
    else:
        text.print_report(out, report, verbose=verbose)


def _traces(report: Report) -> list[dict[str, Any]]:
    """The rows of an audit: one per trace."""
    return [{"host": h.host, **asdict(x)} for h in report.hosts for x in h.leftovers]


def _show_list(
    rows: Sequence[Mapping[str, Any]],
    style: str,
    given: Mapping[str, Any],
    columns: tuple[str, ...],
) -> None:
    from nova_decom.output import text  # noqa: PLC0415
    from nova_decom.output.console import console, line  # noqa: PLC0415

    shown = AT_A_GLANCE.get(columns, columns) if style == "table" else columns
    names = tuple(given.get("column") or shown)
    for name in names:
        if name not in columns:
            raise ConfigurationError(f"no column {name!r}", f"one of: {', '.join(columns)}")
    if not rows and style != "csv":
        # Silence is for pipes, cron and mails; somebody who looks must not wonder.
        if style == "table" and sys.stdout.isatty() and not given.get("quiet"):
            console(sys.stdout, "never").print(line(_nothing(columns, given)))
        return
    cells = [[_cell(row[name]) for name in names] for row in rows]
    if style == "table":
        headings = [name.replace("_", " ") for name in names]
        text.print_table(console(sys.stdout, given.get("color") or "auto"), headings, cells)
    else:
        sys.stdout.write(text.delimited(names, cells, style) + "\n")


def _nothing(columns: tuple[str, ...], given: Mapping[str, Any]) -> str:
    """What an empty list means."""
    if columns == RUN:
        return f"no runs yet in {given['state_dir']}"
    return "nothing is left of hosts that are gone" if columns == TRACE else "no compute hosts"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {name}" for name, count in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "-"
    return str(value)
