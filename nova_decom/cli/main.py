# SPDX-License-Identifier: Apache-2.0
"""``main``: the one place where exceptions become messages and exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn

import click

from nova_decom.cli.group import cli
from nova_decom.cli.options import Given
from nova_decom.errors import ExitCode, NovaDecomError, RunInterruptedError
from nova_decom.model import Report


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. Shows every error; raises none."""
    given = Given()
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
            report = _failure(error)
        if not isinstance(report, Report):
            return int(report or 0)
        return _show(report, given.values)
    except click.ClickException as error:
        return _usage(error, given)
    except (click.Abort, KeyboardInterrupt):
        return _show(_interrupted(), given.values)
    except Exception as error:  # noqa: BLE001 - the one broad except: a bug of ours
        return _show(_bug(error, given.values), given.values)


def _show(report: Report, given: Mapping[str, Any]) -> int:
    from nova_decom.cli.show import show  # noqa: PLC0415

    try:
        show(report, given)
    except NovaDecomError as error:
        show(_failure(error), {**given, "format": "table"})
        return int(error.exit_code)
    except BrokenPipeError:
        # Whoever read the result has enough of it; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(report.exit_code)


def _failure(error: NovaDecomError) -> Report:
    code = error.code if isinstance(error, RunInterruptedError) else error.exit_code
    return Report("nova-decom", code, error=str(error), remedy=error.remedy)


def _interrupted() -> Report:
    return _failure(RunInterruptedError(ExitCode.INTERRUPTED))


def _usage(error: click.ClickException, given: Given) -> int:
    if given.values.get("format") in {"json", "yaml"}:
        report = Report("nova-decom", error.exit_code, error=error.format_message())
        return _show(report, given.values)
    error.show()
    return error.exit_code


def _bug(error: Exception, given: Mapping[str, Any]) -> Report:
    from nova_decom.bugreport import write_bug_report  # noqa: PLC0415

    path = write_bug_report(error, given)
    return Report(
        "nova-decom",
        ExitCode.BUG,
        error=f"unexpected {type(error).__name__}: {error}",
        remedy=f"please report it, with {path}",
    )


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise RunInterruptedError(ExitCode.TERMINATED)
