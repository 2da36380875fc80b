# SPDX-License-Identifier: Apache-2.0
"""Step repair-registration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.model.api_call import (
    TRY_TO_CREATE_PROVIDER,
    ApiCall,
    create_provider,
    delete_provider,
)
from nova_decom.model.change import Change
from nova_decom.model.cloud import ComputeNode, ResourceProvider
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.step import Step
from nova_decom.steps.purge_registration import aggregate_transaction

CREATE = "create-provider"


class RepairRegistration(Step):
    """Make nova's own delete possible where an earlier removal ended half way.

    A compute node without resource provider makes nova answer HTTP 500, the aggregates
    already left (nova 22 to 34, scheduler/client/report.py:2389): a bare provider is created,
    which nova then deletes; where nova does not, this run takes it back. A service in an
    aggregate whose compute node is gone answers 500 for ever (nova 34.0.0
    compute/api.py:6911): its aggregate rows are removed first.
    """

    name: ClassVar[str] = "repair-registration"
    is_preparation: ClassVar[bool] = True
    tries: ClassVar[tuple[ApiCall, ...]] = (TRY_TO_CREATE_PROVIDER,)
    reads: ClassVar[frozenset[str]] = frozenset(
        {Part.SERVICES, Part.COMPUTE_NODES, Part.AGGREGATES, Part.DATABASE, Part.PROVIDERS}
    )
    guarded: ClassVar[frozenset[str]] = frozenset(
        {Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS}
    )

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each missing provider, one for aggregate rows that block the delete."""
        if facts.service is None:
            return
        known = {p.uuid for p in facts.providers}
        for node in facts.living_nodes:
            if node.uuid not in known:
                call = create_provider(node.uuid, _name(node, facts))
                yield Change(self.name, CREATE, node.uuid, call.text, call=call)
        database = facts.database
        if not facts.living_nodes and database and database.aggregate_hosts:
            yield aggregate_transaction(self.name, facts.host, database)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts with the provider, and without the memberships."""
        if change.action == CREATE:
            name = _name(_node(change, facts), facts)
            provider = ResourceProvider(change.target, name, root=change.target)
            return replace(facts, providers=(*facts.providers, provider))
        database = facts.database and replace(facts.database, aggregate_hosts=())
        return replace(facts, aggregates=(), database=database)

    def undo(self, change: Change, facts: HostFacts) -> Change | None:
        """Delete the provider while the service that it was made for is still there."""
        made = change.action == CREATE and change.target in {p.uuid for p in facts.providers}
        if facts.service is None or not made:
            return None
        call = delete_provider(change.target)
        return Change(self.name, "delete-provider", change.target, call.text, call=call)


def _node(change: Change, facts: HostFacts) -> ComputeNode:
    return next(n for n in facts.living_nodes if n.uuid == change.target)


def _name(node: ComputeNode, facts: HostFacts) -> str:
    """The hypervisor hostname, under which nova-compute finds it too; a longer one if taken."""
    taken = {p.name for p in (*facts.providers, *facts.same_name_providers)}
    name = node.hypervisor_hostname
    return f"{name}.{node.uuid}" if name in taken else name
