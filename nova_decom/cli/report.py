# SPDX-License-Identifier: Apache-2.0
"""``nova-decom report``: a run as a page for a change ticket, from its journal alone."""

from __future__ import annotations

import sys
from dataclasses import replace

from nova_decom.cli.given import GivenOptions
from nova_decom.cli.runs import runs
from nova_decom.cli.settings import expanded, resolve, state_dir
from nova_decom.clients.openstack.session import section
from nova_decom.errors import ConfigurationError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Report
from nova_decom.model.tables import LinesReport
from nova_decom.output.html.page import page
from nova_decom.output.markdown import markdown
from nova_decom.state.journal_reader import find_record
from nova_decom.state.run_summary import reports, summary_of


def report(given: GivenOptions, run: str) -> Report:
    """Write the HTML page of a run to the file of ``--html``, by default to RUN.html.

    With a format, or ``-`` as the file, the report is written to stdout.

    :raises RefusedError: there is no such run.
    :raises ConfigurationError: the file cannot be written.
    """
    settings = resolve(given.values, section("nova-decom"))
    given.resolved = settings.values
    record = find_record(state_dir(settings), run)
    if settings.format in {"json", "yaml"} and not settings.html:
        return replace(runs(given, record.run), command="report")
    if settings.format == "md":
        summary = summary_of(record, state_dir(settings))
        return text_report(markdown(summary, reports(record)), record.run)
    text = page(record)
    if settings.format == "html" or settings.html == "-":
        return text_report(text, record.run)
    path = expanded(settings.html or f"{record.run}.html")
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", "give another --html") from error
    sys.stderr.write(f"{path}\n")
    return Report("report", ExitCode.SUCCESS, run=record.run)


def text_report(text: str, run: str) -> LinesReport:
    """The report whose text goes to stdout."""
    return LinesReport("report", ExitCode.SUCCESS, run=run, lines=tuple(text.splitlines()))
