# SPDX-License-Identifier: Apache-2.0
"""Guards: pure functions that look at the facts of a host and say whether to begin.

Each returns ``None`` when it has nothing against it, else a :class:`Verdict` with what was
seen and what would resolve it. :func:`judge` turns them into findings, in the order of
:data:`GUARDS`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nova_decom.model.claim import belongs_to, read_claim, run_of
from nova_decom.model.cloud import NOVA_COMPUTE, ComputeService
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Finding, Objection, Verdict, some, summary
from nova_decom.model.request import StopWith
from nova_decom.model.rows import DatabaseFacts
from nova_decom.moving.guards import (
    capacity,
    migrations_active,
    pci_allocated,
    servers_movable,
    servers_present,
)

#: How much of two names must be the same: one wrong letter in five is a typing error, with two
#: it is likely to be another host.
NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Guard:
    """A name, the question, and whether ``--skip-guard`` may overrule it."""

    name: str
    ask: Callable[[HostFacts], Objection | None]
    skippable: bool = True


def judge(facts: HostFacts, guards: Iterable[Guard] | None = None) -> tuple[Finding, ...]:
    """One finding for each guard (all, unless told), in order; skipped ones warn."""
    return tuple(_finding(guard, facts) for guard in guards or GUARDS)


def _finding(guard: Guard, facts: HostFacts) -> Finding:
    objection = guard.ask(facts)
    if objection is None:
        return Finding(guard.name, Verdict.OK, summary(guard.ask))
    skipped = guard.skippable and guard.name in facts.request.skip_guards
    if skipped and objection.verdict is Verdict.BLOCKED:
        return Finding(guard.name, Verdict.WARNING, f"skipped: {objection.message}")
    return Finding(guard.name, objection.verdict, objection.message, objection.remedy)


def host_known(facts: HostFacts) -> Objection | None:
    """Something names the host, now or in history; a typing error must not look like success."""
    if is_known(facts):
        return None
    message = f"nothing in this cloud names {facts.host!r}"
    near = difflib.get_close_matches(facts.host, sorted(facts.fleet.names), n=5, cutoff=NEAR)
    if facts.request.absent_ok:
        return Objection(message, "--absent-ok takes that for done", Verdict.WARNING)
    hint = f"did you mean: {', '.join(near)}?" if near else "nova-decom list shows every host"
    return Objection(message, f"{hint} (--absent-ok takes absent for done)")


def is_known(facts: HostFacts) -> bool:
    """True when anything that was read names exactly this host."""
    database = facts.database
    in_rows = database is not None and bool(
        database.services
        or database.compute_nodes
        or database.host_mapping
        or database.aggregate_hosts
        or database.instances
        or database.in_history
    )
    in_api = (
        facts.services,
        facts.compute_nodes,
        facts.servers,
        facts.aggregates,
        facts.providers,
        facts.agents,
    )
    return in_rows or facts.was_known or any(in_api)


def host_exact(facts: HostFacts) -> Objection | None:
    """The name is exactly one host's: not a part of a name, not another spelling of one."""
    services = [s for s in facts.services if s.binary == NOVA_COMPUTE]
    if len(services) > 1:
        return Objection(
            f"{len(services)} nova-compute services claim {facts.host!r}: {_ids(services)}",
            "find out which one lives: openstack compute service list --long",
        )
    cells = facts.database.cells_naming_host if facts.database else ()
    if len(cells) > 1:
        return Objection(
            f"cells {', '.join(cells)} all have rows of {facts.host!r}",
            "give --cell-db-url of the right cell only",
        )
    if is_known(facts):
        return None
    similar = [n for n in sorted(facts.fleet.names) if _is_similar(facts.host, n)]
    if similar:
        return Objection(
            f"{facts.host!r} is not a host, but {some(map(repr, similar))} "
            f"{'is' if len(similar) == 1 else 'are'}; names are compared letter by letter",
            f"give the exact name: {similar[0]}",
        )
    return None


def _is_similar(host: str, name: str) -> bool:
    if host == name:
        return False
    asked, known = host.casefold(), name.casefold()
    return asked == known or asked in known or asked.split(".")[0] == known.split(".")[0]


def cells_answering(facts: HostFacts) -> Objection | None:
    """Every cell answers; a host in a silent cell looks as if it were gone."""
    if not facts.fleet.unanswering:
        return None
    return Objection(
        f"{facts.fleet.unanswering} compute service entries have no id or status UNKNOWN: "
        "a cell does not answer",
        "bring the cell's database back and run again",
    )


def fleet_healthy(facts: HostFacts) -> Objection | None:
    """Most other compute services are up: the host is sick, not the control plane."""
    leaving = {facts.host, *facts.request.leaving}
    fleet = facts.fleet
    others = fleet.computes.total() - sum(fleet.computes[host] for host in leaving)
    down = [host for host in fleet.down if host not in leaving]
    if 2 * len(down) <= others:
        return None
    return Objection(
        f"{len(down)} of {others} other compute services are down: {some(down)}",
        "look at the message queue, the databases and the clocks before any host is removed",
    )


def blast_radius(facts: HostFacts) -> Objection | None:
    """Not more hosts leave in one run than were meant to."""
    count, most = len(facts.request.leaving), facts.request.max_hosts
    if count <= most:
        return None
    return Objection(
        f"{count} hosts in one run, and --max-hosts is {most}", f"--max-hosts {count}, if so meant"
    )


def last_host(facts: HostFacts) -> Objection | None:
    """Another enabled host that is up remains in the cell and in the availability zone."""
    service = facts.service
    if service is None:
        return None
    leaving = {facts.host, *facts.request.leaving}
    remedy = "enable another host there first, or --skip-guard last-host"
    takers = facts.fleet.takers
    if not any(s.zone == service.zone and s.host not in leaving for s in takers):
        return Objection(
            f"no other enabled host that is up in availability zone {service.zone!r}", remedy
        )
    cell_hosts = facts.database.cell_hosts if facts.database else frozenset()
    if cell_hosts and not any(s.host in cell_hosts and s.host not in leaving for s in takers):
        return Objection("no other enabled host that is up in the host's cell", remedy)
    return None


def foreign_disable(facts: HostFacts) -> Objection | None:
    """Nobody else holds the host: no other run, and nobody who disabled it for another reason."""
    service = facts.service
    if service is None or service.status != "disabled" or not service.disabled_reason:
        return None
    reason = service.disabled_reason
    if belongs_to(run_of(facts.request.claim), reason):
        return None
    other = read_claim(reason)
    if other is None:
        return Objection(
            f"somebody else has disabled it: {reason!r}",
            "ask them; their reason is kept behind ours, and restore puts it back",
            Verdict.WARNING,
        )
    if facts.claim_is_over or other.until is None:
        return Objection(
            f"run {other.run} by {other.by} has left it disabled",
            "this run takes it over",
            Verdict.WARNING,
        )
    return Objection(
        f"run {other.run} by {other.by} holds the host, until {other.until:%Y-%m-%d %H:%M:%S} UTC "
        "at the latest",
        "wait until it has ended; if it is dead, --skip-guard foreign-disable takes it over",
    )


def service_alive(facts: HostFacts) -> Objection | None:
    """A nova-compute that lives can be stopped by this run."""
    service, request = facts.service, facts.request
    heartbeat = facts.heartbeat_of(service) if service else None
    beats = heartbeat is not None and heartbeat.moved
    if service is None or not (service.is_up or beats) or facts.is_silent(service):
        return None
    sign = f"is {service.state}" + (", its heartbeat moves" if not service.is_up else "")
    if request.offline:
        return Objection(
            f"nova-compute on {facts.host} {sign}, and --offline forbids to stop it",
            "leave out --offline, or fence the host and wait until its service is down",
        )
    if request.stop_with is StopWith.NONE:
        return Objection(
            f"nova-compute on {facts.host} {sign}; you have to stop it",
            "stop and disable it there while this waits, or choose --stop-with ssh",
            Verdict.WARNING,
        )
    return None


def node_owner(facts: HostFacts) -> Objection | None:
    """Nova's own delete takes no compute node of another host with it.

    Nova deletes ``service_id = S OR host = H`` (nova 34.0.0 db/main/api.py:375), and a stale
    service_id may name the node of a neighbour.
    """
    rows = facts.database.compute_nodes if facts.database else ()
    foreign = [r for r in rows if r.host != facts.host and not r.deleted]
    if not foreign:
        return None
    texts = (f"compute_nodes {r.id} ({r.hypervisor_hostname}) of {r.host!r}" for r in foreign)
    return Objection(
        f"deleting the service would also delete {some(texts)}",
        "correct compute_nodes.service_id of that row first",
    )


def ironic(facts: HostFacts) -> Objection | None:
    """The host serves no ironic nodes, which move between hosts while one looks."""
    nodes = [n.hypervisor_hostname for n in facts.compute_nodes if _is_ironic(n.hypervisor_type)]
    if not nodes and facts.database:
        nodes = [
            r.hypervisor_hostname
            for r in facts.database.compute_nodes
            if not r.deleted and _is_ironic(r.hypervisor_type)
        ]
    if not nodes:
        return None
    return Objection(
        f"the host serves {len(nodes)} ironic nodes: {some(nodes)}",
        "move them first: nova-manage db ironic_compute_node_move",
    )


def _is_ironic(hypervisor_type: str) -> bool:
    return hypervisor_type.casefold() == "ironic"


def database_access(facts: HostFacts) -> Objection | None:
    """The database can be read and written as the plan needs it."""
    if facts.database is None:
        return Objection(
            "database not checked: none is configured",
            "give --nova-conf, --api-db-url or --cell-db-url",
            Verdict.WARNING,
        )
    if facts.database.problems:
        problems = "; ".join(facts.database.problems)
        return Objection(problems, "nova-decom doctor shows each check and its cure")
    return _another_cloud(facts, facts.database)


def _another_cloud(facts: HostFacts, database: DatabaseFacts) -> Objection | None:
    """Nova lists every live service of its cells: what only one of the two knows is not right."""
    listed = {s.id for s in facts.services}
    live = [r for r in database.services if r.binary == NOVA_COMPUTE and not r.deleted]
    unlisted = [r for r in live if r.uuid and r.uuid not in listed]
    remedy = "check the database URLs, and that nova-api reaches every cell"
    if unlisted:
        return Objection(
            f"{database.cell} has a live nova-compute of {facts.host!r} (services "
            f"{unlisted[0].id}) that nova's API does not list: the database of another cloud, or "
            "a cell that nova-api cannot reach",
            remedy,
        )
    if facts.service is not None and not live:
        return Objection(
            f"no cell database that is given has the nova-compute service of {facts.host!r}",
            remedy,
        )
    return None


FOREIGN_DISABLE = Guard("foreign-disable", foreign_disable)
GUARDS: tuple[Guard, ...] = (
    Guard("host-known", host_known, skippable=False),
    Guard("host-exact", host_exact, skippable=False),
    Guard("cells-answering", cells_answering, skippable=False),
    Guard("fleet-healthy", fleet_healthy),
    Guard("last-host", last_host),
    Guard("blast-radius", blast_radius),
    FOREIGN_DISABLE,
    Guard("servers-present", servers_present),
    Guard("servers-movable", servers_movable),
    Guard("capacity", capacity),
    Guard("migrations-active", migrations_active),
    Guard("service-alive", service_alive, skippable=False),
    Guard("node-owner", node_owner, skippable=False),
    Guard("ironic", ironic),
    Guard("pci-allocated", pci_allocated, skippable=False),
    Guard("database-access", database_access, skippable=False),
)


def own_disable(facts: HostFacts) -> Objection | None:
    """The service is disabled by this program, if it is: by its reason."""
    service = facts.service
    if service is None:
        return Objection(
            f"{facts.host} has no nova-compute service that could be enabled",
            "start nova-compute on it, then nova-manage cell_v2 discover_hosts",
        )
    if service.status != "disabled":
        return None
    claim = read_claim(service.disabled_reason)
    if claim is not None and claim.until is not None and not facts.claim_is_over:
        return Objection(
            f"run {claim.run} by {claim.by} is at work on it", "wait until it has ended"
        )
    if claim is not None and not claim.was_disabled:
        return None
    return Objection(
        f"disabled by somebody else: {service.disabled_reason or 'without a reason'!r}",
        f"openstack compute service set --enable {facts.host} nova-compute",
    )


#: Asked by ``enable`` only.
OWN_DISABLE = Guard("own-disable", own_disable, skippable=False)


def _ids(services: Iterable[ComputeService]) -> str:
    return ", ".join(str(s.id) for s in services)
