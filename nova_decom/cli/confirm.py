# SPDX-License-Identifier: Apache-2.0
"""The confirmation at a terminal: the plan, then the name or the number of the hosts."""

from __future__ import annotations

import select
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress

import click

from nova_decom.cli.context import Context
from nova_decom.errors import UnconfirmedError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import HostReport, Report
from nova_decom.output.console import console
from nova_decom.output.decision import print_decision
from nova_decom.output.escape import safe
from nova_decom.output.text import print_report

#: Seconds after which a signal is obeyed at the latest.
POLL_SECONDS = 0.2


def confirm(
    app: Context,
    verb: str,
    todo: Sequence[HostReport],
    others: Sequence[HostReport],
) -> None:
    """Show the plan on stderr and ask for the name of the host, or the number of hosts, to do.

    ``others`` are hosts without changes.

    :raises UnconfirmedError: the answer is another one.
    """
    err = console(sys.stderr, app.settings.color)
    report = Report(verb, ExitCode.SUCCESS, (*todo, *others))
    verbose = app.settings.verbose > 0
    print_report(err, report, verbose=verbose, reads=verbose)
    wanted = todo[0].host if len(todo) == 1 else str(len(todo))
    what = "the host name" if len(todo) == 1 else "the number of hosts"
    batch, until = app.settings.batch, app.settings.until
    order = [f"{batch} at a time"] if batch else []
    order += [f"no host and no move begins from {until} on"] if until else []
    print_decision(err, app.cloud, todo, order)
    try:
        typed = ask(f"Cloud {safe(app.cloud.short)}: type {what} to {verb}")
    except (EOFError, KeyboardInterrupt):
        err.print()
        typed = ""
    if typed != wanted:
        raise UnconfirmedError(
            "not confirmed; nothing was changed", f"type {wanted} to confirm, or give --yes"
        )


def ask(question: str) -> str:
    """The line that the operator types after the question.

    Lines that were typed before are dropped: nobody had read the plan then. The read begins only
    when there is a line: a signal between the prompt and the read would otherwise wait as long as
    the read.

    :raises EOFError: the terminal is gone.
    :raises KeyboardInterrupt: the operator pressed Ctrl-C.
    """
    _drop_typed_ahead()
    click.echo(f"{question}: ", nl=False, err=True)
    while not select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
        pass
    return input()


def _drop_typed_ahead() -> None:
    if select.select([sys.stdin], [], [], 0)[0]:
        click.echo("Input from before the question is dropped.", err=True)
    # A terminal that is gone fails at the read, with an error that is known there.
    with suppress(termios.error):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
