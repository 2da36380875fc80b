# SPDX-License-Identifier: Apache-2.0
"""``main``: the one place where exceptions become messages and exit codes."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn

import click

from nova_decom.cli.commands import cli
from nova_decom.cli.given import GivenOptions
from nova_decom.errors import NovaDecomError, RunInterruptedError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Report


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. Shows every error; raises none."""
    given = GivenOptions()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        try:
            report = cli.main(
                None if arguments is None else list(arguments),
                prog_name="nova-decom",
                standalone_mode=False,
                obj=given,
            )
        except NovaDecomError as error:
            report = _failure(error, given.command)
        if not isinstance(report, Report):
            return int(report or 0)
        return _ended(report, given)
    except click.ClickException as error:
        return _usage(error, given.command, _style(given, arguments))
    except (click.Abort, KeyboardInterrupt):
        return _ended(_interrupted(given.command), given)
    except Exception as error:  # noqa: BLE001 - the one broad except: a bug of ours
        return _ended(_bug(error, given), given)


def _ended(report: Report, given: GivenOptions) -> int:
    if given.known.get("metrics_textfile"):
        from nova_decom.cli.metrics import measure  # noqa: PLC0415

        measure(report, given.known)
    return _show(report, given.known)


def _show(report: Report, given: Mapping[str, Any]) -> int:
    from nova_decom.cli.settings import state_dir_of  # noqa: PLC0415
    from nova_decom.output.render import show  # noqa: PLC0415

    given = {**given, "state_dir": str(state_dir_of(given.get("state_dir")))}
    try:
        show(report, given)
    except NovaDecomError as error:
        show(_failure(error, report.command), {**given, "format": "table"})
        return int(error.exit_code)
    except BrokenPipeError:
        # Whoever read the result has enough of it; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(report.exit_code)


def _failure(error: NovaDecomError, command: str) -> Report:
    code = error.code if isinstance(error, RunInterruptedError) else error.exit_code
    return Report(command, code, error=str(error), remedy=error.remedy)


def _interrupted(command: str) -> Report:
    return _failure(RunInterruptedError(ExitCode.INTERRUPTED), command)


def _usage(error: click.ClickException, command: str, style: str) -> int:
    if style in {"json", "yaml"}:
        report = Report(command, error.exit_code, error=error.format_message())
        return _show(report, {"format": style})
    error.show()
    return error.exit_code


def _style(given: GivenOptions, arguments: Sequence[str] | None) -> str:
    """The format asked for, also when the mistake stands before it and it was never parsed."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    joined = {"-fjson": "json", "-fyaml": "yaml", "--format=json": "json", "--format=yaml": "yaml"}
    seen = [joined[w] for w in words if w in joined]
    seen += [b for a, b in itertools.pairwise(words) if a in {"-f", "--format"}]
    return str(given.known.get("format") or (seen[-1] if seen else "table"))


def _bug(error: Exception, given: GivenOptions) -> Report:
    from nova_decom.cli.bug_report import write_bug_report  # noqa: PLC0415

    path = write_bug_report(error, given.values)
    return Report(
        given.command,
        ExitCode.BUG,
        error=f"unexpected {type(error).__name__}: {error}",
        remedy=f"please report it, with {path}",
    )


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise RunInterruptedError(ExitCode.TERMINATED)
