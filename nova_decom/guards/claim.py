# SPDX-License-Identifier: Apache-2.0
"""Guards about who disabled the compute service."""

from __future__ import annotations

from shlex import quote

from nova_decom.model.claim import belongs_to, read_claim, run_of
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Objection, Verdict


def foreign_disable(facts: HostFacts) -> Objection | None:
    """No other run claims the host, and no operator has disabled it for another reason."""
    service = facts.service
    if service is None or service.status != "disabled" or not service.disabled_reason:
        return None
    reason = service.disabled_reason
    if belongs_to(run_of(facts.request.claim), reason):
        return None
    other = read_claim(reason)
    if other is None:
        return Objection(
            f"somebody else has disabled it: {reason!r}",
            "ask them; their reason is kept after that of the run, and restore puts it back",
            Verdict.WARNING,
        )
    if facts.claim_is_over or other.until is None:
        return Objection(
            f"run {other.run} by {other.by} left it disabled",
            "this run continues",
            Verdict.WARNING,
        )
    return Objection(
        f"run {other.run} by {other.by} holds the host, until {other.until:%Y-%m-%d %H:%M:%S} UTC "
        "at the latest",
        "wait until it has ended; if it is dead, --skip-guard foreign-disable",
    )


def own_disable(facts: HostFacts) -> Objection | None:
    """The service is disabled by this program, if it is: by its reason."""
    service = facts.service
    if service is None:
        return Objection(
            f"{facts.host} has no nova-compute service that could be enabled",
            "start nova-compute on it, then nova-manage cell_v2 discover_hosts",
        )
    if service.status != "disabled":
        return None
    claim = read_claim(service.disabled_reason)
    if claim is not None and claim.until is not None and not facts.claim_is_over:
        return Objection(
            f"run {claim.run} by {claim.by} is at work on it", "wait until it has ended"
        )
    if claim is not None and not claim.was_disabled:
        return None
    return Objection(
        f"disabled by somebody else: {service.disabled_reason or 'without a reason'!r}",
        f"openstack compute service set --enable {quote(facts.host)} nova-compute",
    )
