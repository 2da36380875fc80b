# SPDX-License-Identifier: Apache-2.0
"""``nova-decom remove``: plan, guards, confirm, execute, verify."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import click

from nova_decom.cli.app import App
from nova_decom.cli.hooking import hooks_of
from nova_decom.cli.hosts import named
from nova_decom.cli.look import plan_with
from nova_decom.cli.options import Given
from nova_decom.errors import ConfigurationError, ExitCode, NovaDecomError, UnconfirmedError
from nova_decom.execution import Execution
from nova_decom.hooks import Hooks, Together
from nova_decom.journal import RunJournal, new_run_id, request_id
from nova_decom.locks import host_lock
from nova_decom.model import HostFacts, HostReport, Outcome, Plan, Report, Result, Status
from nova_decom.output.console import console
from nova_decom.output.progress import progress
from nova_decom.output.text import print_report
from nova_decom.pace import Pacing
from nova_decom.planfile import load_plans
from nova_decom.procedure import (
    DRAIN,
    ENABLE,
    REMOVE,
    Job,
    check_still_fits,
    make_plan,
    planned,
    refused,
    verify,
)
from nova_decom.settings import operator
from nova_decom.waiting import Interrupts


def remove(given: Given, hosts: tuple[str, ...]) -> Report:
    """Remove hosts, one after the other; with ``--dry-run`` only plan.

    :raises UnconfirmedError: nobody said yes.
    :raises StalePlanError: the cloud no longer fits the plan of ``--plan``.
    """
    app = App(given)
    saved = load_plans(Path(app.settings.plan)) if app.settings.plan else ()
    return carry_out(app, _chosen(app, hosts, saved), REMOVE, saved)


def drain(given: Given, hosts: tuple[str, ...]) -> Report:
    """Disable hosts and move their servers away.

    :raises UnconfirmedError: nobody said yes.
    """
    return carry_out(App(given), named(hosts), DRAIN)


def enable(given: Given, hosts: tuple[str, ...]) -> Report:
    """Enable hosts that this program has disabled; nothing is asked, as nothing can be lost."""
    return carry_out(App(given), named(hosts), ENABLE)


def carry_out(app: App, hosts: tuple[str, ...], job: Job, saved: Sequence[Plan] = ()) -> Report:
    """Plan, guards, confirm, execute, verify; with ``--dry-run`` only plan.

    :raises UnconfirmedError: nobody said yes.
    :raises StalePlanError: the cloud no longer fits one of the plans of ``saved``.
    """
    if app.settings.dry_run:
        return plan_with(app, hosts, job)
    asks = job.asks and not app.settings.yes
    if asks and not sys.stdin.isatty():
        raise UnconfirmedError(
            "nobody can confirm: standard input is not a terminal",
            f"nova-decom {job.name} {' '.join(hosts)} --yes",
        )
    facts = app.reading().gather(hosts)
    plans = [make_plan(f, job) for f in facts]
    reviewed = {p.host: p for p in saved}
    for plan in plans:
        if plan.host in reviewed:
            check_still_fits(reviewed[plan.host], plan)
    todo = [p for p in plans if p.changes and not p.blocked]
    nothing = [(p, f) for p, f in zip(plans, facts, strict=True) if p not in todo]
    done = [_without_changes(p, f, job) for p, f in nothing]
    if not todo:
        return Report(job.name, combined(done), tuple(done))
    if asks:
        _confirm(app, job, [*map(planned, todo), *done], [p.host for p in todo])
    return _run(app, job, todo, done)


def _chosen(app: App, hosts: tuple[str, ...], saved: Sequence[Plan]) -> tuple[str, ...]:
    """The hosts named, or those of the saved plan; never both."""
    if app.settings.plan and hosts:
        raise ConfigurationError(
            f"{app.settings.plan} names its hosts; others were not reviewed",
            "leave out HOST, or leave out --plan",
        )
    if not saved and not hosts:
        raise ConfigurationError(f"{app.settings.plan} names no host", "name one")
    return named([*hosts, *(p.host for p in saved)])


def combined(reports: Sequence[HostReport]) -> int:
    """One exit code of many: an interrupt's, the common one, else 6."""
    codes = {int(r.exit_code) for r in reports}
    for interrupt in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        if interrupt in codes:
            return int(interrupt)
    return codes.pop() if len(codes) == 1 else int(ExitCode.PARTIAL)


def _without_changes(plan: Plan, facts: HostFacts, job: Job) -> HostReport:
    """A host on which nothing is to be, or may be, done."""
    if plan.blocked:
        report = refused(plan)
        only_database = {f.guard for f in plan.blocked} == {"database-access"}
        return _replace(report, exit_code=ExitCode.UNAVAILABLE) if only_database else report
    if job is not REMOVE:
        return HostReport(plan.host, Result.UNCHANGED, plan.findings)
    report = verify(facts)
    if report.result is Result.CLEAN:
        return _replace(report, result=Result.UNCHANGED)
    return report


def _replace(report: HostReport, **what: object) -> HostReport:
    from dataclasses import replace  # noqa: PLC0415

    return replace(report, **what)  # type: ignore[arg-type]


def _confirm(app: App, job: Job, reports: Sequence[HostReport], hosts: Sequence[str]) -> None:
    """Show the plan on stderr and have the host's name, or the number of hosts, typed."""
    err = console(sys.stderr, app.settings.color)
    report = Report("plan", ExitCode.SUCCESS, tuple(reports))
    print_report(err, report, verbose=app.settings.verbose > 0)
    wanted = hosts[0] if len(hosts) == 1 else str(len(hosts))
    what = "the host name" if len(hosts) == 1 else "the number of hosts"
    err.print()
    try:
        typed = click.prompt(
            f"Type {what} to {job.name}", err=True, default="", show_default=False
        )
    except click.Abort:
        typed = ""
    if typed != wanted:
        raise UnconfirmedError(
            "not confirmed; nothing was changed", f"type {wanted} to confirm, or give --yes"
        )


def _run(app: App, job: Job, plans: Sequence[Plan], done: Sequence[HostReport]) -> Report:
    """Carry out the plans with a journal; signals are obeyed between changes."""
    reports = list(done)
    err = console(sys.stderr, app.settings.color)
    run = new_run_id()
    hooks = hooks_of(app, job.name, run)
    with RunJournal(app.state_dir, run) as journal, signals() as interrupts:
        _write_header(app, job, journal, [p.host for p in plans])
        clock = interrupts.clock()
        with progress(err, quiet=app.settings.quiet) as shown:
            execution = Execution(
                app.changing(journal, clock),
                journal,
                Together((shown, hooks)),
                interrupts,
                clock,
                timeout=max(float(app.settings.timeout), 3 * app.report_interval),
                settle=float(app.settings.settle),
                job=job,
                pacing=Pacing(int(app.settings.max_moves), float(app.settings.move_timeout)),
            )
            stop = False
            for plan in plans:
                report = _not_begun(plan) if stop else _one(app, run, hooks, execution, plan)
                reports.append(report)
                stop = stop or _is_end(report, app.settings.on_failure)
        return Report(job.name, combined(reports), tuple(reports), run=journal.run)


def _one(app: App, run: str, hooks: Hooks, execution: Execution, plan: Plan) -> HostReport:
    """One host, held for this run; its hooks are told, and may refuse to begin."""
    try:
        with host_lock(app.state_dir, plan.host, run):
            hooks.start(plan.host)
            report = execution.run(plan)
            hooks.end(report)
            return report
    except NovaDecomError as error:
        return HostReport(
            host=plan.host,
            result=Result.REFUSED,
            findings=plan.findings,
            outcomes=tuple(Outcome(c, Status.PENDING) for c in plan.changes),
            error=str(error),
            remedy=error.remedy,
            exit_code=error.exit_code,
        )


def _is_end(report: HostReport, on_failure: str) -> bool:
    if report.result is Result.INTERRUPTED:
        return True
    return report.exit_code != ExitCode.SUCCESS and on_failure == "stop"


def _not_begun(plan: Plan) -> HostReport:
    return HostReport(
        host=plan.host,
        result=Result.INTERRUPTED,
        findings=plan.findings,
        outcomes=tuple(Outcome(c, Status.PENDING) for c in plan.changes),
        error="not begun: the run ended with an earlier host",
        remedy="run again for this host, or give --on-failure continue",
        exit_code=ExitCode.FAILED,
    )


def _write_header(app: App, job: Job, journal: RunJournal, hosts: Sequence[str]) -> None:
    journal.event(
        "header",
        command=job.name,
        hosts=list(hosts),
        by=operator(),
        reason=app.settings.reason,
        options=app.settings.told(),
        version=version("nova-decom"),
        compute=app.api.newest("compute") if app.api else None,
        global_request_id=request_id(journal.run),
    )


@contextmanager
def signals() -> Iterator[Interrupts]:
    """Within: SIGINT and SIGTERM are noted, and obeyed at the next safe point."""
    interrupts = Interrupts()
    codes = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}

    def note(number: int, _frame: FrameType | None) -> None:
        interrupts.ask(codes[signal.Signals(number)])

    before = {number: signal.signal(number, note) for number in codes}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
