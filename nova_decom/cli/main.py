# SPDX-License-Identifier: Apache-2.0
"""``main``: the one place where exceptions become messages and exit codes."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from nova_decom.apply.interrupts import obeyed
from nova_decom.cli.commands import cli
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.help import UNUSED, near
from nova_decom.errors import ConfigurationError, NovaDecomError, RunInterruptedError
from nova_decom.exit_codes import ExitCode
from nova_decom.output.escape import safe
from nova_decom.output.streams import abandon, safe_streams

if TYPE_CHECKING:
    from nova_decom.model.report import Report


class TerminatedError(BaseException):
    """A signal to end came outside a run; code that catches errors does not catch it."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    # Facts of hosts have no cycles: the search for some takes a tenth of the time of a plan.
    gc.set_threshold(50_000, 20, 100)
    code = run(arguments)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            abandon(stream)
    if any(not t.daemon and t is not threading.current_thread() for t in threading.enumerate()):
        # A library has left a thread behind, perhaps of a lock service that does not answer.
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. Every error is shown and none is raised."""
    given = GivenOptions()
    for number in obeyed():
        if number is not signal.SIGINT:
            signal.signal(number, _terminate)
    with safe_streams():
        try:
            return _finished(_report(arguments, given), given)
        except click.ClickException as error:
            return _usage(error, given, arguments)
        except (click.Abort, KeyboardInterrupt):
            return _interrupted(ExitCode.INTERRUPTED, given)
        except TerminatedError:
            return _interrupted(ExitCode.TERMINATED, given)
        except Exception as error:  # noqa: BLE001 - a bug of ours
            return _finished(_bug(error, given), given)


def _report(arguments: Sequence[str] | None, given: GivenOptions) -> Report | int:
    """The report of the command; an exit code where click itself has written the result."""
    try:
        _check_directory()
        report: Any = cli.main(
            None if arguments is None else list(arguments),
            prog_name="nova-decom",
            standalone_mode=False,
            obj=given,
        )
        return int(report or 0) if isinstance(report, int | None) else report
    except NovaDecomError as error:
        return _failure(error, given.command)
    except OSError as error:
        if not getattr(sys.stdout, "lost", False):
            raise
        return _unwritten(error, ExitCode.SUCCESS)


def _check_directory() -> None:
    """Stop where the libraries could not even be loaded.

    :raises ConfigurationError: the current directory was deleted.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise ConfigurationError(
            f"the current directory cannot be used: {error.strerror}", "cd /"
        ) from None


def _finished(report: Report | int, given: GivenOptions) -> int:
    """Write the metrics and the report; the exit code."""
    if isinstance(report, int):
        return report
    report = replace(report, cloud=given.cloud)
    if given.known.get("metrics_textfile"):
        from nova_decom.cli.metrics import measure

        measure(report, given.known)
    return _show(report, given)


def _show(report: Report, given: GivenOptions) -> int:
    from nova_decom.output.render import Style, show

    code = int(report.exit_code)
    try:
        show(report, Style.of(given.known))
    except NovaDecomError as error:
        show(_failure(error, report.command), Style())
        return int(error.exit_code)
    except BrokenPipeError:
        # The reader of a pipe has closed it: head has its lines.
        abandon(sys.stdout)
    except OSError as error:
        return _unwritten(error, code)
    except Exception as error:  # noqa: BLE001 - what the run has done must be known all the same
        bug = _bug(error, given)
        where = f"; nova-decom runs {report.run} shows the run" if report.run else ""
        sys.stderr.write(f"error: the result cannot be shown: {bug.error}{where}\n")
        sys.stderr.write(f"     → {bug.remedy}\n")
        return code or int(ExitCode.BUG)
    return code


def _unwritten(error: OSError, code: int) -> int:
    """The exit code of a command whose result is lost: never that of success."""
    sys.stderr.write(f"error: the result cannot be written to stdout: {error.strerror}\n")
    if code:
        sys.stderr.write(f"     → the exit code of the command is {code}\n")
    abandon(sys.stdout)
    return code or int(ExitCode.FAILED)


def _interrupted(code: ExitCode, given: GivenOptions) -> int:
    return _finished(_failure(RunInterruptedError(code), given.command), given)


def _failure(error: NovaDecomError, command: str) -> Report:
    from nova_decom.model.report import Report

    code = error.code if isinstance(error, RunInterruptedError) else error.exit_code
    return Report(command, code, error=str(error), remedy=error.remedy)


def _usage(
    error: click.ClickException, given: GivenOptions, arguments: Sequence[str] | None
) -> int:
    """Show a mistake in the command line, as a document where one was asked for."""
    style = _format(given, arguments)
    if style in {"json", "yaml"}:
        given.put("format", style, 3)
        from nova_decom.model.report import Report

        report = Report(given.command, error.exit_code, error=message(error))
        return _show(report, given)
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "nova-decom"
    sys.stderr.write(f"error: {safe(message(error))}\n     → {path} --help\n")
    return error.exit_code


def message(error: click.ClickException) -> str:
    """The message of a mistake; of an unknown option with the nearest one only."""
    if isinstance(error, click.NoSuchOption):
        others = [c.name for c in cli.commands.values() if _has(c, error.option_name)]
        hint = near(error.option_name, error.possibilities or ())
        if others:
            hint = f" It is an option of {', '.join(map(str, others))}."
        return f"No such option {error.option_name!r}.{hint}"
    # click lists the choices of an argument in lines of their own.
    return error.format_message().replace("\n\t", " ")


def _has(command: click.Command, option: str) -> bool:
    """True when the help of the command shows the option."""
    unused = UNUSED.get(command.name or "", "").split()
    return any(option in p.opts and p.name not in unused for p in command.params)


def _format(given: GivenOptions, arguments: Sequence[str] | None) -> str:
    """The format asked for, also where click has not come to it for a mistake before it."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    joined = {"-fjson": "json", "-fyaml": "yaml", "--format=json": "json", "--format=yaml": "yaml"}
    found = [joined[w] for w in words if w in joined]
    found += [b for a, b in itertools.pairwise(words) if a in {"-f", "--format"}]
    return str(given.known.get("format") or (found[-1] if found else "table"))


def _bug(error: Exception, given: GivenOptions) -> Report:
    from nova_decom.cli.bug_report import unexpected

    return _failure(unexpected(error, given.known), given.command)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TerminatedError
