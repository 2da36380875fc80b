# SPDX-License-Identifier: Apache-2.0
"""``nova-decom runs``: the runs of the state directory, from their journals alone."""

from __future__ import annotations

import sys

from nova_decom.cli.follow import follow
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.settings import resolve, state_dir
from nova_decom.clients.openstack.session import section
from nova_decom.clock import Clock
from nova_decom.exit_codes import ExitCode
from nova_decom.model.tables import RunsReport
from nova_decom.output.console import console
from nova_decom.output.progress import progress
from nova_decom.state.journal_reader import find_record, read_records, saved
from nova_decom.state.run_summary import reports, summary_of


def runs(given: GivenOptions, run: str | None) -> RunsReport:
    """Every run in one row, or one run with its hosts and the rows that it saved.

    :raises RefusedError: there is no such run.
    """
    settings = resolve(given.values, section("nova-decom"))
    given.resolved = settings.values
    place = state_dir(settings)
    if run is None:
        rows = tuple(summary_of(record, place) for record in read_records(place))
        return RunsReport("runs", ExitCode.SUCCESS, state_dir=str(place), runs=rows)
    record = find_record(place, run)
    if settings.follow:
        err = console(sys.stderr, settings.color)
        with progress(err, quiet=settings.quiet, style=settings.progress) as shown:
            record = follow(place, record.run, shown, Clock())
    return RunsReport(
        "runs",
        ExitCode.SUCCESS,
        reports(record),
        state_dir=str(place),
        runs=(summary_of(record, place),),
        saved=tuple(saved(record)),
    )
