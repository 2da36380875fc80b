# SPDX-License-Identifier: Apache-2.0
"""Step delete-service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.errors import ConflictError, TransientError
from nova_decom.model.api_call import TRY_TO_DELETE_SERVICE, ApiCall, delete_service
from nova_decom.model.change import Change
from nova_decom.model.cloud import NOVA_COMPUTE, ComputeService, ResourceProvider
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.rows import DatabaseFacts, ServiceRow
from nova_decom.model.step import Cloud, Step
from nova_decom.steps.delete_providers import stuck_providers
from nova_decom.steps.purge_rows import DoomedRows, row_change

#: The action of a service that SQL deletes.
SOFT_DELETE = "soft-delete"
#: The cure where nova answers 5xx and the service has no compute node.
WITHOUT_NODE = (
    "nova up to 22.2, and 23.0, cannot delete a service without compute node: give the databases "
    "(--nova-conf), so that its row is soft-deleted, or start nova-compute once; then run again"
)


class DeleteService(Step):
    """Delete the compute service; nova deletes its records of the host with it.

    That is, in this order: aggregate memberships, resource providers, the host mapping, the
    rows (soft-deleted) of services and compute_nodes (nova 34.0.0
    api/openstack/compute/services.py:245). Providers that still have allocations stay, and
    nova reports no error. Before 30.2.1, 31.3.0 and 32.1.0 the compute node stays flagged as
    mapped, so that is what a plan expects. Up to 22.2, and 23.0, nova answers 500 where no compute
    node is left: with databases, the row of the service is soft-deleted instead, as nova does it.
    """

    name: ClassVar[str] = "delete-service"
    deletes_service: ClassVar[bool] = True
    tries: ClassVar[tuple[ApiCall, ...]] = (TRY_TO_DELETE_SERVICE,)
    reads: ClassVar[frozenset[str]] = frozenset({Part.SERVICES, Part.DATABASE})
    guarded: ClassVar[frozenset[str]] = frozenset(
        {Part.HEARTBEATS, Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS}
    )

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each service that leaves."""
        for service in facts.leaving_services:
            row = _undeletable(service, facts)
            if row is not None:
                rows = DoomedRows(row[0], hidden_services=(row[1],))
                yield row_change(self.name, SOFT_DELETE, facts.host, rows, service.id)
            elif service.id is not None:
                of_nodes = facts.living_nodes if service.binary == NOVA_COMPUTE else ()
                call = delete_service(service.id, (node.uuid for node in of_nodes))
                yield Change(self.name, "delete", service.id, call.text, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the service; for nova-compute, without what nova deletes with it."""
        gone = next(s for s in facts.services if s.id == change.target)
        facts = replace(facts, services=tuple(s for s in facts.services if s is not gone))
        database = facts.database and _soft_delete_service(change.target, facts.database)
        if gone.binary != NOVA_COMPUTE or change.action == SOFT_DELETE:
            return replace(facts, database=database)
        return replace(
            facts,
            compute_nodes=(),
            aggregates=(),
            providers=_providers_left(facts),
            database=database and _unregister(facts.host, database),
        )

    def apply(self, change: Change, cloud: Cloud, facts: HostFacts) -> str | None:
        """Make the change; where nova fails as it does without compute node, name the cure."""
        try:
            return super().apply(change, cloud, facts)
        except TransientError as error:
            if facts.living_nodes or isinstance(error, ConflictError):
                raise
            raise TransientError(str(error), WITHOUT_NODE, error.retry_after) from error


def _undeletable(service: ComputeService, facts: HostFacts) -> tuple[str, ServiceRow] | None:
    """The cell and the row of a service that this nova cannot delete; None where it can."""
    database = facts.database
    if facts.fleet.deletes_without_node or service.binary != NOVA_COMPUTE or database is None:
        return None
    if any(node.host == facts.host and not node.deleted for node in database.compute_nodes):
        return None
    own = [(r.cell or database.cell, r) for r in database.services if r.uuid == service.id]
    return next(((cell, row) for cell, row in own if cell and not row.deleted), None)


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
