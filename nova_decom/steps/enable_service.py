# SPDX-License-Identifier: Apache-2.0
"""Step enable-service, of the command enable, which undoes disable-service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.model.api_call import TRY_TO_UPDATE_SERVICE, ApiCall, enable_service
from nova_decom.model.change import Change
from nova_decom.model.cloud import NOVA_COMPUTE
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.step import Step


class EnableService(Step):
    """Enable the compute service again, so that the scheduler may choose the host."""

    name: ClassVar[str] = "enable-service"
    reversible: ClassVar[bool] = True
    tries: ClassVar[tuple[ApiCall, ...]] = (TRY_TO_UPDATE_SERVICE,)
    reads: ClassVar[frozenset[str]] = frozenset({Part.SERVICES})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change while the service is disabled."""
        service = facts.service
        if service is None or service.id is None or service.status != "disabled":
            return
        call = enable_service(service.id)
        yield Change(self.name, "enable", service.id, call.text, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts with the service enabled, without a reason."""
        return replace(
            facts,
            services=tuple(
                replace(s, status="enabled", disabled_reason=None)
                if s.id == change.target and s.binary == NOVA_COMPUTE
                else s
                for s in facts.services
            ),
        )
