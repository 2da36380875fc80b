# SPDX-License-Identifier: Apache-2.0
"""``nova-decom report``: a run as an HTML page for a change ticket, from its journal alone."""

from __future__ import annotations

import sys

from nova_decom.cli.given import GivenOptions
from nova_decom.cli.settings import expanded, resolve, state_dir
from nova_decom.clients.openstack.session import section
from nova_decom.errors import ConfigurationError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Report
from nova_decom.output.html.page import page
from nova_decom.state.journal_reader import find_record


def report(given: GivenOptions, run: str) -> Report:
    """Write the HTML page of a run to the file of ``--html``.

    :raises RefusedError: there is no such run.
    :raises ConfigurationError: the file cannot be written.
    """
    settings = resolve(given.values, section("nova-decom"))
    given.resolved = settings.values
    if not settings.html:
        raise ConfigurationError("no file is given for the report", "give --html FILE")
    text = page(find_record(state_dir(settings), run))
    path = expanded(settings.html)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", "give another --html") from error
    sys.stderr.write(f"{path}\n")
    return Report("report", ExitCode.SUCCESS, run=run)
