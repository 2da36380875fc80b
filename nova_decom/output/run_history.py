# SPDX-License-Identifier: Apache-2.0
"""One run from its journal, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from nova_decom.model.tables import RunsReport
from nova_decom.output.console import entry, line
from nova_decom.output.text import print_report

LABELS = {"at": "begun", "exit_code": "exit code", "problem": "PROBLEM"}


def print_run(out: Console, report: RunsReport, *, verbose: bool) -> None:
    """Print operator and reason, the report of each host, and the rows saved."""
    (run,) = report.runs
    out.print(line((run["run"], "bold")))
    for name, value in run.items():
        if name not in {"run", "hosts"} and value is not None:
            entry(out, (f"  {LABELS.get(name, name):10} ",), str(value))
    out.print()
    print_report(out, report, verbose=verbose)
    if report.saved:
        out.print()
        out.print(line(("Saved before it was changed", "bold")))
    for image in report.saved or ():
        entry(out, (f"  {image['host']}  ",), _sentence(image))


def _sentence(image: Mapping[str, Any]) -> str:
    ids = " ".join(str(number) for number in image["ids"])
    return f"{image['source']}: {image['table']} {ids}".rstrip()
