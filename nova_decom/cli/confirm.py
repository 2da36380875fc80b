# SPDX-License-Identifier: Apache-2.0
"""The confirmation at a terminal: the plan, then the name or the number of the hosts."""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence

import click

from nova_decom.cli.context import Context
from nova_decom.errors import UnconfirmedError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import HostReport, Report
from nova_decom.output.console import console
from nova_decom.output.text import print_report

#: Seconds after which a signal is obeyed at the latest.
POLL_SECONDS = 0.2


def confirm(
    app: Context, verb: str, shown_as: str, reports: Sequence[HostReport], hosts: Sequence[str]
) -> None:
    """Show the plan on stderr and ask for the host name, or for the number of hosts.

    :raises UnconfirmedError: the answer is another one.
    """
    err = console(sys.stderr, app.settings.color)
    report = Report(shown_as, ExitCode.SUCCESS, tuple(reports))
    print_report(err, report, verbose=app.settings.verbose > 0)
    wanted = hosts[0] if len(hosts) == 1 else str(len(hosts))
    what = "the host name" if len(hosts) == 1 else "the number of hosts"
    err.print()
    try:
        typed = ask(f"Type {what} to {verb}")
    except (EOFError, KeyboardInterrupt):
        err.print()
        typed = ""
    if typed != wanted:
        raise UnconfirmedError(
            "not confirmed; nothing was changed", f"type {wanted} to confirm, or give --yes"
        )


def ask(question: str) -> str:
    """The line that the operator types.

    The read begins only when there is a line: a signal between the prompt and the read would
    otherwise wait as long as the read.

    :raises EOFError: the terminal is gone.
    :raises KeyboardInterrupt: the operator pressed Ctrl-C.
    """
    click.echo(f"{question}: ", nl=False, err=True)
    while not select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
        pass
    return input()
