# SPDX-License-Identifier: Apache-2.0
"""Leftovers of earlier removals anywhere in the cloud: pure questions over bulk readings.

Each answers with traces: the host that they name, what was seen, and the command that cures it.
No command could stop the nova-compute of a host that is up: a name that may be another spelling
of such a host's gets one that touches no machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from shlex import quote

from nova_decom.guards.servers import cure_of_stranded
from nova_decom.model.cloud import NOVA_COMPUTE, ResourceProvider
from nova_decom.model.names import other_spellings, removal
from nova_decom.model.plan import Leftover
from nova_decom.model.rows import CloudRows, ComputeNodeRow, ServiceRow
from nova_decom.model.snapshot import CloudSnapshot, grouped
from nova_decom.registrars import REGISTRARS

SYNC_AGGREGATES = "nova-manage placement sync_aggregates"


@dataclass(frozen=True)
class AuditSnapshot:
    """Bulk readings of the whole cloud; ``rows`` is None when no database is configured.

    ``remembered`` are the names of hosts that earlier runs removed.
    """

    view: CloudSnapshot
    rows: CloudRows | None
    compute_providers: tuple[ResourceProvider, ...] = ()
    remembered: frozenset[str] = frozenset()
    #: Aggregate (uuid) -> the resource providers that are in it.
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The hosts that have a nova-compute service; all others are ghosts."""
        return frozenset(s.host for s in self.view.services if s.binary == NOVA_COMPUTE)

    @cached_property
    def up(self) -> frozenset[str]:
        """The hosts whose nova-compute is up."""
        services = (s for s in self.view.services if s.binary == NOVA_COMPUTE)
        return frozenset(s.host for s in services if s.is_up)

    @cached_property
    def stranded(self) -> Mapping[str, int]:
        """Host without nova-compute service -> the number of servers on it."""
        found = Counter(s.host for s in self.view.servers)
        found |= Counter(self.rows.servers if self.rows else {})
        return {host: found[host] for host in sorted(found) if host and host not in self.hosts}

    @cached_property
    def host_of_hypervisor(self) -> dict[str, str]:
        """Hypervisor hostname -> the host that has it; one with a nova-compute goes first."""
        rows = self.rows.compute_nodes if self.rows else ()
        pairs = [(r.hypervisor_hostname, r.host) for r in rows if r.host]
        pairs += [(n.hypervisor_hostname, n.host) for n in self.view.compute_nodes]
        return dict(sorted(pairs, key=lambda pair: pair[1] in self.hosts))

    @cached_property
    def nodes(self) -> dict[str, str]:
        """The uuids of all compute nodes that are not deleted, with their hosts."""
        rows = self.rows.compute_nodes if self.rows else ()
        live = {r.uuid: r.host for r in rows if not r.deleted and r.uuid and r.host}
        return {n.uuid: n.host for n in self.view.compute_nodes} | live


@dataclass(frozen=True, slots=True)
class Trace:
    """A leftover or an inconsistency of one host."""

    host: str
    leftover: Leftover


def audit(cloud: AuditSnapshot) -> tuple[Trace, ...]:
    """Every trace, each once, in the order of :data:`CHECKS`."""
    return tuple(trace for question in CHECKS for trace in question(cloud))


def _remove(cloud: AuditSnapshot, host: str, *options: str) -> str:
    """The command that removes a host that is not up, and stops no machine of another name.

    It is refused while servers are stranded there: they go first.
    """
    other = host not in cloud.up and other_spellings(host, cloud.up)
    options += ("--stop-with none",) if other else ()
    if host in cloud.stranded:
        return cure_of_stranded(host, *options)
    return removal(host, *options)


def _unless_removed(cloud: AuditSnapshot, host: str, cure: str) -> str:
    """A cure of a host; its removal is one too while its nova-compute is not up."""
    return cure if host in cloud.up else f"{cure}, or: {_remove(cloud, host)}"


def _trace_elsewhere(cloud: AuditSnapshot, name: str, alone: str) -> tuple[str, str]:
    """The host that a trace beside nova names, and the command that deletes it.

    ``alone`` deletes nothing but the trace: for a name that nova does not know and that may be
    another spelling of one of its hosts.
    """
    host = name if name in cloud.hosts else cloud.host_of_hypervisor.get(name, name)
    if host in cloud.hosts or (host == name and other_spellings(name, cloud.hosts)):
        return host, alone
    alias = ("--host-alias", quote(name)) if host != name else ()
    return host, _remove(cloud, host, *alias)


def stranded_servers(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Servers on hosts without compute service: nova neither reaches nor moves them."""
    for host, number in cloud.stranded.items():
        detail = f"{number} server{'s' if number > 1 else ''} on a host without compute service"
        yield Trace(host, Leftover("server", host, detail, _remove(cloud, host)))


def ghost_compute_nodes(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Compute nodes without a service; the API hides them."""
    for row in cloud.rows.compute_nodes if cloud.rows else ():
        if not row.deleted and row.host and row.host not in cloud.hosts:
            detail = f"compute_nodes {row.id} ({row.hypervisor_hostname}) exists without a service"
            cure = _remove(cloud, row.host)
            yield Trace(row.host, Leftover("compute-node", str(row.uuid), detail, cure))


def services_without_nodes(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Compute services whose compute node is gone."""
    having = {n.host for n in cloud.view.compute_nodes}
    for service in cloud.view.services:
        if service.binary == NOVA_COMPUTE and service.id and service.host not in having:
            detail = f"nova-compute, {service.status}, {service.state}, has no compute node"
            start = "restart nova-compute there"
            cure = _unless_removed(cloud, service.host, start)
            yield Trace(service.host, Leftover("compute-service", service.id, detail, cure))


def host_mappings(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Host mappings of hosts that have no service."""
    for host in sorted((cloud.rows.mapped_hosts if cloud.rows else frozenset()) - cloud.hosts):
        yield Trace(
            host,
            Leftover(
                "host-mapping",
                host,
                "host mapping without a compute service",
                _remove(cloud, host),
            ),
        )


def aggregate_members(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Members of aggregates that do not exist."""
    members = {(a.id, host) for a in cloud.view.aggregates for host in a.hosts}
    members |= cloud.rows.aggregate_hosts if cloud.rows else frozenset()
    for aggregate, host in sorted(members):
        if host not in cloud.hosts:
            detail = f"in aggregate {aggregate}, but has no compute service"
            yield Trace(host, Leftover("aggregate", str(aggregate), detail, _remove(cloud, host)))


def providers_without_nodes(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Resource providers of compute nodes that are gone, with what is allocated of them.

    Only providers that a nova-compute made, or that carry the name of a host: others are
    storage, networks or accelerators.
    """
    made = {p.uuid for p in cloud.compute_providers}
    names = _known_names(cloud)
    for provider in cloud.view.providers:
        is_compute = provider.uuid in made or provider.name in names
        if provider.uuid != provider.root or provider.uuid in cloud.nodes or not is_compute:
            continue
        held = sum(a.provider == provider.uuid for a in cloud.view.allocations)
        alone = f"openstack resource provider delete {provider.uuid}"
        if held:
            audit_it = f"nova-manage placement audit --resource_provider {provider.uuid} --delete"
            alone = f"{audit_it}; then: {alone}"
        host, cure = _trace_elsewhere(cloud, provider.name, alone)
        detail = f"{provider.name}: no compute node, {held} allocations"
        if host in cloud.hosts:
            of = "of that name" if host == provider.name else f"{host}, whose hypervisor has it"
            detail = f"{provider.name}: of no compute node of the host {of}"
        yield Trace(host, Leftover("resource-provider", provider.uuid, detail, cure))


def nodes_without_providers(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Compute nodes of living hosts without a resource provider: they never get a server."""
    known = {p.uuid for p in cloud.view.providers}
    for node in cloud.view.compute_nodes:
        if node.uuid not in known and node.host in cloud.hosts:
            detail = f"{node.hypervisor_hostname} has no resource provider"
            cure = (
                "restart nova-compute there once no other provider has its name, "
                f"then: {SYNC_AGGREGATES}"
            )
            yield Trace(node.host, Leftover("provider-missing", node.uuid, detail, cure))


def providers_without_aggregates(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Providers of living hosts that lack an aggregate of the host: boots into its zone fail."""
    known = {p.uuid for p in cloud.view.providers}
    nodes = grouped((n.host, n.uuid) for n in cloud.view.compute_nodes if n.uuid in known)
    for aggregate in cloud.view.aggregates:
        members = cloud.members.get(aggregate.uuid or "")
        for host in aggregate.hosts if members is not None else ():
            for node in nodes.get(host, ()) if host in cloud.hosts else ():
                if node not in (members or ()):
                    detail = f"is not in aggregate {aggregate.name!r}, of which the host is"
                    leftover = Leftover("provider-aggregate", node, detail, SYNC_AGGREGATES)
                    yield Trace(host, leftover)


def unmapped_hosts(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Hosts that the scheduler may choose and that have no host mapping: no server gets there."""
    if cloud.rows is None or not cloud.rows.all_cells:
        return
    for service in cloud.view.services:
        if service.takes_servers and service.host not in cloud.rows.mapped_hosts:
            detail = "enabled and up, without host mapping: each server that is sent there is lost"
            cure = "nova-manage cell_v2 discover_hosts --by-service"
            leftover = Leftover("host-mapping-missing", service.host, detail, cure)
            yield Trace(service.host, leftover)


def odd_rows(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Soft-deleted rows as no nova writes them, and those still flagged as mapped."""
    rows: tuple[ServiceRow | ComputeNodeRow, ...] = ()
    if cloud.rows:
        rows = (*cloud.rows.services, *cloud.rows.compute_nodes)
    for row in rows:
        table = "compute_nodes" if isinstance(row, ComputeNodeRow) else "services"
        host = row.host or ""
        is_ours = isinstance(row, ComputeNodeRow) or row.binary == NOVA_COMPUTE
        cure = "nova-manage db archive_deleted_rows"
        if host and is_ours and host not in cloud.hosts:
            cure = _remove(cloud, host)
        if row.deleted not in {0, row.id}:
            detail = f"deleted = {row.deleted} where nova writes {row.id}"
            yield Trace(host, Leftover("odd-soft-delete", f"{table} {row.id}", detail, cure))
        elif isinstance(row, ComputeNodeRow) and row.deleted and row.mapped:
            detail = "soft-deleted and still mapped: its host would not be discovered again"
            yield Trace(host, Leftover("stale-mapped", f"{table} {row.id}", detail, cure))


def old_versions(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Services so old that they block an upgrade: nova's minimum counts all live ones."""
    rows = [
        r
        for r in (cloud.rows.services if cloud.rows else ())
        if not r.deleted and not r.forced_down and r.binary == NOVA_COMPUTE
    ]
    newest = max((r.version for r in rows), default=0)
    for row in rows:
        if row.version < newest:
            detail = f"service version {row.version}, others have {newest}"
            cure = _unless_removed(cloud, row.host, "upgrade it")
            yield Trace(row.host, Leftover("old-version", str(row.uuid), detail, cure))


def records_of_registrars(cloud: AuditSnapshot) -> Iterator[Trace]:
    """Records of hosts that nova no longer knows, in the services beside it."""
    living = {s.host for s in cloud.view.services}
    living |= {n.hypervisor_hostname for n in cloud.view.compute_nodes if n.host in cloud.hosts}
    read = cloud.view.registrars
    readings = [(r, read[r.name]) for r in REGISTRARS if read.get(r.name) is not None]
    gone = _known_names(cloud).union(*(r.hosts(reading) for r, reading in readings)) - living
    for registrar, reading in readings:
        for ghost in registrar.ghosts(reading, gone):
            host, cure = _trace_elsewhere(cloud, ghost.name, ghost.alone)
            cure = ghost.alone if ghost.stays else cure
            yield Trace(host, Leftover(ghost.kind, ghost.target, ghost.detail, cure))


def _known_names(cloud: AuditSnapshot) -> frozenset[str]:
    """The name of every compute host, and of every host of which a trace is left."""
    rows = cloud.rows
    names = {n.hypervisor_hostname for n in cloud.view.compute_nodes} | cloud.hosts
    names |= cloud.remembered
    names |= {h for a in cloud.view.aggregates for h in a.hosts}
    names |= {p.name for p in cloud.compute_providers if p.uuid == p.root}
    if rows is not None:
        names |= {r.host for r in rows.compute_nodes if r.host} | rows.mapped_hosts
        names |= {r.hypervisor_hostname for r in rows.compute_nodes}
        names |= {host for _, host in rows.aggregate_hosts}
    return frozenset(names)


CHECKS: tuple[Callable[[AuditSnapshot], Iterator[Trace]], ...] = (
    stranded_servers,
    ghost_compute_nodes,
    services_without_nodes,
    host_mappings,
    aggregate_members,
    providers_without_nodes,
    nodes_without_providers,
    # nova-manage placement sync_aggregates refuses a host without mapping: that comes first.
    unmapped_hosts,
    providers_without_aggregates,
    odd_rows,
    old_versions,
    records_of_registrars,
)
