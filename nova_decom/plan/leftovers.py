# SPDX-License-Identifier: Apache-2.0
"""Leftovers: every trace of a host that is still somewhere, and its cure. Pure.

Seen here does not mean cleaned: a run may not claim success over any of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from nova_decom.guards.servers import cure_of_stranded
from nova_decom.model.cloud import Owner
from nova_decom.model.host import HostFacts
from nova_decom.model.names import removal
from nova_decom.model.plan import Kept, Leftover
from nova_decom.model.rows import ComputeNodeRow, ServiceRow
from nova_decom.registrars import REGISTRARS
from nova_decom.steps.purge_rows import doomed_rows


def leftovers(facts: HostFacts) -> tuple[Leftover, ...]:
    """All traces, nova's own first, then placement's, then those of the registrars."""
    beside = (trace for registrar in REGISTRARS for trace in registrar.leftovers(facts))
    return (*_in_nova(facts), *_in_database(facts), *_in_placement(facts), *beside)


def kept(facts: HostFacts) -> tuple[Kept, ...]:
    """The things that stay on purpose: other binaries on the host, rows that nova still needs."""
    services = [
        Kept(s.binary, s.host, "another binary on this host; see --all-binaries")
        for s in facts.kept_services
    ]
    services += [thing for registrar in REGISTRARS for thing in registrar.kept(facts)]
    database = facts.database
    if database is not None and database.nodes_needed and database.compute_nodes:
        waiting = sum(database.nodes_needed.values())
        why = (
            f"compute_nodes stays soft-deleted: {waiting} instances have no "
            "compute_id yet; run nova-manage db online_data_migrations, then remove again"
        )
        services.append(Kept("compute_nodes", facts.host, why))
    return (*services, *_history(facts))


def _history(facts: HostFacts) -> Iterator[Kept]:
    """The rows that nova has soft-deleted and that stay by the request."""
    database = facts.database
    if facts.service is not None or database is None:
        return
    doomed = {row for rows in doomed_rows(facts, database) for row in rows.all_rows}
    tables: dict[str, tuple[ServiceRow | ComputeNodeRow, ...]] = {
        "services": tuple(r for r in database.services if r.binary in facts.leaving_binaries),
        "compute_nodes": () if database.nodes_needed else database.compute_nodes,
    }
    for table, rows in tables.items():
        own = (r for r in rows if r.host == facts.host and r.is_history and r not in doomed)
        for row in own:
            why = f"history: nova has soft-deleted row {row.id}; --rows purge deletes it"
            yield Kept(table, facts.host, why)


def _in_nova(facts: HostFacts) -> Iterator[Leftover]:
    remove = removal(facts.host)
    for service in facts.leaving_services:
        detail = f"{service.binary} is registered, {service.status}, {service.state}"
        yield Leftover("compute-service", service.id or service.binary, detail, remove)
    for node in facts.compute_nodes:
        yield Leftover("compute-node", node.uuid, node.hypervisor_hostname, remove)
    move = "move or delete it" if facts.service else cure_of_stranded(facts.host)
    for server in facts.servers:
        yield Leftover("server", server.id, f"{server.name!r} {server.status}", move)
    in_rows = facts.database.aggregate_hosts if facts.database else ()
    known = {s.id for s in facts.servers}
    for row in facts.database.instances if facts.database else ():
        if row.uuid not in known:
            detail = f"{row.name!r} {row.vm_state} (database only)"
            yield Leftover("server", row.uuid, detail, move)
    for aggregate in facts.aggregates:
        detail = f"{facts.host} is a member of {aggregate.name!r}"
        cure = remove
        if facts.service is None and not in_rows:
            # Without a service nova's API answers 404 for ever.
            cure = f"{remove} with --nova-conf or --api-db-url"
        yield Leftover("aggregate", str(aggregate.id), detail, cure)


def _in_database(facts: HostFacts) -> Iterator[Leftover]:
    database = facts.database
    if database is None:
        return
    for rows in doomed_rows(facts, database):
        remedy = removal(facts.host)
        yield Leftover("rows", rows.label, "rows in the cell database", remedy)
    if database.host_mapping is not None:
        yield Leftover(
            "host-mapping",
            facts.host,
            f"mapped to cell {database.host_mapping.cell}",
            removal(facts.host),
        )
    known = {a.id for a in facts.aggregates}
    for row in database.aggregate_hosts:
        if row.aggregate_id not in known:
            target, detail = str(row.aggregate_id), f"aggregate_hosts still names {facts.host}"
            yield Leftover("aggregate", target, detail, removal(facts.host))


def _in_placement(facts: HostFacts) -> Iterator[Leftover]:
    remove = removal(facts.host)
    for allocation in facts.allocations:
        resources = ", ".join(f"{name} {amount}" for name, amount in allocation.resources)
        detail = f"holds {resources} of resource provider {allocation.provider}"
        cure = {
            Owner.HERE: "move the server, or let its migration end",
            Owner.ARRIVING: "wait until it has arrived, or: openstack server delete "
            f"{allocation.consumer}",
            Owner.BUSY: f"wait until the task of the server has ended, then: {remove}",
            Owner.FOREIGN: "it is not nova's: release it where it was made",
        }.get(allocation.owner, remove)
        yield Leftover("allocation", allocation.consumer, detail, cure)
    for provider in sorted(facts.providers, key=lambda p: p.uuid == p.root):
        yield Leftover("resource-provider", provider.uuid, provider.name, remove)
