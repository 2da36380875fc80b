# SPDX-License-Identifier: Apache-2.0
"""Step await-arrivals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.model.change import Change
from nova_decom.model.cloud import Owner
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.step import Step


class AwaitArrivals(Step):
    """Wait until servers that are on their way to the host are there, or are not coming.

    A server that the scheduler has sent to the host has an allocation there and no host yet;
    nova lists it on no host (nova 34.0.0 conductor/manager.py, schedule_and_build_instances).
    Its request is in the queue of nova-compute, or is being carried out: so this comes after
    disabling, while nova-compute still runs, and before the servers move. Where servers are not
    to be moved, a guard refuses instead. A server on another host that has an allocation here
    and a task in progress may be coming too: its task ends in any case.
    """

    name: ClassVar[str] = "await-arrivals"
    reversible: ClassVar[bool] = True
    needs_no_review: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One wait for each server with a task, and for each on its way that is to be moved.

        None where only servers that were named are to move.
        """
        if facts.request.only is not None:
            return
        awaited = facts.consumers(Owner.BUSY)
        if facts.request.moves_servers:
            awaited |= facts.consumers(Owner.ARRIVING)
        for server, text in awaited.items():
            detail = f"wait for {text} {server}, which has an allocation on the host"
            yield Change(self.name, "wait", server, detail, only_waits=True)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The server has arrived and is moved with the others, or its allocation is cleared."""
        is_coming = change.target in facts.consumers(Owner.ARRIVING)
        return replace(
            facts,
            allocations=tuple(
                replace(a, owner=Owner.ELSEWHERE) if a.consumer == change.target else a
                for a in facts.allocations
                if not (is_coming and a.consumer == change.target)
            ),
        )
