# SPDX-License-Identifier: Apache-2.0
"""A run's hold on its host against runs on other machines, by the claim that it wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from nova_decom import claims
from nova_decom.errors import BusyError, NovaDecomError, WaitTimeoutError
from nova_decom.guards import FOREIGN_DISABLE, judge
from nova_decom.model import HostFacts, Outcome, Part, Verdict
from nova_decom.steps import Cloud
from nova_decom.steps.delete_service import DeleteService
from nova_decom.waiting import Clock, until

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
class Hold:
    """When the claim was written, and all that follows from it."""

    cloud: Cloud
    journal: Events
    clock: Clock
    #: Within: the host only waits, and others of the run may work.
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    #: Is told the host, what is waited for, and for how many seconds at most.
    told: Callable[[str, str, float], None] = _nobody
    since: float | None = None
    service: str | None = None

    def begins(self, facts: HostFacts) -> None:
        """Remember the service that is held."""
        self.since = None
        self.service = facts.service.id if facts.service else None

    def await_answer(self, facts: HostFacts) -> None:
        """Return when nova-compute answers, or nova knows that it does not; at the latest then.

        Whenever a service is disabled, also anew, nova asks its nova-compute to tell placement
        (nova 34.0.0 compute/api.py:6401). One that died and is still taken for up costs a minute
        until the call times out; and it finds the question in its queue when it comes back, so
        that placement has the host for disabled until its next look at its resources.
        """

        def is_known() -> bool:
            now = self.cloud.refresh(facts.host, frozenset({Part.SERVICES, Part.HEARTBEATS}))
            service = now.service
            if service is None or not service.is_up:
                return True
            heartbeat = now.heartbeat_of(service)
            return heartbeat is not None and heartbeat.moved and not now.is_silent(service)

        if is_known():
            return
        what = "nova-compute answers, or nova takes it for down"
        self.told(facts.host, what, DOWN_WITHIN)
        with self.waiting(), suppress(WaitTimeoutError):
            until(is_known, what=what, timeout=DOWN_WITHIN, every=1.0, clock=self.clock)

    def claimed(self) -> None:
        """The claim was written and read back."""
        self.since = self.clock.now()

    def settled(self, facts: HostFacts, reads: frozenset[Part]) -> HostFacts:
        """The facts, these parts read again when the claim had still to stand for a while.

        One of our own that has lapsed, as after hours of moving servers, is written anew first:
        whoever takes it over meanwhile has written last.
        """
        service = facts.service
        if service and service.id and facts.claim_is_over and _is_ours(facts):
            self.await_answer(facts)
            self.journal.event("renewed", host=facts.host, service=service.id)
            self.cloud.disable_service(service.id, claims.renewed(service.disabled_reason))
            self.claimed()
        stood = claims.STANDS if self.since is None else self.clock.now() - self.since
        if stood >= claims.STANDS:
            return facts
        with self.waiting():
            self.clock.sleep(claims.STANDS - stood)
        return self.cloud.refresh(facts.host, reads | {Part.SERVICES})

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
            facts = self.cloud.refresh(host, frozenset({Part.SERVICES}))
            service = facts.service
            ended = claims.ended(service.disabled_reason or "") if service else ""
            if service and service.id and _is_ours(facts) and ended != service.disabled_reason:
                self.await_answer(facts)
                self.journal.event("released", host=host, service=service.id)
                self.cloud.disable_service(service.id, ended)


def raise_if_held(facts: HostFacts) -> None:
    """Stop here while another run holds the host.

    :raises BusyError: it does; the message names it.
    """
    (finding,) = judge(facts, (FOREIGN_DISABLE,))
    if finding.verdict is Verdict.BLOCKED:
        raise BusyError(f"{facts.host}: {finding.message}", finding.remedy)


def _deletes(outcome: Outcome) -> bool:
    return outcome.change.step == DeleteService.name


def _is_ours(facts: HostFacts) -> bool:
    reason = facts.service.disabled_reason if facts.service else None
    return claims.is_of(claims.run_of(facts.request.claim), reason)
