# SPDX-License-Identifier: Apache-2.0
"""The one way in which somebody says yes: the plan, then a name or a number typed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from nova_decom.cli.app import App
from nova_decom.errors import ExitCode, UnconfirmedError
from nova_decom.model import HostReport, Report
from nova_decom.output.console import console
from nova_decom.output.text import print_report


def confirm(
    app: App, verb: str, shown_as: str, reports: Sequence[HostReport], hosts: Sequence[str]
) -> None:
    """Show the plan on stderr and have the host's name, or the number of hosts, typed.

    :raises UnconfirmedError: something else was typed, or nothing.
    """
    err = console(sys.stderr, app.settings.color)
    report = Report(shown_as, ExitCode.SUCCESS, tuple(reports))
    print_report(err, report, verbose=app.settings.verbose > 0)
    wanted = hosts[0] if len(hosts) == 1 else str(len(hosts))
    what = "the host name" if len(hosts) == 1 else "the number of hosts"
    err.print()
    try:
        typed = click.prompt(f"Type {what} to {verb}", err=True, default="", show_default=False)
    except click.Abort:
        typed = ""
    if typed != wanted:
        raise UnconfirmedError(
            "not confirmed; nothing was changed", f"type {wanted} to confirm, or give --yes"
        )
