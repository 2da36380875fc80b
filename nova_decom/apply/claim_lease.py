# SPDX-License-Identifier: Apache-2.0
"""The claim of a run on its host: when it counts, when it is renewed, when it is released."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from nova_decom.apply.observers import Journal, NullProgress, Progress
from nova_decom.apply.refresh import FreshFacts
from nova_decom.apply.source_answer import ANSWER, DOWN_WITHIN
from nova_decom.clock import LONG_AGO, Clock
from nova_decom.errors import (
    BusyError,
    ChangeFailedError,
    NovaDecomError,
    UnavailableError,
    WaitTimeoutError,
)
from nova_decom.model.api_call import disable_service
from nova_decom.model.claim import EFFECTIVE_AFTER, released, reopened
from nova_decom.model.host import HostFacts
from nova_decom.model.names import typed
from nova_decom.model.request import Part
from nova_decom.retry import poll_until
from nova_decom.steps import Cloud

#: Seconds after which a claim is renewed: less than half of its validity of an hour or more.
RENEW_AFTER = 1500.0
#: Seconds until a renewal that was not possible is tried again.
RENEW_AGAIN = 60.0


@dataclass(slots=True)
class ClaimLease:
    """The claim on one host; ``since`` is when it was read back, ``service`` what carries it."""

    cloud: Cloud
    journal: Journal
    clock: Clock
    fresh: FreshFacts
    progress: Progress = field(default_factory=NullProgress)
    since: float | None = None
    service: str | None = None
    _due: float = 0.0

    def watch_service(self, facts: HostFacts) -> None:
        """Remember the service of the host, to notice when somebody deletes it."""
        self.since = None
        self.service = facts.service.id if facts.service else None

    def written(self) -> None:
        """Note that the claim was written and read back now."""
        self.since = self.clock.now()
        self._due = self.since + RENEW_AFTER

    def keep(self) -> HostFacts | None:
        """Renew the claim before half of its validity is over, while servers move for hours.

        The facts that were read for it; None where it was not due, or nova gave no answer.
        """
        if self.since is None or self.clock.now() < self._due:
            return None
        self._due = self.clock.now() + RENEW_AGAIN
        # Facts that are kept may be in use: a thread that waits for its slot acts on them next.
        with suppress(UnavailableError, ChangeFailedError):
            facts = self.cloud.refresh(self.fresh.host, ANSWER)
            if facts.claim_is_ours and _is_known(facts):
                self._renew(facts)
            return facts
        return None

    def wait_until_effective(self) -> float:
        """Wait until the claim counts; since when it does.

        Only a service read after that moment shows which of two runs has written last.
        """
        if self.since is None:
            return LONG_AGO
        end = self.since + EFFECTIVE_AFTER
        left = end - self.clock.now()
        if left > 0:
            with self.fresh.slots.slot_released():
                self.clock.sleep(left)
        return end

    def renew_if_expired(self, facts: HostFacts, parts: frozenset[str]) -> HostFacts:
        """The facts; with these parts read again where the claim had expired and was renewed.

        That is so after hours of moving servers. A run that takes the host over meanwhile has
        written last.
        """
        if not facts.claim_is_ours or not facts.claim_is_over:
            return facts
        facts = self.wait_for_service_answer(facts)
        if not facts.claim_is_ours:
            # Another run has taken the host over, or deleted the service, meanwhile.
            return facts
        self._renew(facts)
        return self.fresh.get(parts | {Part.SERVICES}, self.wait_until_effective())

    def _renew(self, facts: HostFacts) -> None:
        service = facts.service
        if service is not None and service.id is not None:
            self.journal.event("renewed", host=facts.host, service=service.id)
            self.fresh.invalidate()
            self.cloud.send(disable_service(service.id, reopened(service.disabled_reason)))
            self.written()

    def raise_if_overtaken(self, facts: HostFacts, deleted: Collection[str]) -> None:
        """Raise an error when the service is gone, unless this run has ``deleted`` it.

        :raises BusyError: somebody else deleted it.
        """
        if self.service is None or facts.service is not None or self.service in deleted:
            return
        raise BusyError(
            f"{facts.host}: its compute service was deleted by somebody else meanwhile: "
            "another run is at work",
            f"when that has ended: {typed('verify', facts.host)}",
        )

    def release(self) -> None:
        """Take the end of validity out of the claim, where the service is still there.

        A failure is passed over: a claim that cannot be released expires.
        """
        with suppress(NovaDecomError):
            facts = self.fresh.get(frozenset({Part.SERVICES}))
            if not facts.claim_is_ours or not _has_expiry(facts):
                return
            facts = self.wait_for_service_answer(facts)
            service = facts.service
            if service and service.id and facts.claim_is_ours:
                self.journal.event("released", host=facts.host, service=service.id)
                reason = released(service.disabled_reason or "")
                self.cloud.send(disable_service(service.id, reason))

    def wait_for_service_answer(self, facts: HostFacts) -> HostFacts:
        """The facts when nova-compute answers, or nova knows that it does not; bounded.

        Whenever a service is disabled, also anew, nova asks its nova-compute to tell placement
        (nova 34.0.0 compute/api.py:6401). A dead one that nova takes for up costs a minute until
        the call times out; and it finds the question in its queue when it comes back, so that
        placement has the host for disabled until its next update of resources.
        """
        latest = [facts]
        what = "nova-compute answers, or nova marks it down"

        def is_known() -> bool:
            latest.append(self.fresh.poll(ANSWER))
            return _is_known(latest[-1])

        if not _is_known(facts):
            self.progress.waiting(facts.host, what, DOWN_WITHIN)
            with self.fresh.slots.slot_released(), suppress(WaitTimeoutError):
                poll_until(is_known, what=what, timeout=DOWN_WITHIN, every=1.0, clock=self.clock)
        return latest[-1]


def _is_known(facts: HostFacts) -> bool:
    """True when nova-compute is known to live, or nova knows that it does not."""
    service = facts.service
    if service is None or not service.is_up:
        return True
    heartbeat = facts.heartbeat_of(service)
    return heartbeat is not None and heartbeat.moved and not facts.is_silent(service)


def _has_expiry(facts: HostFacts) -> bool:
    reason = (facts.service.disabled_reason if facts.service else None) or ""
    return released(reason) != reason
