# SPDX-License-Identifier: Apache-2.0
"""Step await-arrivals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.steps.base import Step


class AwaitArrivals(Step):
    """Wait until servers that are on their way to the host are there, or are not coming.

    A server that the scheduler has sent to the host has an allocation there and no host yet;
    nova lists it on no host (nova 34.0.0 conductor/manager.py, schedule_and_build_instances).
    Its request lies in the queue of nova-compute or is being carried out: so this comes after
    disabling, while nova-compute still runs, and before the servers move. Without a way by which
    servers leave, a guard refuses instead.
    """

    name: ClassVar[str] = "await-arrivals"
    reversible: ClassVar[bool] = True
    reads: ClassVar[frozenset[Part]] = frozenset({Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One wait for each server on its way, where servers that arrive are moved."""
        if not facts.request.moves_servers:
            return
        for server, text in facts.arriving.items():
            detail = f"wait for {text} {server}, which holds resources of the host"
            yield Change(self.name, "wait", server, detail, only_waits=True)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The server has arrived and is moved with the others; its allocation leaves with it."""
        rest = tuple(a for a in facts.allocations if a.consumer != change.target)
        return replace(facts, allocations=rest)
