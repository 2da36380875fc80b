# SPDX-License-Identifier: Apache-2.0
"""Every trace of a host that is still somewhere, and the command that cures it. Pure.

Seen here does not mean cleaned: a run may not claim success over any of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from nova_decom.model import HostFacts, Kept, Leftover
from nova_decom.steps.purge_rows import doomed_rows


def leftovers(facts: HostFacts) -> tuple[Leftover, ...]:
    """All traces, nova's own first, then placement's, then neutron's."""
    return (*_in_nova(facts), *_in_database(facts), *_in_placement(facts), *_in_neutron(facts))


def kept(facts: HostFacts) -> tuple[Kept, ...]:
    """What stays on purpose: other binaries on the host, and rows that nova still needs."""
    services = [
        Kept(s.binary, s.host, "another binary on this host; see --all-binaries")
        for s in facts.kept_services
    ]
    database = facts.database
    if database is not None and database.nodes_needed and database.compute_nodes:
        why = (
            f"compute_nodes stays soft-deleted: {database.nodes_needed} instances have no "
            "compute_id yet; run nova-manage db online_data_migrations, then remove again"
        )
        services.append(Kept("compute_nodes", facts.host, why))
    return tuple(services)


def _in_nova(facts: HostFacts) -> Iterator[Leftover]:
    remove = f"nova-decom remove {facts.host}"
    for service in facts.leaving_services:
        detail = f"{service.binary} is registered, {service.status}, {service.state}"
        yield Leftover("compute-service", service.id or service.binary, detail, remove)
    for node in facts.compute_nodes:
        yield Leftover("compute-node", node.uuid, node.hypervisor_hostname, remove)
    for server in facts.servers:
        yield Leftover("server", server.id, f"{server.name!r} {server.status}", "move it")
    for aggregate in facts.aggregates:
        yield Leftover(
            "aggregate",
            str(aggregate.id),
            f"{facts.host} is a member of {aggregate.name!r}",
            f"openstack aggregate remove host {aggregate.id} {facts.host}",
        )


def _in_database(facts: HostFacts) -> Iterator[Leftover]:
    database = facts.database
    if database is None:
        return
    rows = doomed_rows(facts, database)
    if rows:
        target, remedy = f"{database.cell}: {rows.label}", f"nova-decom remove {facts.host}"
        yield Leftover("rows", target, "rows in the cell database", remedy)
    if database.host_mapping is not None:
        yield Leftover(
            "host-mapping",
            facts.host,
            f"mapped to cell {database.host_mapping}",
            f"nova-manage cell_v2 delete_host --cell_uuid {database.host_mapping} "
            f"--host {facts.host}",
        )
    known = {a.id for a in facts.aggregates}
    for aggregate in database.aggregate_hosts:
        if aggregate not in known:
            yield Leftover(
                "aggregate",
                str(aggregate),
                f"aggregate_hosts still names {facts.host}",
                f"openstack aggregate remove host {aggregate} {facts.host}",
            )


def _in_placement(facts: HostFacts) -> Iterator[Leftover]:
    for allocation in facts.allocations:
        resources = ", ".join(f"{name} {amount}" for name, amount in allocation.resources)
        yield Leftover(
            "allocation",
            allocation.consumer,
            f"holds {resources} of resource provider {allocation.provider}",
            f"openstack resource provider allocation unset --provider {allocation.provider} "
            f"{allocation.consumer}",
        )
    children_first = sorted(facts.providers, key=lambda p: p.uuid == p.root)
    for provider in children_first:
        yield Leftover(
            "resource-provider",
            provider.uuid,
            provider.name,
            f"openstack resource provider delete {provider.uuid}",
        )


def _in_neutron(facts: HostFacts) -> Iterator[Leftover]:
    for agent in facts.agents:
        state = "still alive: stop it first" if agent.alive else "not alive"
        yield Leftover(
            "network-agent",
            agent.id,
            f"{agent.agent_type} ({agent.binary}), {state}",
            f"openstack network agent delete {agent.id}",
        )
