# SPDX-License-Identifier: Apache-2.0
"""``nova-decom runs``: what was done, when, by whom, why. Reads the journals and nothing else."""

from __future__ import annotations

from nova_decom.cli.given import GivenOptions
from nova_decom.cli.settings import resolve, state_dir
from nova_decom.clients.openstack.session import section
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Report
from nova_decom.state.journal_reader import find_record, read_records, saved
from nova_decom.state.run_summary import reports, summary_of


def runs(given: GivenOptions, run: str | None) -> Report:
    """Every run in one row, or all that the journal of one run tells.

    :raises RefusedError: there is no such run.
    """
    settings = resolve(given.values, section("nova-decom"))
    given.resolved = settings.values
    place = state_dir(settings)
    if run is None:
        rows = [summary_of(record, place) for record in read_records(place)]
        return Report("runs", ExitCode.SUCCESS, extra={"runs": rows})
    record = find_record(place, run)
    extra = {"runs": [summary_of(record, place)], "saved": saved(record)}
    return Report("runs", ExitCode.SUCCESS, reports(record), extra=extra)
