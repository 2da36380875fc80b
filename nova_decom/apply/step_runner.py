# SPDX-License-Identifier: Apache-2.0
"""One change of a step: made, read back, and made again where its answer was lost."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from nova_decom.apply.change_runner import ChangeRunner
from nova_decom.apply.checks import raise_if_held, raise_if_not_deletable
from nova_decom.apply.claim_lease import ClaimLease
from nova_decom.apply.observers import change_record
from nova_decom.apply.refresh import FreshFacts
from nova_decom.errors import NoAnswerError, NovaDecomError, TransientError, UnavailableError
from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.step import Cloud, Step
from nova_decom.plan.jobs import Job
from nova_decom.retry import poll_until, retry

#: The part that holds the claim: read before each step.
CLAIM = frozenset({Part.SERVICES})


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Makes changes on one host; ``timeout`` bounds the wait until a reading shows each."""

    cloud: Cloud
    job: Job
    fresh: FreshFacts
    lease: ClaimLease
    changes: ChangeRunner
    timeout: float

    def make(self, step: Step, change: Change, facts: HostFacts, ahead: frozenset[str]) -> None:
        """Make one change and wait until a reading shows it.

        ``ahead`` are the parts that the next change needs, read in the same reading.
        """
        if step.writes_claim and facts.is_disabled:
            # An enabled service gets servers until it is disabled: that does not wait.
            facts = self.lease.wait_for_service_answer(facts)
            raise_if_held(facts, self.job)
            change = next((c for c in step.changes(facts) if c.key == change.key), change)

        def check() -> None:
            self._wait_until_made(step, change, ahead)
            if step.writes_claim:
                self.lease.written()

        self.changes.run(change, lambda: self._apply(step, change, facts), check)

    def _apply(self, step: Step, change: Change, facts: HostFacts) -> str | None:
        """Make the change; its request id, if the service gave one.

        A write is never repeated blindly, since one whose answer was lost may have been made:
        the cloud is read again, and only a change still needed and allowed is tried again.
        """

        def attempt() -> str | None:
            if not change.only_waits:
                self.fresh.invalidate()
            slots = self.fresh.slots
            try:
                with slots.slot_released() if step.on_host else nullcontext():
                    return step.apply(change, self.cloud, facts)
            except (UnavailableError, TransientError) as error:
                self.changes.journal.event(
                    "unanswered", host=facts.host, error=str(error), **change_record(change)
                )
                if self._is_made(step, change, error):
                    return None
                raise

        return retry(
            attempt,
            when=lambda error: isinstance(error, NoAnswerError | TransientError),
            attempts=step.attempts,
            clock=self.changes.clock,
        )

    def _is_made(self, step: Step, change: Change, why: NovaDecomError) -> bool:
        """True when a change that failed was made after all.

        :raises RefusedError: it was not, and a guard forbids it by now.
        :raises UnavailableError: the cloud cannot be read, so it is not known.
        """
        try:
            facts = self.fresh.get(self.fresh.needed(step.reads | step.guarded))
        except UnavailableError as error:
            raise UnavailableError(
                f"{why}; it could not be read again, so it is not known whether this was done: "
                f"{error}",
                "run the same command again when it answers: finished work is detected",
            ) from error
        if _is_gone(step, change, facts):
            return True
        if not step.reversible:
            raise_if_not_deletable(facts, self.job)
        return False

    def _wait_until_made(self, step: Step, change: Change, ahead: frozenset[str]) -> None:
        own = step.reads | CLAIM

        def is_made(facts: HostFacts) -> bool:
            raise_if_held(facts, self.job)
            return _is_gone(step, change, facts)

        # A change that only waits changes nothing: the facts read before it still count.
        facts = self.fresh.get(own) if change.only_waits else self._read_back(own, ahead)
        if is_made(facts):
            return
        self.changes.progress.waiting(facts.host, change.detail, self.timeout)
        with self.fresh.slots.slot_released():
            poll_until(
                lambda: is_made(self.fresh.poll(own)),
                what=f"{facts.host}: {change.step} {change.target}: {change.detail}",
                timeout=self.timeout,
                every=1.0,
                clock=self.changes.clock,
            )

    def _read_back(self, own: frozenset[str], ahead: frozenset[str]) -> HostFacts:
        """The host after a change, with the parts for the next one where they can be read."""
        try:
            return self.fresh.get(own | ahead)
        except UnavailableError:
            if ahead <= own:
                raise
            # The next change will ask for the others, and fail, by itself.
            return self.fresh.get(own)


def _is_gone(step: Step, change: Change, facts: HostFacts) -> bool:
    """True when the step no longer asks for the change."""
    return change.key not in {c.key for c in step.changes(facts)}
