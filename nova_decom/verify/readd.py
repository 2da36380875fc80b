# SPDX-License-Identifier: Apache-2.0
"""Re-add: whether a host of this name can join the cloud again, and the obstacles. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nova_decom.model.host import HostFacts
from nova_decom.model.plan import ReAdd
from nova_decom.model.rows import DatabaseFacts

#: Services and files that name a host and are not checked; the report says so.
NOT_OURS = (
    "RabbitMQ queues named after the host",
    "cinder, masakari and other services that know the host",
    "compute_id on the host: kept, it comes back as the same compute node; removed, as a new one",
)


def safe_to_readd(facts: HostFacts) -> ReAdd:
    """The answer for this host, with every obstacle."""
    reasons = tuple(_obstacles(facts))
    return ReAdd(safe=not reasons, because=reasons)


def _obstacles(facts: HostFacts) -> Iterator[str]:
    if facts.service is not None:
        yield "nova-compute is still registered under this name"
    for provider in facts.providers:
        if provider.uuid == provider.root:
            yield (
                f"resource provider {provider.uuid} has the name {provider.name}: a new compute "
                "node of that name gets none of its own, and never a server"
            )
    for provider in facts.same_name_providers:
        yield (
            f"resource provider {provider.uuid} of another host has the name {provider.name}: a "
            "new compute node of that name gets none of its own, and never a server"
        )
    if facts.database is None or not facts.database.all_cells:
        yield "not all databases were looked at: a host mapping or a mapped row may be left"
    if facts.database is not None:
        yield from _in_rows(facts, facts.database)


def _in_rows(facts: HostFacts, database: DatabaseFacts) -> Iterator[str]:
    if facts.service is None and database.host_mapping is not None:
        yield f"a host mapping leads to cell {database.host_mapping.cell}"
    for row in (r for r in database.compute_nodes if r.host == facts.host):
        if facts.service is None and not row.deleted:
            yield f"compute_nodes {row.id} lives without a service"
        if row.deleted and row.mapped:
            yield (
                f"compute_nodes {row.id} is soft-deleted and still mapped: discover_hosts "
                "would not find the same node again"
            )
