# SPDX-License-Identifier: Apache-2.0
"""Carry out a reviewed plan on one host: each change still needed before, gone after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

from nova_decom.apply.claim_lease import ClaimLease, raise_if_held
from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.move_log import MoveProgress
from nova_decom.apply.observers import Journal, NullProgress, Progress, change_record, state_before
from nova_decom.apply.refresh import ALONE, FRESH, FreshFacts
from nova_decom.apply.server_mover import MoveLimits, ServerMover
from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.clock import LONG_AGO, Clock
from nova_decom.errors import (
    BusyError,
    ChangeFailedError,
    JournalError,
    NoAnswerError,
    NovaDecomError,
    RefusedError,
    RunHaltedError,
    RunInterruptedError,
    StalePlanError,
    TransientError,
    UnavailableError,
    UnsupportedError,
)
from nova_decom.exit_codes import ExitCode
from nova_decom.guards import judge
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Leftover, Plan, Verdict
from nova_decom.model.report import HostReport, Result, failed, messages, remedies
from nova_decom.model.request import PLANNED_PARTS, Part
from nova_decom.plan.jobs import ENABLE, REMOVE, Job
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_stale
from nova_decom.retry import poll_until, retry
from nova_decom.steps import PROCEDURE, Cloud, Step
from nova_decom.steps.disable_service import DisableService
from nova_decom.steps.move_servers import MoveServers
from nova_decom.verify.verify import inspect

#: A change that failed in passing is tried so often; each time the cloud is read again before.
CHANGE_ATTEMPTS = 3


#: What moving servers changes.
MOVED = frozenset({Part.SERVERS, Part.MIGRATIONS, Part.DATABASE})


#: Where it stands who holds the host: looked at before each step.
HELD = frozenset({Part.SERVICES})


@dataclass(slots=True)
class Executor:
    """Carries out one reviewed plan on one host, and verifies what came of it."""

    cloud: Cloud
    journal: Journal
    progress: Progress = field(default_factory=NullProgress)
    interrupts: Interrupts = field(default_factory=Interrupts)
    clock: Clock = field(default_factory=Clock)
    timeout: float = 300.0
    settle: float = 60.0
    job: Job = REMOVE
    pacing: MoveLimits = field(default_factory=MoveLimits)
    outcomes: list[Outcome] = field(default_factory=list)
    together: WorkerSlots = field(default_factory=WorkerSlots)
    #: When the look began by which the plan was made, if the cloud still shows that one.
    planned: float = LONG_AGO
    looks: FreshFacts = field(init=False)
    hold: ClaimLease = field(init=False)

    def __post_init__(self) -> None:
        """Nothing was seen yet, and nothing is held."""
        self.looks = FreshFacts(self.cloud, self.clock, self.together, self.planned)
        self.hold = ClaimLease(
            self.cloud, self.journal, self.clock, self.looks, self.progress.waiting
        )

    def run(self, reviewed: Plan) -> HostReport:
        """Guard again, make every change that is still needed, verify.

        A failure ends the host and becomes part of its report; nothing further is deleted.
        """
        self.outcomes = []
        try:
            with self.together.slot():
                report = self._carry_out(reviewed)
        except RunInterruptedError as error:
            report = failed(reviewed, error, self.outcomes, Result.INTERRUPTED, error.code)
        except RunHaltedError as error:
            report = failed(reviewed, error, self.outcomes, Result.INTERRUPTED, error.exit_code)
        except NovaDecomError as error:
            changed = any(o.begun and not o.change.only_waits for o in self.outcomes)
            refused = isinstance(error, RefusedError | StalePlanError | BusyError) and not changed
            code = error.exit_code
            if changed and isinstance(error, RefusedError | StalePlanError):
                code = ExitCode.FAILED
            result = Result.REFUSED if refused else Result.FAILED
            report = failed(reviewed, error, self.outcomes, result, code)
        return self._record(report)

    def _carry_out(self, reviewed: Plan) -> HostReport:
        """Every step, and at the end, however it comes, the host is let go of."""
        try:
            return self._take_steps(reviewed)
        finally:
            self.hold.release(reviewed.host)

    def _take_steps(self, reviewed: Plan) -> HostReport:
        """Hosts that leave together are all disabled before a server moves."""
        first, *others = self.job.steps
        try:
            self._begin(reviewed)
            self._do(first, reviewed)
        finally:
            self.together.mark_disabled(reviewed.host)
        if reviewed.result.request.moves_servers:
            self.together.wait_for_all()
        for step in others:
            self._do(step, reviewed)
        return self._verify(reviewed)

    def _record(self, report: HostReport) -> HostReport:
        try:
            self.journal.event(
                "result",
                host=report.host,
                result=report.result,
                exit_code=int(report.exit_code),
                error=report.error,
                remedy=report.remedy,
                leftovers=[asdict(trace) for trace in report.leftovers],
                unchecked=list(report.unchecked),
            )
        except JournalError as error:
            # What was done stays told; only that it was not written down is added.
            return replace(
                report,
                result=Result.FAILED,
                error=str(error),
                remedy=error.remedy,
                exit_code=error.exit_code,
            )
        return report

    def _begin(self, reviewed: Plan) -> None:
        facts = self.looks.just_now(reviewed.host, PLANNED_PARTS)
        self._raise_if_held(facts)
        self.hold.watch_service(facts)
        present = make_plan(facts, self.job)
        self.journal.event(
            "findings", host=facts.host, findings=[asdict(f) for f in present.findings]
        )
        raise_if_stale(reviewed, present)
        self._raise_if_blocked(facts)
        self.journal.event("before", host=facts.host, facts=state_before(facts))
        self.journal.remember(facts)

    def _do(self, step: Step, reviewed: Plan) -> None:
        """Make the changes of one step that are still needed."""
        mine = [c for c in reviewed.changes if c.step == step.name]
        if isinstance(step, MoveServers):
            if reviewed.result.request.moves_servers:
                self._move(step, reviewed.host, mine)
        elif mine:
            self._change(step, reviewed.host, mine, self._ahead(step, reviewed))

    def _ahead(self, step: Step, reviewed: Plan) -> frozenset[Part]:
        """What will be read next if this step succeeds: it is read with the look at its end."""
        planned = {c.step for c in reviewed.changes}
        later = self.job.steps[self.job.steps.index(step) + 1 :]
        following = next((s for s in later if s.name in planned), None)
        if following is None:
            return PLANNED_PARTS
        stands_first = step.reversible and not following.reversible
        # Servers move when all hosts are disabled: what is read now would be old by then.
        if stands_first or isinstance(following, MoveServers):
            return frozenset()
        return self.looks.needed(following.reads | following.guarded) - ALONE

    def _change(self, step: Step, host: str, mine: list[Change], ahead: frozenset[Part]) -> None:
        """Make these changes, one after the other."""
        self.interrupts.check()
        self.together.raise_if_halted()
        facts = self._look_before(step, host)
        todo = tuple(step.changes(facts))
        needed = {c.key for c in todo}
        for change in mine:
            if change.key not in needed:
                self._end(facts.host, Outcome(change, Status.NOT_NEEDED))
        planned = {m.key for m in mine}
        strange = [c for c in todo if c.key not in planned and c.transaction is not None]
        if strange:
            raise StalePlanError(
                f"{facts.host}: not in the plan: {'; '.join(c.detail for c in strange)}",
                f"review a new plan: nova-decom plan {facts.host}",
            )
        # An agent that died meanwhile, say: nobody reviewed that, so it is left and named.
        these = [c for c in todo if c.key in planned]
        for change in these:
            self._make(step, change, facts, ahead if change is these[-1] else frozenset())

    def _look_before(self, step: Step, host: str) -> HostFacts:
        """The host as it is; what cannot be taken back has all its guards asked again.

        :raises NovaDecomError: nothing may be done.
        """
        parts = self.looks.needed(step.reads | step.guarded | HELD)
        if step.reversible:
            # Nobody may have claimed it since the services were read.
            facts = self.looks.recent(host, parts, self.clock.now() - FRESH)
            self._raise_if_held(facts)
            return facts
        facts = self.looks.recent(host, parts, self.hold.wait_until_effective())
        self._raise_if_held(facts)
        facts = self.hold.renew_if_expired(facts, parts)
        self._raise_if_held(facts)
        self.hold.raise_if_overtaken(facts, self.outcomes)
        self._raise_if_blocked(facts)
        _raise_if_undone(step, facts)
        return facts

    def _move(self, step: MoveServers, host: str, mine: list[Change]) -> None:
        """Move what is on the host, and what still arrives, many side by side."""
        self.interrupts.check()
        facts = self.looks.recent(host, step.reads | HELD)
        self._raise_if_held(facts)
        needed = {c.key for c in step.changes(facts)}
        for change in mine:
            if change.key not in needed:
                self._end(host, Outcome(change, Status.NOT_NEEDED))
        self.looks.spoil()
        ServerMover(step, self.cloud, self, self.interrupts, self.clock, self.pacing, facts).run()
        # Guards of later steps would still see the servers where they were.
        self.looks.anew(host, MOVED)

    def began(self, host: str, change: Change) -> None:
        """Write down and show that a change begins."""
        self.journal.event("started", host=host, **change_record(change))
        self.progress.change(host, change, "started")

    def ended(self, host: str, outcome: Outcome) -> None:
        """Write down and show how a change has ended."""
        self._end(host, outcome)

    def noted(self, host: str, what: str) -> None:
        """Write down what ends nothing."""
        self.journal.event("note", host=host, what=what)

    def moves(self, moves: MoveProgress) -> None:
        """Show how all moves stand."""
        self.progress.moves(moves)

    def _make(self, step: Step, change: Change, facts: HostFacts, ahead: frozenset[Part]) -> None:
        """Make one change and wait until nothing is left to be done of it."""
        self.interrupts.check()
        if step.name == DisableService.name and not _is_enabled(facts):
            # One that is enabled gets servers until it is disabled: that does not wait.
            facts = self.hold.wait_for_service_answer(facts)
            self._raise_if_held(facts)
        self.began(facts.host, change)
        since = self.clock.now()
        request_id = None
        try:
            request_id = self._apply(step, change, facts)
            self._await_gone(step, change, facts.host, ahead)
        except RunInterruptedError:
            self._end(facts.host, Outcome(change, Status.PENDING, request_id, begun=True))
            raise
        except UnsupportedError as error:
            self._end(facts.host, Outcome(change, Status.FAILED, request_id, str(error)))
            return
        except NovaDecomError as error:
            failed = Outcome(change, Status.FAILED, request_id, str(error), begun=True)
            self._end(facts.host, failed)
            raise
        taken = self.clock.now() - since
        done = Outcome(change, Status.DONE, request_id, begun=True, seconds=taken)
        if step.name == DisableService.name:
            self.hold.claimed()
        self._end(facts.host, done)

    def _apply(self, step: Step, change: Change, facts: HostFacts) -> str | None:
        """Make the change; its request id, if it was told.

        Nothing is repeated blindly: a write whose answer was lost may have been done. The cloud
        is read again, and only what is still needed, and still allowed, is tried again.
        """

        def attempt() -> str | None:
            if not change.only_waits:
                self.looks.spoil()
            try:
                return step.apply(change, self.cloud, facts)
            except (UnavailableError, TransientError) as error:
                self.journal.event(
                    "unanswered", host=facts.host, error=str(error), **change_record(change)
                )
                if self._is_gone(step, change, facts.host, error):
                    return None
                raise

        return retry(
            attempt,
            when=lambda error: isinstance(error, NoAnswerError | TransientError),
            attempts=CHANGE_ATTEMPTS,
            clock=self.clock,
        )

    def _is_gone(self, step: Step, change: Change, host: str, why: NovaDecomError) -> bool:
        """True when a change that failed was made after all.

        :raises RefusedError: it was not, and a guard forbids it by now.
        :raises UnavailableError: the cloud cannot be asked, so it is not known.
        """
        try:
            facts = self.looks.anew(host, self.looks.needed(step.reads | step.guarded))
        except UnavailableError as error:
            raise UnavailableError(
                f"{why}; it could not be read again, so it is not known whether this was done: "
                f"{error}",
                "run the same command again when it answers: what is done is seen then",
            ) from error
        if change.key not in {c.key for c in step.changes(facts)}:
            return True
        if not step.reversible:
            self._raise_if_blocked(facts)
        return False

    def _await_gone(self, step: Step, change: Change, host: str, ahead: frozenset[Part]) -> None:
        def is_gone(facts: HostFacts) -> bool:
            self._raise_if_held(facts)
            return change.key not in {c.key for c in step.changes(facts)}

        own = step.reads | HELD
        # What was only waited for has changed nothing: the look before it tells as much.
        if change.only_waits:
            facts = self.looks.latest(host, own)
        else:
            facts = self._look_after(host, own, ahead)
        if is_gone(facts):
            return
        self.progress.waiting(host, change.detail, self.timeout)
        with self.together.slot_released():
            poll_until(
                lambda: is_gone(self.looks.poll(host, own)),
                what=f"{host}: {change.step} {change.target}: {change.detail}",
                timeout=self.timeout,
                every=1.0,
                clock=self.clock,
            )

    def _look_after(self, host: str, own: frozenset[Part], ahead: frozenset[Part]) -> HostFacts:
        """The host after a change, with what is read next, if that can be read."""
        try:
            return self.looks.anew(host, own | ahead)
        except UnavailableError:
            if ahead <= own:
                raise
            # Whether it was done is seen without; what comes next will ask, and fail, by itself.
            return self.looks.anew(host, own)

    def _verify(self, reviewed: Plan) -> HostReport:
        """Read everything again; what was deleted, once more after the settle time."""
        if self.job is not REMOVE:
            return self._verify_done(reviewed)
        report = self._look(reviewed.host)
        before = {(trace.kind, trace.target) for trace in report.leftovers}
        unchecked = report.unchecked
        if self.settle > 0:
            self.progress.waiting(reviewed.host, "nothing may come back", self.settle)
            with self.together.slot_released():
                self.clock.sleep(self.settle)
            self.looks.spoil()
            report = self._look(reviewed.host)
        else:
            unchecked = (*unchecked, "whether it comes back: --settle 0")
        back = [trace for trace in report.leftovers if (trace.kind, trace.target) not in before]
        clean = report.result is Result.CLEAN
        return HostReport(
            host=reviewed.host,
            result=self.job.result if clean else Result.LEFTOVERS,
            findings=reviewed.findings,
            outcomes=tuple(self.outcomes),
            leftovers=report.leftovers,
            kept=report.kept,
            unchecked=unchecked,
            readd=report.readd,
            error=None if clean else _what_is_left(report, back),
            remedy=None if clean else _what_to_do(report, back),
            exit_code=_ended(clean=clean, back=bool(back)),
        )

    def _verify_done(self, reviewed: Plan) -> HostReport:
        """Nothing is left to be done of a job that deletes nothing."""
        left = make_plan(self.looks.latest(reviewed.host, PLANNED_PARTS), self.job).changes
        named = "; ".join(f"{c.step}: {c.detail}" for c in left)
        return HostReport(
            host=reviewed.host,
            result=Result.FAILED if left else self.job.result,
            findings=reviewed.findings,
            outcomes=tuple(self.outcomes),
            error=f"still to be done: {named}" if left else None,
            remedy="run again" if left else None,
            exit_code=ExitCode.FAILED if left else ExitCode.SUCCESS,
        )

    def _look(self, host: str) -> HostReport:
        facts = self.looks.latest(host, PLANNED_PARTS)
        return inspect(facts, make_plan(facts))

    def _raise_if_held(self, facts: HostFacts) -> None:
        """Enabling has a guard of its own for that."""
        if self.job is not ENABLE:
            raise_if_held(facts)

    def _raise_if_blocked(self, facts: HostFacts) -> None:
        blocked = [f for f in judge(facts, self.job.guards) if f.verdict is Verdict.BLOCKED]
        if blocked:
            raise RefusedError(messages(blocked), remedies(blocked))

    def _end(self, host: str, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.journal.event(
            outcome.status.value,
            host=host,
            request_id=outcome.request_id,
            error=outcome.error,
            seconds=outcome.seconds,
            to=outcome.to,
            **change_record(outcome.change),
        )
        to = f"to {outcome.to}" if outcome.to else ""
        self.progress.change(host, outcome.change, outcome.status.value, outcome.error or to)


def _is_enabled(facts: HostFacts) -> bool:
    return facts.service is not None and facts.service.status == "enabled"


def _raise_if_undone(step: Step, facts: HostFacts) -> None:
    """What cannot be taken back begins only while all that can be is still done before it."""
    earlier = [s for s in PROCEDURE[: PROCEDURE.index(step)] if s.reversible]
    undone = [c for s in earlier for c in s.changes(facts)]
    if undone:
        raise ChangeFailedError(
            f"{facts.host}: {step.name} not begun, as this is no longer done: "
            f"{'; '.join(f'{c.step}: {c.detail}' for c in undone)}",
            "find out what undid it, then run again",
        )


def _what_is_left(report: HostReport, back: list[Leftover]) -> str:
    """Traces by name; without any, what made the guards doubt."""
    if not report.leftovers:
        return report.error or "not verified"
    named = "; ".join(f"{t.kind} {t.target}: {t.detail}" for t in back or report.leftovers)
    return f"{'came back' if back else 'still there'}: {named}"


def _what_to_do(report: HostReport, back: list[Leftover]) -> str | None:
    if back:
        return "something starts nova-compute again: disable or mask its unit, then run again"
    return "; ".join(dict.fromkeys(t.remedy for t in report.leftovers)) or report.remedy


def _ended(*, clean: bool, back: bool) -> ExitCode:
    if clean:
        return ExitCode.SUCCESS
    return ExitCode.REAPPEARED if back else ExitCode.CHANGES
