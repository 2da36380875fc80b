# SPDX-License-Identifier: Apache-2.0
"""A job on its hosts: plan, confirm, carry out in parallel, verify."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from math import inf

from nova_decom.apply.checks import raise_if_forbidden
from nova_decom.apply.executor import Executor
from nova_decom.apply.hooks import Hooks
from nova_decom.apply.interrupts import Interrupts, signals
from nova_decom.apply.move_limits import MoveLimits, RunMoveLimit
from nova_decom.apply.observers import Observers
from nova_decom.apply.worker_slots import WorkerSlots, run_in_threads
from nova_decom.cli.bug_report import unexpected
from nova_decom.cli.confirm import confirm
from nova_decom.cli.context import Context, hooks_of
from nova_decom.cli.hosts import raise_if_aliases_of_several
from nova_decom.cli.plan import facts_to_plan, plan_with
from nova_decom.cli.settings import Settings, operator
from nova_decom.clients.cloud import LiveCloud
from nova_decom.clock import LONG_AGO
from nova_decom.errors import NovaDecomError, UnconfirmedError
from nova_decom.exit_codes import ExitCode, combined
from nova_decom.guards import refusal_code
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan
from nova_decom.model.report import (
    HostReport,
    Report,
    Result,
    failed,
    not_begun,
    planned,
    refused,
)
from nova_decom.output.console import console
from nova_decom.output.in_hand import InHand
from nova_decom.output.progress import progress
from nova_decom.plan.jobs import Job
from nova_decom.plan.plan_file import SavedPlans
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_any_stale, raise_if_other_cloud, raise_if_other_options
from nova_decom.state.directory import open_state_dir
from nova_decom.state.journal import RunJournal, new_run_id, request_id
from nova_decom.verify.verify import verify


def carry_out(
    app: Context, hosts: tuple[str, ...], job: Job, saved: SavedPlans | None = None
) -> Report:
    """Plan, confirm, carry out and verify a job; with ``--dry-run`` only plan.

    :raises UnconfirmedError: the job was not confirmed.
    :raises StalePlanError: ``saved`` does not fit: another cloud, other options, other changes.
    :raises MissingRightError: the token lacks a right that the plan needs.
    """
    app.hosts = hosts
    raise_if_aliases_of_several(app, hosts)
    if app.settings.dry_run:
        return plan_with(app, hosts, job)
    open_state_dir(app.state_dir)
    raise_if_not_asked(app, job, hosts)
    asks = job.asks and not app.settings.yes
    with app.sharing(hosts):
        return _plan_and_run(app, hosts, job, saved, asks=asks)


def raise_if_not_asked(app: Context, job: Job, hosts: Sequence[str], *options: str) -> None:
    """Stop where a confirmation is needed that nobody can give.

    :raises UnconfirmedError: the job asks, and there is no terminal.
    """
    if job.asks and not app.settings.yes and not sys.stdin.isatty():
        raise UnconfirmedError(
            "there is no terminal to ask for confirmation",
            f"nova-decom {shlex.join((job.name, *hosts, *options))} --yes",
        )


def _plan_and_run(
    app: Context, hosts: tuple[str, ...], job: Job, saved: SavedPlans | None, *, asks: bool
) -> Report:
    """Plan, confirm, carry out and verify a job on hosts that are locked."""
    read = app.reading()
    if saved is not None:
        raise_if_other_cloud(saved.cloud, app.cloud)
    facts = facts_to_plan(app, read, hosts, job)
    plans = [make_plan(f, job) for f in facts]
    if saved is not None:
        raise_if_other_options(saved.options, facts[0].request)
        raise_if_any_stale(saved.plans, plans)
    # No server comes back to a host that may not be enabled.
    is_shut = any(p.blocked and p.host == p.result.request.home for p in plans)
    todo = [p for p in plans if p.changes and not p.blocked and not is_shut]
    nothing = [(p, f) for p, f in zip(plans, facts, strict=True) if p not in todo]
    done = [_without_changes(p, f, job) for p, f in nothing]
    if not todo:
        return Report(job.name, combined(r.exit_code for r in done), tuple(done))
    raise_if_forbidden(job, todo, read.refusal)
    if asks:
        confirm(app, verb_of(job), [*map(planned, todo)], done)
    return replace(_run(app, job, read, todo, done), is_confirmed=asks)


def verb_of(job: Job) -> str:
    """The work that is confirmed: where servers come back, not every host is enabled."""
    return f"{job.name} and bring servers back" if job.elsewhere else job.name


def _without_changes(plan: Plan, facts: HostFacts, job: Job) -> HostReport:
    """The report of a host without changes, or that guards block."""
    if plan.blocked:
        return refused(plan, code=refusal_code(plan.blocked))
    if not job.deletes:
        return HostReport(plan.host, Result.UNCHANGED, plan.findings)
    report = verify(facts)
    if report.result is Result.CLEAN:
        return replace(report, result=Result.UNCHANGED)
    return report


def _run(
    app: Context, job: Job, read: LiveCloud, plans: Sequence[Plan], done: Sequence[HostReport]
) -> Report:
    """Carry out the plans with a journal; signals are obeyed between changes."""
    run = new_run_id()
    hooks = hooks_of(app, job.name, run)
    with RunJournal(app.state_dir, run, app.cloud.key) as journal, signals() as interrupts:
        compute = read.clients.compute.newest_microversion()
        _write_header(app, job, journal, [plan.host for plan in plans], compute)
        err = console(sys.stderr, app.settings.color)
        with progress(err, quiet=app.settings.quiet, style=app.settings.progress) as shown:
            in_hand = InHand(err)
            interrupts.announce = in_hand.announce
            observers = Observers((shown, hooks, in_hand))
            this = _Run(app, job, read, journal, hooks, observers, interrupts)
            size = app.settings.batch or len(plans)
            ran: list[HostReport] = []
            for begin in range(0, len(plans), size):
                ran += this.carry_out(plans[begin : begin + size])
        reports = in_order(app.hosts, (*done, *ran))
        code = combined(report.exit_code for report in reports)
        write_exit(journal, code)
        return ended(Report(job.name, code, reports, run=run), journal)


@dataclass
class _Run:
    """A run over batches of hosts, one after the other, each with its own slots."""

    app: Context
    job: Job
    read: LiveCloud
    journal: RunJournal
    hooks: Hooks
    observers: Observers
    interrupts: Interrupts
    halted: bool = False
    is_late: Callable[[], bool] = field(init=False)

    def __post_init__(self) -> None:
        """Turn ``--until`` into a time of the run's clock."""
        now, until = self.interrupts.clock().now, self.app.settings.until
        end = inf if until is None else now() + seconds_until(until, datetime.now().astimezone())
        self.is_late = lambda: now() >= end

    def carry_out(self, plans: Sequence[Plan]) -> list[HostReport]:
        """The reports of a batch; a failure in it may keep later batches from beginning."""
        app, interrupts = self.app, self.interrupts
        slots = WorkerSlots(app.settings.jobs, len(plans), interrupts, self.halted, self.is_late)
        # A host whose servers move waits until all hosts of the batch are disabled.
        moves_servers = any(plan.result.request.moves_servers for plan in plans)
        in_threads = app.settings.jobs > 1 or moves_servers
        gather = slots.wait_for_peers if in_threads else None
        cloud = app.changing(self.journal, interrupts.clock(), gather)
        cloud.continue_from(self.read)
        # A start hook may have changed the cloud: then nothing read before is used.
        planned_at = self.read.gathered if self.hooks.are_none else LONG_AGO
        executor = _executor(app, self.job, cloud, self.journal, slots)
        executor = replace(executor, progress=self.observers, planned=planned_at)
        one = partial(_one, app, self.journal.run, self.hooks, executor)
        ran = run_in_threads(one, plans, in_threads=in_threads)
        self.halted = slots.halted
        return ran


def seconds_until(time: str, now: datetime) -> float:
    """Seconds from now until it is next this time of the day, HH:MM, in the zone of ``now``."""
    hours, minutes = map(int, time.split(":"))
    end = now.replace(hour=hours, minute=minutes, second=0, microsecond=0)
    return ((end - now) % timedelta(days=1)).total_seconds()


def _executor(
    app: Context, job: Job, cloud: LiveCloud, journal: RunJournal, slots: WorkerSlots
) -> Executor:
    """The executor that each host of the run has a copy of."""
    settings = app.settings
    most = settings.max_moves_total
    return Executor(
        cloud,
        journal,
        job,
        interrupts=slots.interrupts,
        clock=slots.interrupts.clock(),
        timeout=max(settings.timeout, 3 * app.report_interval),
        settle=settings.settle,
        on_bug=partial(unexpected, given=settings.values),
        check_lock=app.locks.check,
        limits=MoveLimits(
            settings.max_moves,
            settings.move_timeout,
            is_late=slots.is_late,
            total=None if most is None else RunMoveLimit(most),
        ),
        slots=slots,
    )


def in_order(hosts: Sequence[str], reports: Sequence[HostReport]) -> tuple[HostReport, ...]:
    """The reports in the order in which the hosts were given, whichever ended first."""
    place = {host: number for number, host in enumerate(hosts)}
    return tuple(sorted(reports, key=lambda report: place[report.host]))


def _one(app: Context, run: str, hooks: Hooks, executor: Executor, plan: Plan) -> HostReport:
    """One host, locked for this run; its failure may keep others from beginning."""
    slots, report = executor.slots, None
    try:
        report = not_begun(plan) if slots.halted else _locked(app, run, hooks, executor, plan)
    finally:
        # However the host has ended, no other host may wait for it.
        slots.mark_disabled(plan.host)
        slots.ended(plan.host)
        if report is None or _is_end(report, app.settings, plan):
            slots.halt()
    return report


def _locked(app: Context, run: str, hooks: Hooks, executor: Executor, plan: Plan) -> HostReport:
    """The report of the host; a failure to lock, to unlock or of a hook is no other's."""
    report = None
    try:
        with app.holding(plan.host, run):
            hooks.start(plan.host)
            report = executor.run(plan)
            hooks.end(report)
    except NovaDecomError as error:
        report = report or failed(plan, error, result=Result.REFUSED)
    except Exception as error:  # noqa: BLE001 - a bug ends this host, and no other
        report = report or failed(plan, executor.on_bug(error))
    return report


def _is_end(report: HostReport, settings: Settings, plan: Plan) -> bool:
    """True when the other hosts do not begin.

    Servers that are left behind on purpose end no other host; a host that is not enabled ends
    those from which servers would come back to it.
    """
    if report.result is Result.INTERRUPTED:
        return True
    request = plan.result.request
    is_partial = request.partial and plan.host != request.home
    stops = settings.on_failure == "stop" and not is_partial
    return report.exit_code != ExitCode.SUCCESS and stops


def _write_header(
    app: Context, job: Job, journal: RunJournal, hosts: Sequence[str], compute: str | None
) -> None:
    journal.event(
        "header",
        command=job.name,
        hosts=list(hosts),
        by=operator(),
        reason=app.settings.reason_of(job.name),
        options=app.settings.for_journal(),
        cloud=app.cloud.dump(),
        version=version("nova-decom"),
        compute=compute,
        global_request_id=request_id(journal.run),
    )


def ended(report: Report, journal: RunJournal) -> Report:
    """The report with the journal of its run and the seconds that the run took."""
    return replace(report, journal=str(journal.path), seconds=journal.seconds)


def write_exit(journal: RunJournal, code: int) -> None:
    """Write down the exit code of the process, which counts hosts without changes too."""
    # Without it, ``runs`` computes the code from the results of the hosts; whatever fails here,
    # the report of what was done must be shown.
    with suppress(Exception):
        journal.event("exit", exit_code=code)
