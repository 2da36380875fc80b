# SPDX-License-Identifier: Apache-2.0
"""Re-add: the conditions under which a host of this name can join the cloud again. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nova_decom.model.host import HostFacts
from nova_decom.model.names import removal
from nova_decom.model.plan import Condition, Met, ReAdd, some
from nova_decom.model.rows import DatabaseFacts
from nova_decom.registrars import REGISTRARS

#: Files that name a host and are not checked; the report says so.
NOT_OURS = (
    "the file compute_id on the host: with it, the host comes back as the same compute node",
)


def safe_to_readd(facts: HostFacts) -> ReAdd:
    """All conditions for this host, each met, not met or unknown."""
    return ReAdd(
        (
            _condition("compute-service", tuple(_services(facts)), "none is registered"),
            _condition("resource-provider", tuple(_providers(facts)), "no provider has the name"),
            _rows(facts),
            _evacuations(facts),
            *(c for registrar in REGISTRARS for c in registrar.conditions(facts)),
        )
    )


def _condition(name: str, obstacles: Sequence[str], met: str) -> Condition:
    if obstacles:
        return Condition(name, Met.NOT_MET, "; ".join(obstacles))
    return Condition(name, Met.MET, met)


def _services(facts: HostFacts) -> Iterator[str]:
    if facts.service is not None:
        yield "nova-compute is still registered under this name"


def _providers(facts: HostFacts) -> Iterator[str]:
    never = "a new compute node of that name gets no provider, and never a server"
    for provider in facts.providers:
        if provider.uuid == provider.root:
            yield f"resource provider {provider.uuid} has the name {provider.name}: {never}"
    for provider in facts.same_name_providers:
        yield (
            f"resource provider {provider.uuid} of another host has the name {provider.name}: "
            f"{never}"
        )


def _rows(facts: HostFacts) -> Condition:
    """The host mapping and the compute nodes, which only the databases of all cells show."""
    database = facts.database
    found = tuple(_in_rows(facts, database)) if database else ()
    if found or (database is not None and database.all_cells):
        return _condition("rows", found, "no host mapping and no mapped compute node is left")
    return Condition(
        "rows",
        Met.UNKNOWN,
        "not all databases were read: a host mapping or a mapped row may be left",
        "give --nova-conf, or --api-db-url, and verify again",
    )


def _in_rows(facts: HostFacts, database: DatabaseFacts) -> Iterator[str]:
    if facts.service is None and database.host_mapping is not None:
        yield f"a host mapping leads to cell {database.host_mapping.cell}"
    for row in (r for r in database.compute_nodes if r.host == facts.host):
        if facts.service is None and not row.deleted:
            yield f"compute_nodes {row.id} exists without a service"
        if row.deleted and row.mapped:
            yield (
                f"compute_nodes {row.id} is soft-deleted and still mapped: discover_hosts "
                "would not find the same node again"
            )


def _evacuations(facts: HostFacts) -> Condition:
    """Nova-compute closes the records when it starts, if it finds their compute node.

    A new compute node of the name is registered after that: the records stay open at the first
    start, and a server that has come back by then is destroyed at the next one.
    """
    servers = some(dict.fromkeys(m.server for m in facts.evacuations))
    if not servers:
        return Condition("evacuations", Met.MET, "no evacuation from the host is open")
    return Condition(
        "evacuations",
        Met.NOT_MET,
        f"evacuations from {facts.host} are open, of servers {servers}: one that moves back is "
        "destroyed when nova-compute restarts",
        f"{removal(facts.host, '--close-evacuations')}, with the databases; or start "
        f"nova-compute of the new {facts.host} twice before you enable the host",
    )
