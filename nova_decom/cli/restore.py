# SPDX-License-Identifier: Apache-2.0
"""``nova-decom restore``: plan, confirm, restore what a run changed, read it back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from nova_decom.apply.interrupts import signals
from nova_decom.apply.observers import Observers
from nova_decom.cli.bug_report import unexpected
from nova_decom.cli.confirm import confirm
from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.run import ended, write_exit
from nova_decom.cli.settings import operator
from nova_decom.clients.restore import LiveRestoringCloud
from nova_decom.errors import NovaDecomError, RefusedError, UnconfirmedError
from nova_decom.exit_codes import ExitCode, combined
from nova_decom.guards import refusal_code
from nova_decom.model.plan import Plan
from nova_decom.model.report import (
    HostReport,
    Report,
    Result,
    failed,
    planned,
    refused,
)
from nova_decom.output.console import console
from nova_decom.output.in_hand import InHand
from nova_decom.output.progress import progress
from nova_decom.restore.executor import RestoreExecutor
from nova_decom.restore.plan import plan_restore, result_of
from nova_decom.restore.saved import SavedHost, saved_host
from nova_decom.state.directory import open_state_dir
from nova_decom.state.journal import RunJournal, new_run_id, request_id
from nova_decom.state.journal_reader import Record, find_record

Planned = tuple[SavedHost, Plan]


def restore(given: GivenOptions, run: str) -> Report:
    """Restore what a run deleted or changed of its hosts; with ``--dry-run`` only plan.

    :raises RefusedError: there is no such run, or it has changed nothing.
    :raises UnconfirmedError: the restore was not confirmed.
    """
    app = Context(given)
    if not app.settings.dry_run:
        open_state_dir(app.state_dir)
    record = find_record(app.state_dir, run)
    pasts = [past for host in record.hosts if (past := saved_host(record, host)) is not None]
    if not pasts or record.header.get("command") == "restore":
        raise RefusedError(
            f"run {run} has changed nothing that could be put back", f"nova-decom runs {run}"
        )
    if not (app.settings.dry_run or app.settings.yes or sys.stdin.isatty()):
        raise UnconfirmedError(
            "there is no terminal to ask for confirmation",
            f"nova-decom restore {run} --yes",
        )
    if app.settings.dry_run:
        return _plan_and_run(app, record, pasts)
    with app.sharing([past.host for past in pasts]):
        return _plan_and_run(app, record, pasts)


def _plan_and_run(app: Context, record: Record, pasts: Sequence[SavedHost]) -> Report:
    """Plan, confirm and carry out a restore; with ``--dry-run`` only plan."""
    read = app.reading()
    cloud = LiveRestoringCloud(read, app.cloud)
    with app.showing():
        plans = [(past, plan_restore(past, cloud.present(past), record.problem)) for past in pasts]
    if app.settings.dry_run:
        return _planned(app, plans)
    todo = [(past, plan) for past, plan in plans if plan.changes and not plan.blocked]
    done = [_without_changes(plan) for _, plan in plans if plan.blocked or not plan.changes]
    if not todo:
        return Report("restore", combined(r.exit_code for r in done), tuple(done))
    if not app.settings.yes:
        confirm(app, "restore", [planned(plan) for _, plan in todo], done)
    return replace(_run(app, record, todo, done), is_confirmed=not app.settings.yes)


def _planned(app: Context, plans: Sequence[Planned]) -> Report:
    code = ExitCode.SUCCESS
    if app.settings.detailed_exitcode:
        blocked, changes = any(p.blocked for _, p in plans), any(p.changes for _, p in plans)
        code = ExitCode.REFUSED if blocked else ExitCode.CHANGES if changes else code
    return Report("restore", code, tuple(planned(plan) for _, plan in plans))


def _without_changes(plan: Plan) -> HostReport:
    """The report of a host without anything to restore, or that guards block."""
    if not plan.blocked and not plan.leftovers:
        return result_of(plan, (), Result.UNCHANGED)
    problems = [f"{f.guard}: {f.message}" for f in plan.blocked]
    problems += [f"{x.kind} {x.target}: {x.detail}" for x in plan.leftovers]
    cures = [f.remedy for f in plan.blocked if f.remedy] + [x.remedy for x in plan.leftovers]
    return replace(
        _with_plan(refused(plan, code=refusal_code(plan.blocked)), plan),
        error="; ".join(problems),
        remedy="; ".join(dict.fromkeys(cures)) or None,
    )


def _run(
    app: Context, record: Record, plans: Sequence[Planned], done: Sequence[HostReport]
) -> Report:
    """Carry out the plans with a journal; signals are obeyed between changes."""
    reports = list(done)
    err = console(sys.stderr, app.settings.color)
    with (
        RunJournal(app.state_dir, new_run_id(), app.cloud.key) as journal,
        signals() as interrupts,
    ):
        cloud = LiveRestoringCloud(app.changing(journal, interrupts.clock()), app.cloud)
        journal.event(
            "header",
            command="restore",
            hosts=[past.host for past, _ in plans],
            by=operator(),
            reason=f"restore of run {record.run}",
            options=app.settings.for_journal(),
            cloud=app.cloud.dump(),
            version=version("nova-decom"),
            global_request_id=request_id(journal.run),
        )
        with progress(err, quiet=app.settings.quiet, style=app.settings.progress) as shown:
            on_bug = partial(unexpected, given=app.settings.values)
            in_hand = InHand(err)
            interrupts.announce = in_hand.announce
            observers = Observers((shown, in_hand))
            executor = RestoreExecutor(
                *(cloud, journal, observers, interrupts),
                on_bug=on_bug,
                check_lock=app.locks.check,
            )
            reports += [_one(app, journal, executor, *each) for each in plans]
        code = combined(report.exit_code for report in reports)
        write_exit(journal, code)
        return ended(Report("restore", code, tuple(reports), run=journal.run), journal)


def _one(
    app: Context, journal: RunJournal, executor: RestoreExecutor, past: SavedHost, plan: Plan
) -> HostReport:
    """Restore one host, which is locked for this run meanwhile."""
    report = None
    try:
        with app.holding(past.host, journal.run):
            report = executor.run(past, plan)
    except NovaDecomError as error:
        report = report or _with_plan(failed(plan, error, result=Result.REFUSED), plan)
    except Exception as error:  # noqa: BLE001 - a bug ends this host, and no other
        report = report or _with_plan(failed(plan, executor.on_bug(error)), plan)
    return report


def _with_plan(report: HostReport, plan: Plan) -> HostReport:
    """The report with what the plan cannot put back, and what it leaves to the operator."""
    return replace(report, leftovers=plan.leftovers, to_do=plan.to_do)
