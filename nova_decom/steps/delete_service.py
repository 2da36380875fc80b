# SPDX-License-Identifier: Apache-2.0
"""Step delete-service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from nova_decom.model.api_call import delete_service
from nova_decom.model.change import Change
from nova_decom.model.cloud import NOVA_COMPUTE, ResourceProvider
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.rows import DatabaseFacts
from nova_decom.steps.base import Step
from nova_decom.steps.delete_providers import stuck_providers


class DeleteService(Step):
    """Delete the compute service; nova deletes its records of the host with it.

    That is, in this order: aggregate memberships, resource providers, the host mapping, the
    rows (soft-deleted) of services and compute_nodes (nova 34.0.0
    api/openstack/compute/services.py:245). Providers that still have allocations stay, and
    nova reports no error. Before 30.2.1, 31.3.0 and 32.1.0 the compute node stays flagged as
    mapped, so that is what a plan expects.
    """

    name: ClassVar[str] = "delete-service"
    deletes_service: ClassVar[bool] = True
    reads: ClassVar[frozenset[Part]] = frozenset({Part.SERVICES, Part.DATABASE})
    guarded: ClassVar[frozenset[Part]] = frozenset(
        {Part.HEARTBEATS, Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS}
    )

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each service that leaves."""
        for service in facts.leaving_services:
            if service.id is not None:
                call = delete_service(service.id)
                yield Change(self.name, "delete", service.id, call.text, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The service is gone, and for nova-compute all that nova deletes with it."""
        gone = next(s for s in facts.services if s.id == change.target)
        facts = replace(facts, services=tuple(s for s in facts.services if s is not gone))
        database = facts.database and _soft_delete_service(change.target, facts.database)
        if gone.binary != NOVA_COMPUTE:
            return replace(facts, database=database)
        return replace(
            facts,
            compute_nodes=(),
            aggregates=(),
            providers=_providers_left(facts),
            database=database and _unregister(facts.host, database),
        )


def _soft_delete_service(uuid: str, database: DatabaseFacts) -> DatabaseFacts:
    return replace(
        database,
        services=tuple(
            replace(r, deleted=r.id) if r.uuid == uuid else r for r in database.services
        ),
    )


def _unregister(host: str, database: DatabaseFacts) -> DatabaseFacts:
    return replace(
        database,
        host_mapping=None,
        aggregate_hosts=(),
        compute_nodes=tuple(
            replace(r, deleted=r.id) if r.host == host and not r.deleted else r
            for r in database.compute_nodes
        ),
    )


def _providers_left(facts: HostFacts) -> tuple[ResourceProvider, ...]:
    """Providers that nova cannot delete: with allocations, above such a one, or not its own."""
    nodes = {node.uuid for node in facts.living_nodes}
    stuck = stuck_providers(facts)
    return tuple(p for p in facts.providers if p.root not in nodes or p.uuid in stuck)
