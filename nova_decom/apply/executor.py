# SPDX-License-Identifier: Apache-2.0
"""A reviewed plan carried out on one host: step by step, each change only while still needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from nova_decom.apply.change_runner import ChangeRunner, as_bug
from nova_decom.apply.checks import (
    raise_if_behind,
    raise_if_blocked,
    raise_if_held,
    raise_if_not_deletable,
    raise_if_undone,
)
from nova_decom.apply.claim_lease import ClaimLease
from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.move_limits import MoveLimits
from nova_decom.apply.observers import Journal, NullProgress, Progress, state_before
from nova_decom.apply.refresh import ALONE, FRESH, FreshFacts
from nova_decom.apply.server_mover import ServerMover
from nova_decom.apply.settle import Verification
from nova_decom.apply.source_answer import SourceAnswer
from nova_decom.apply.step_runner import CLAIM, StepRunner
from nova_decom.apply.undone import left_undone
from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.clock import LONG_AGO, Clock
from nova_decom.errors import (
    ChangeFailedError,
    ConflictError,
    NovaDecomError,
    StalePlanError,
    TransientError,
    UnavailableError,
    WaitTimeoutError,
)
from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.names import typed
from nova_decom.model.plan import Plan
from nova_decom.model.report import HostReport
from nova_decom.model.request import Part
from nova_decom.model.step import Cloud, Step
from nova_decom.plan.jobs import Job
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_stale
from nova_decom.registrars import PLANNED_PARTS

#: The parts that moving servers changes.
MOVED = frozenset({Part.SERVERS, Part.MIGRATIONS, Part.DATABASE})


@dataclass(slots=True)
class Executor:
    """Carries out one job on the hosts of a run; the hosts share its cloud, clock and slots."""

    cloud: Cloud
    journal: Journal
    job: Job
    progress: Progress = field(default_factory=NullProgress)
    interrupts: Interrupts = field(default_factory=Interrupts)
    clock: Clock = field(default_factory=Clock)
    timeout: float = 300.0
    settle: float = 60.0
    limits: MoveLimits = field(default_factory=MoveLimits)
    slots: WorkerSlots = field(default_factory=WorkerSlots)
    #: When the reading of the plan began, if the cloud still holds it.
    planned: float = LONG_AGO
    on_bug: Callable[[Exception], NovaDecomError] = as_bug
    #: Raises where the lock of the host at a lock service is lost.
    check_lock: Callable[[str], None] = lambda _host: None

    def run(self, reviewed: Plan) -> HostReport:
        """Check again, make every change that is still needed, verify.

        A failure ends the host and becomes part of its report; nothing further is deleted.
        """
        job = self.job.on(reviewed.result)
        return HostExecution(replace(self, job=job), reviewed).run()


@dataclass(slots=True)
class HostExecution:
    """One reviewed plan on its host: fresh facts, the claim, the changes so far."""

    executor: Executor
    reviewed: Plan
    fresh: FreshFacts = field(init=False)
    lease: ClaimLease = field(init=False)
    source: SourceAnswer = field(init=False)
    changes: ChangeRunner = field(init=False)

    def __post_init__(self) -> None:
        """Begin without facts, claim and changes."""
        run, host = self.executor, self.reviewed.host
        self.fresh = FreshFacts(host, run.cloud, run.clock, run.slots, run.planned)
        self.changes = ChangeRunner(host, run.journal, run.progress, run.clock, run.on_bug)
        self.source = SourceAnswer(run.cloud, run.clock, host)
        self.lease = ClaimLease(run.cloud, run.journal, run.clock, self.fresh, run.progress)

    def run(self) -> HostReport:
        """The report of the host, written to the journal; the claim is released before."""
        try:
            with self.executor.slots.slot(self.lease.keep):
                try:
                    report = self._take_steps()
                except NovaDecomError as error:
                    self._take_back(error)
                    raise
                finally:
                    self.lease.release()
        except Exception as error:  # noqa: BLE001 - a bug ends this host, and no other
            report = self.changes.failed(self.reviewed, error)
            report = replace(report, to_do=tuple(left_undone(report, self.executor.job)))
        return self.changes.record(report)

    def _take_steps(self) -> HostReport:
        run, reviewed = self.executor, self.reviewed
        self._begin()
        for step in run.job.steps:
            mine = [c for c in reviewed.changes if c.step == step.name]
            if step.moves_servers:
                # Servers move only when all hosts of the run are disabled.
                run.slots.mark_disabled(reviewed.host)
                if reviewed.result.request.moves_servers:
                    run.slots.wait_for_all()
                    self._move(step, mine)
            elif mine or (step.needs_no_review and reviewed.result.request.moves_servers):
                self._change(step, mine)
        verification = Verification(
            run.job, self.fresh, run.slots, run.progress, run.clock, run.settle
        )
        return verification.report(reviewed, self.changes.outcomes)

    def _take_back(self, error: NovaDecomError) -> None:
        """Undo the preparations for a step that the run does not reach any more.

        Not where a request may still be under way, as nova may need them for it. One that cannot
        be undone is in the report, and the error of the run stays the first one.
        """
        may_go_on = isinstance(error, UnavailableError | WaitTimeoutError | TransientError)
        if may_go_on and not isinstance(error, ConflictError):
            return
        steps = {step.name: step for step in self.executor.job.steps if step.is_preparation}
        begun = [o.change for o in self.changes.outcomes if o.begun and o.change.step in steps]
        with suppress(NovaDecomError):
            for change in reversed(begun):
                self._undo(steps[change.step], change)

    def _undo(self, step: Step, change: Change) -> None:
        cloud, host = self.executor.cloud, self.reviewed.host
        facts = cloud.refresh(host, step.reads)
        undo = step.undo(change, facts)
        if undo is None:
            return

        def check() -> None:
            if step.undo(change, cloud.refresh(host, step.reads)) is not None:
                raise ChangeFailedError(f"{host}: {undo.detail}: was made, and is not to be seen")

        self.fresh.invalidate()
        self.changes.run(undo, lambda: step.apply(undo, cloud, facts), check)

    def _begin(self) -> None:
        run, reviewed = self.executor, self.reviewed
        begun = run.clock.now() - FRESH
        facts = self.fresh.get(PLANNED_PARTS, begun)
        if facts.database is not None:
            # Our own disabling will move ``updated_at``, but no counter.
            self.source.observe(facts, begun)
        raise_if_held(facts, run.job)
        self.lease.watch_service(facts)
        present = make_plan(facts, run.job)
        run.journal.event(
            "findings", host=facts.host, findings=[asdict(f) for f in present.findings]
        )
        raise_if_stale(reviewed, present)
        raise_if_blocked(facts, run.job)
        run.journal.event("before", host=facts.host, facts=state_before(facts))
        run.journal.remember(facts)

    def _change(self, step: Step, reviewed: list[Change]) -> None:
        """Make the changes of one step that are still needed, one after the other."""
        run = self.executor
        run.interrupts.check()
        run.slots.raise_if_halted()
        facts = self._facts_before(step)
        needed = tuple(step.changes(facts))
        self.changes.skip_others(reviewed, needed)
        keys = {c.key for c in reviewed}
        # An API call that nobody reviewed, as for an agent that died meanwhile, is left out.
        todo = [c for c in needed if c.key in keys or step.needs_no_review]
        new = [c for c in needed if c not in todo and c.transaction is not None]
        if new:
            raise StalePlanError(
                f"{facts.host}: not in the plan: {'; '.join(c.detail for c in new)}",
                f"review a new plan: {typed('plan', facts.host)}",
            )
        runner = StepRunner(run.cloud, run.job, self.fresh, self.lease, self.changes, run.timeout)
        for change in todo:
            run.interrupts.check()
            if not step.reversible:
                run.check_lock(facts.host)
            ahead = self._parts_ahead(step) if change is todo[-1] else frozenset()
            runner.make(step, change, facts, ahead)

    def _facts_before(self, step: Step) -> HostFacts:
        """The facts before a step; one that is not reversible has all guards asked again.

        :raises NovaDecomError: the step may not begin.
        """
        run = self.executor
        parts = self.fresh.needed(step.reads | step.guarded | CLAIM)
        if step.reversible:
            facts = self.fresh.get(parts, run.clock.now() - FRESH)
            raise_if_held(facts, run.job)
            return facts
        facts = self.fresh.get(parts, self.lease.wait_until_effective())
        raise_if_held(facts, run.job)
        facts = self.lease.renew_if_expired(facts, parts)
        raise_if_held(facts, run.job)
        self.lease.raise_if_overtaken(facts, self._deleted_services())
        if Part.DATABASE in parts:
            raise_if_behind(facts)
        raise_if_not_deletable(facts, run.job)
        raise_if_undone(step, facts, run.job)
        return facts

    def _deleted_services(self) -> set[str]:
        """The services that this run deleted, or may have."""
        steps = {s.name for s in self.executor.job.steps if s.deletes_service}
        begun = [o.change for o in self.changes.outcomes if o.begun]
        return {c.target for c in begun if c.step in steps}

    def _parts_ahead(self, step: Step) -> frozenset[str]:
        """The parts that the next step needs; read with this step's check, to save a request."""
        planned = {c.step for c in self.reviewed.changes}
        steps = self.executor.job.steps
        later = steps[steps.index(step) + 1 :]
        following = next((s for s in later if s.name in planned), None)
        if following is None:
            return PLANNED_PARTS
        # The claim must first become effective, or all hosts must first be disabled.
        waits = step.reversible and not following.reversible
        if waits or following.moves_servers:
            return frozenset()
        return self.fresh.needed(following.reads | following.guarded) - ALONE

    def _move(self, step: Step, reviewed: list[Change]) -> None:
        """Move the servers of the host, and those that still arrive, several at once."""
        run = self.executor
        run.interrupts.check()
        facts = self.fresh.get(step.reads | CLAIM, LONG_AGO)
        raise_if_held(facts, run.job)
        changes = tuple(step.changes(facts))
        self.changes.skip_others(reviewed, changes)
        if changes:
            self.source.wait_until_known(facts, self.fresh.slots, self.changes.progress)
        self.fresh.invalidate()
        ServerMover(
            step,
            run.cloud,
            self.changes,
            run.interrupts,
            run.clock,
            run.limits,
            facts,
            self._keep_claim,
            self.source,
        ).run()
        # Guards of later steps would still see the servers where they were.
        self.fresh.get(MOVED)

    def _keep_claim(self) -> None:
        facts = self.lease.keep()
        if facts is not None:
            self.source.forget()
            raise_if_held(facts, self.executor.job)
