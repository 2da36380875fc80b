# SPDX-License-Identifier: Apache-2.0
"""A run's hold on its host against runs on other machines, by the claim that it wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from nova_decom.apply.refresh import FreshFacts
from nova_decom.clock import LONG_AGO, Clock
from nova_decom.errors import BusyError, NovaDecomError, WaitTimeoutError
from nova_decom.guards import FOREIGN_DISABLE, judge
from nova_decom.model.change import Outcome
from nova_decom.model.claim import EFFECTIVE_AFTER, belongs_to, released, reopened, run_of
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Verdict
from nova_decom.model.request import Part
from nova_decom.retry import poll_until
from nova_decom.steps import Cloud
from nova_decom.steps.delete_service import DeleteService

#: Seconds within which nova takes a nova-compute that died for down: nova.conf's
#: service_down_time is 60 by default, and its last heartbeat may be as old as an interval.
DOWN_WITHIN = 75.0


def _nobody(_host: str, _what: str, _seconds: float) -> None:
    """Tell nobody."""


class Events(Protocol):
    """Where each event is written before the next thing happens."""

    def event(self, kind: str, **data: Any) -> None:  # noqa: ANN401
        """Append one event and make it last."""


@dataclass(slots=True)
class ClaimLease:
    """When the claim was written, and all that follows from it."""

    cloud: Cloud
    journal: Events
    clock: Clock
    looks: FreshFacts
    #: Is told the host, what is waited for, and for how many seconds at most.
    told: Callable[[str, str, float], None] = _nobody
    since: float | None = None
    service: str | None = None

    def watch_service(self, facts: HostFacts) -> None:
        """Remember the service that is held."""
        self.since = None
        self.service = facts.service.id if facts.service else None

    def wait_for_service_answer(self, facts: HostFacts) -> HostFacts:
        """The facts when nova-compute answers or nova knows that it does not; bounded.

        Whenever a service is disabled, also anew, nova asks its nova-compute to tell placement
        (nova 34.0.0 compute/api.py:6401). One that died and is still taken for up costs a minute
        until the call times out; and it finds the question in its queue when it comes back, so
        that placement has the host for disabled until its next look at its resources.
        """
        seen = [facts]
        what = "nova-compute answers, or nova takes it for down"
        parts = frozenset({Part.SERVICES, Part.HEARTBEATS})

        def is_known() -> bool:
            seen.append(self.looks.poll(facts.host, parts))
            return _is_known(seen[-1])

        if not _is_known(facts):
            self.told(facts.host, what, DOWN_WITHIN)
            with self.looks.together.slot_released(), suppress(WaitTimeoutError):
                poll_until(is_known, what=what, timeout=DOWN_WITHIN, every=1.0, clock=self.clock)
        return seen[-1]

    def claimed(self) -> None:
        """The claim was written and read back."""
        self.since = self.clock.now()

    def wait_until_effective(self) -> float:
        """Wait until the claim has stood for long enough; since when it has.

        Only what is seen then tells who has written last.
        """
        if self.since is None:
            return LONG_AGO
        end = self.since + EFFECTIVE_AFTER
        left = end - self.clock.now()
        if left > 0:
            with self.looks.together.slot_released():
                self.clock.sleep(left)
        return end

    def renew_if_expired(self, facts: HostFacts, reads: frozenset[Part]) -> HostFacts:
        """The facts; read again where the claim had to be written anew.

        One of our own that has lapsed, as after hours of moving servers, has to: whoever takes
        it over meanwhile has written last.
        """
        if not _is_ours(facts) or not facts.claim_is_over:
            return facts
        facts = self.wait_for_service_answer(facts)
        service = facts.service
        if service is None or service.id is None or not _is_ours(facts):
            # It was taken over, or deleted, while we waited.
            return facts
        self.journal.event("renewed", host=facts.host, service=service.id)
        self.looks.spoil()
        self.cloud.disable_service(service.id, reopened(service.disabled_reason))
        self.claimed()
        return self.looks.recent(facts.host, reads | {Part.SERVICES}, self.wait_until_effective())

    def raise_if_overtaken(self, facts: HostFacts, outcomes: Sequence[Outcome]) -> None:
        """Stop here when the service that is held is gone, and not by this run.

        :raises BusyError: somebody else deleted it.
        """
        ours = any(o.begun and o.change.target == self.service for o in outcomes if _deletes(o))
        if self.service is not None and facts.service is None and not ours:
            raise BusyError(
                f"{facts.host}: its compute service was deleted by somebody else meanwhile: "
                "another run is at work",
                f"when that has ended: nova-decom verify {facts.host}",
            )

    def release(self, host: str) -> None:
        """Where the service stays, its reason tells that the run has ended.

        Nobody has to wait for that: what cannot be told now lapses by time.
        """
        with suppress(NovaDecomError):
            facts = self.looks.latest(host, frozenset({Part.SERVICES}))
            if not _is_ours(facts) or not _is_told(facts):
                return
            facts = self.wait_for_service_answer(facts)
            service = facts.service
            if service and service.id and _is_ours(facts):
                self.journal.event("released", host=host, service=service.id)
                ended = released(service.disabled_reason or "")
                self.cloud.disable_service(service.id, ended)


def raise_if_held(facts: HostFacts) -> None:
    """Stop here while another run holds the host.

    :raises BusyError: it does; the message names it.
    """
    (finding,) = judge(facts, (FOREIGN_DISABLE,))
    if finding.verdict is Verdict.BLOCKED:
        raise BusyError(f"{facts.host}: {finding.message}", finding.remedy)


def _is_known(facts: HostFacts) -> bool:
    """Whether nova-compute is known to live, or nova knows that it does not."""
    service = facts.service
    if service is None or not service.is_up:
        return True
    heartbeat = facts.heartbeat_of(service)
    return heartbeat is not None and heartbeat.moved and not facts.is_silent(service)


def _deletes(outcome: Outcome) -> bool:
    return outcome.change.step == DeleteService.name


def _is_told(facts: HostFacts) -> bool:
    """Whether the reason tells until when the host is held."""
    reason = (facts.service.disabled_reason if facts.service else None) or ""
    return released(reason) != reason


def _is_ours(facts: HostFacts) -> bool:
    reason = facts.service.disabled_reason if facts.service else None
    return belongs_to(run_of(facts.request.claim), reason)
