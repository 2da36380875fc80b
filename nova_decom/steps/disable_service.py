# SPDX-License-Identifier: Apache-2.0
"""Step disable-service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.model.api_call import TRY_TO_UPDATE_SERVICE, ApiCall, disable_service
from nova_decom.model.change import Change
from nova_decom.model.claim import take_over
from nova_decom.model.cloud import NOVA_COMPUTE
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.step import Step


class DisableService(Step):
    """Disable the compute service, so that the scheduler sends no server, and claim the host.

    The reason is the claim of the run, by which runs on other machines know that the host is
    held. A service that is disabled already is claimed too, its reason kept after the claim.

    Never ``forced_down``: while servers are on the host it turns migrations into errors and
    deletes into local deletes (nova 34.0.0 servicegroup/api.py:76).
    """

    name: ClassVar[str] = "disable-service"
    reversible: ClassVar[bool] = True
    writes_claim: ClassVar[bool] = True
    tries: ClassVar[tuple[ApiCall, ...]] = (TRY_TO_UPDATE_SERVICE,)
    reads: ClassVar[frozenset[str]] = frozenset({Part.SERVICES})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change while the service is enabled, or not claimed by this run."""
        service = facts.service
        is_claimed = facts.is_disabled and facts.claim_is_ours and not facts.claim_is_over
        if service is None or service.id is None or is_claimed:
            return
        call = disable_service(service.id, _claim(facts))
        yield Change(self.name, "disable", service.id, call.text, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts with the service disabled, and the claim of the run as its reason."""
        return replace(
            facts,
            claim_is_over=False,
            services=tuple(
                replace(s, status="disabled", disabled_reason=_claim(facts))
                if s.id == change.target and s.binary == NOVA_COMPUTE
                else s
                for s in facts.services
            ),
        )


def _claim(facts: HostFacts) -> str:
    service = facts.service
    if service is None or service.status != "disabled":
        return facts.request.claim
    return take_over(facts.request.claim, service.disabled_reason)
