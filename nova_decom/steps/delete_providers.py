# SPDX-License-Identifier: Apache-2.0
"""Step delete-providers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.model.api_call import TRY_TO_DELETE_PROVIDER, ApiCall, delete_provider
from nova_decom.model.change import Change
from nova_decom.model.cloud import ResourceProvider
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.step import Step


class DeleteProviders(Step):
    """Delete resource providers that nova left, children before their parents.

    Nova swallows every error of its own attempt; a provider that stays keeps its name, and a
    host that comes back under that name never receives a server.
    """

    name: ClassVar[str] = "delete-providers"
    tries: ClassVar[tuple[ApiCall, ...]] = (TRY_TO_DELETE_PROVIDER,)
    reads: ClassVar[frozenset[str]] = frozenset({Part.SERVICES, Part.PROVIDERS, Part.ALLOCATIONS})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each provider without allocations, leaves first; none while nova may."""
        if facts.service is not None:
            return
        stuck = stuck_providers(facts)
        for provider in sorted(facts.providers, key=lambda p: -_depth(p, facts)):
            if provider.uuid not in stuck:
                call = delete_provider(provider.uuid)
                detail = f"{call.text} ({provider.name})"
                yield Change(self.name, "delete", provider.uuid, detail, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the provider."""
        rest = tuple(p for p in facts.providers if p.uuid != change.target)
        return replace(facts, providers=rest)


def stuck_providers(facts: HostFacts) -> frozenset[str]:
    """Providers that cannot be deleted: those with allocations, and those above them."""
    parents = {p.uuid: p.parent for p in facts.providers}
    stuck: set[str] = set()
    for allocation in facts.allocations:
        current: str | None = allocation.provider
        while current is not None and current not in stuck:
            stuck.add(current)
            current = parents.get(current)
    return frozenset(stuck)


def _depth(provider: ResourceProvider, facts: HostFacts) -> int:
    parents = {p.uuid: p.parent for p in facts.providers}
    above: list[str] = []
    current = provider.parent
    while current is not None and current not in above:
        above.append(current)
        current = parents.get(current)
    return len(above)
