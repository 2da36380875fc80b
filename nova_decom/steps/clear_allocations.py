# SPDX-License-Identifier: Apache-2.0
"""Step clear-allocations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.model.api_call import TRY_TO_SET_ALLOCATIONS, ApiCall
from nova_decom.model.change import Change
from nova_decom.model.cloud import Allocation, Owner
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.step import Cloud, Step

#: Owners that have no right to the allocation. Allocations that are not nova's stay.
STALE = {Owner.ELSEWHERE, Owner.MIGRATION, Owner.NOTHING}


class ClearAllocations(Step):
    """Take the host's providers out of allocations that belong to nothing on the host.

    An allocation that is left makes nova leave the resource provider behind without a word
    (nova 34.0.0 scheduler/client/report.py:2431). A server that lives elsewhere keeps its
    other allocations as they are: never is a consumer deleted that holds anything elsewhere.
    """

    name: ClassVar[str] = "clear-allocations"
    tries: ClassVar[tuple[ApiCall, ...]] = (TRY_TO_SET_ALLOCATIONS,)
    reads: ClassVar[frozenset[str]] = frozenset(
        {Part.SERVERS, Part.MIGRATIONS, Part.PROVIDERS, Part.ALLOCATIONS}
    )

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each consumer that has no right to its allocation."""
        for consumer, held in _stale(facts).items():
            providers = ", ".join(a.provider for a in held)
            detail = (
                f"PUT /allocations/{consumer} without {providers} "
                f"(consumer: {_consumer(held[0].owner)})"
            )
            yield Change(self.name, "release", consumer, detail)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The consumer has no allocation on the host."""
        rest = tuple(a for a in facts.allocations if a.consumer != change.target)
        return replace(facts, allocations=rest)

    def apply(self, change: Change, cloud: Cloud, facts: HostFacts) -> str | None:
        """Release the allocation; it is read again for that, as others may change it too."""
        providers = frozenset(p.uuid for p in facts.providers)
        return cloud.release_allocations(change.target, providers)


def _stale(facts: HostFacts) -> dict[str, list[Allocation]]:
    found: dict[str, list[Allocation]] = {}
    for allocation in facts.allocations:
        if allocation.owner in STALE:
            found.setdefault(allocation.consumer, []).append(allocation)
    return found


def _consumer(owner: Owner) -> str:
    return {
        Owner.ELSEWHERE: "a server that is not on this host",
        Owner.MIGRATION: "a migration that is over",
    }.get(owner, "nothing that nova knows")
