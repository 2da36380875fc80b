# SPDX-License-Identifier: Apache-2.0
"""Guards about servers, their migrations and their devices. Pure."""

from __future__ import annotations

from shlex import quote

from nova_decom.model.cloud import Action, Owner, Server, distinct
from nova_decom.model.host import HostFacts
from nova_decom.model.names import removal
from nova_decom.model.plan import Objection, Verdict, counted, some
from nova_decom.moves.candidates import candidates, is_judged, no_candidate, query_for
from nova_decom.moves.capacity import fit, unplaceable
from nova_decom.moves.eligibility import ALLOW_LOSS, leave_host, moves_of
from nova_decom.moves.move import MOVING, Blocker, Move, named
from nova_decom.moves.packing import Fit

#: Report intervals without a report after which a host does not answer any more.
REPORTS_MISSED = 3


def servers_present(facts: HostFacts) -> Objection | None:
    """No server remains on the host, in any state, except those that this run moves."""
    named = {s.id: f"{s.name!r} {s.id} {s.status}" for s in facts.servers}
    if facts.request.only is not None:
        return _staying([text for server, text in named.items() if facts.request.leaves(server)])
    moved = set(named) if facts.request.moves_servers else set()
    for row in facts.database.instances if facts.database else ():
        named.setdefault(row.uuid, f"{row.name!r} {row.uuid} {row.vm_state} (database only)")
    named = {server: text for server, text in named.items() if server not in moved}
    if not named:
        return _fence(facts) if moved and facts.request.evacuates else None
    text = f"{counted(len(named), 'server')} on the host: {some(named.values())}"
    if facts.service is None:
        return Objection(text, cure_of_stranded(facts.host))
    return Objection(
        text,
        "move or delete them (--servers auto moves them): openstack server list --all-projects "
        f"--host {quote(facts.host)} (SOFT_DELETED ones show only with --deleted: restore or "
        "force-delete them)",
    )


def servers_returning(facts: HostFacts) -> Objection | None:
    """Each server that the drain moved away, or stopped, can come back."""
    staying = facts.request.staying
    if not staying:
        return None
    plural = "s do" if len(staying) > 1 else " does"
    text = f"{len(staying)} server{plural} not come back: {some(staying)}"
    return Objection(text, "this run leaves them as they are", Verdict.WARNING)


def cure_of_stranded(host: str, *options: str) -> str:
    """The way out for servers on a host without compute service, from which nova moves none.

    Nova deletes their records without the host (nova 34.0.0 compute/api.py, local delete). From
    29 a nova-compute that is new to nova does not start beside guests.
    """
    return (
        "start nova-compute there (from nova 29 beside running guests only after its row of "
        "services is restored), then: --servers auto; or, if their disks are not needed, delete "
        f"the servers: openstack server list --all-projects --host {quote(host)}, "
        f"then: {removal(host, *options)}"
    )


def _staying(servers: list[str]) -> Objection | None:
    if not servers:
        return None
    plural = "s are" if len(servers) > 1 else " is"
    return Objection(
        f"{len(servers)} server{plural} not chosen, and left on the host: {some(servers)}",
        "leave out --server and --project to move all",
        Verdict.WARNING,
    )


def servers_arriving(facts: HostFacts) -> Objection | None:
    """No server is on its way to the host, with an allocation there and no host yet.

    Without the host's nova-compute it never arrives, and stays in BUILD or its like for ever.
    """
    coming, busy = facts.consumers(Owner.ARRIVING), facts.consumers(Owner.BUSY)
    if (not coming and not busy) or facts.request.only is not None:
        return None
    message = _on_their_way({**coming, **busy})
    request, service = facts.request, facts.service
    if coming and (request.evacuates or service is None or not service.is_up):
        return Objection(
            f"{message}; without nova-compute nothing arrives",
            "start nova-compute, and run again when it is there; or, while it has no host yet: "
            f"openstack server delete {' '.join(coming)}",
        )
    if coming and not request.moves_servers:
        return Objection(
            message,
            "wait until it is there, then move or delete it (--servers auto waits for it and "
            f"moves it): openstack server show {next(iter(coming))}",
        )
    return Objection(message, "it is waited for, at most --timeout", Verdict.WARNING)


def _on_their_way(servers: dict[str, str]) -> str:
    plural = "s are" if len(servers) > 1 else " is"
    named = some(f"{text} {server}" for server, text in servers.items())
    return f"{len(servers)} server{plural} on the way to the host, or may be: {named}"


def _fence(facts: HostFacts) -> Objection:
    return Objection(
        f"{counted(len(facts.servers), 'server')} will be started elsewhere from the same disks: "
        "the host must be fenced, or both write to the same volumes",
        "power the host off, or cut it off from storage and networks, before you confirm",
        Verdict.WARNING,
    )


def local_disks(facts: HostFacts) -> Objection | None:
    """No evacuation loses a local disk, unless that was allowed."""
    ways = {c.server: c for c in moves_of(facts)}
    lost = [s for s in facts.servers if s.has_local_disk and _is_evacuated(ways.get(s.id))]
    if not lost:
        return None
    plural = "s have local disks" if len(lost) > 1 else " has local disks"
    text = (
        f"{len(lost)} server{plural}, which nova creates again, empty, unless the "
        f"instance storage is shared (nova's API does not tell): {some(map(named, lost))}"
    )
    if facts.request.rebuild_local_disks:
        cure = "leave out --rebuild-local-disks if their data is still needed"
        return Objection(text, cure, Verdict.WARNING)
    return Objection(text, ALLOW_LOSS, is_partial=True)


def _is_evacuated(way: Move | Blocker | None) -> bool:
    """True when the server is evacuated, or would be if it lost no disk."""
    if isinstance(way, Blocker):
        return way.loses_disk
    return way is not None and way.action is Action.EVACUATE


def servers_movable(facts: HostFacts) -> Objection | None:
    """Every server can be moved with the chosen method, and the scheduler has a host for it."""
    ways = tuple(moves_of(facts))
    common = _common_blocker(facts) if any(isinstance(c, Move) for c in ways) else None
    found = [c for c in ways if isinstance(c, Blocker) and not (c.in_migration or c.loses_disk)]
    without_host = _without_host(facts)
    found += without_host
    if common or not found:
        return common
    cures = dict.fromkeys(o.remedy for o in found)
    skipped = ""
    if without_host or not facts.request.may_be_partial:
        others = "moves the others" + (", and lets nova try these" if without_host else "")
        skipped = f" (--skip-guard servers-movable {others})"
    text = f"{counted(len(found), 'server')} cannot leave the host: {some(o.text for o in found)}"
    return Objection(text, "; ".join(cures) + skipped, is_partial=True)


def _without_host(facts: HostFacts) -> list[Blocker]:
    """Servers that could move, if zone and server group left a host that may take them."""
    asked = {c.server for c in moves_of(facts) if isinstance(c, Move) and c.action in MOVING}
    found = ((s, no_candidate(facts, s)) for s in facts.servers if s.id in asked)
    return [Blocker(s.id, f"{named(s)} {why.text}", why.remedy) for s, why in found if why]


def _common_blocker(facts: HostFacts) -> Objection | None:
    """The objection that holds for every server: the host is down, or the target takes none."""
    service, target = facts.service, facts.request.target
    if service is None:
        return Objection(
            f"nova has no compute service on {facts.host}, and moves no server from there",
            cure_of_stranded(facts.host),
        )
    if not facts.request.evacuates and not service.is_up:
        return Objection(
            f"nova-compute on {facts.host} is down, and servers leave only while it runs",
            "start it; or --offline when the host is dead and fenced",
        )
    if target is None or not leave_host(facts):
        return None
    if not candidates(facts):
        return Objection(
            f"--target {target} is no other enabled host that is up, or leaves in this run",
            "choose another, or none: the scheduler chooses then",
        )
    return _silent_target(facts)


def _silent_target(facts: HostFacts) -> Objection | None:
    """The objection to a target that nova still takes for up, and that does not report any more.

    Nova accepts a move to it for a minute (service_down_time), and the server hangs there.
    """
    target, interval = facts.request.target, facts.request.report_interval
    for service in facts.fleet.computes_by_host.get(target or "", ()):
        silence = facts.fleet.seconds_since(service.updated_at) or 0.0
        if silence > REPORTS_MISSED * interval:
            return Objection(
                f"nova-compute on --target {target} has not reported for {silence:g} s, though "
                f"nova takes it for up (it should report every {interval:g} s)",
                "start it, or choose another target; if hosts report less often, give --nova-conf",
            )
    return None


def capacity(facts: HostFacts) -> Objection | None:
    """The enabled hosts that remain have room for the servers that leave."""
    if facts.rooms is None or not leave_host(facts):
        return None
    leaving = {c.server for c in moves_of(facts) if isinstance(c, Move)}
    leaving -= {blocked.server for blocked in _without_host(facts)}
    servers = [s for s in facts.servers if s.id in leaving]
    left, how = unplaceable(facts, servers), fit(facts, servers)
    if how is Fit.SOMETIMES:
        return Objection(
            f"just enough room for {counted(len(leaving), 'server')}: nova's scheduler may spread "
            "them so that it finds no host for the last",
            "make room, or enable more hosts; a server without a host stays, and is named",
            Verdict.WARNING,
        )
    if left and how is not Fit.ALWAYS:
        return Objection(
            f"by placement no other host has room for {len(left)} of "
            f"{counted(len(leaving), 'server')}: {some(_with_needs(facts, s) for s in left)}",
            "make room, or enable more hosts; --skip-guard capacity lets the scheduler try",
            is_partial=True,
        )
    not_judged = [f"{s.name!r} {s.id}" for s in servers if not is_judged(facts, s)]
    if not not_judged:
        return None
    return Objection(
        f"{len(not_judged)} of {counted(len(leaving), 'server')} not judged: placement was not "
        "asked for what they need (groups of resources or traits, PCI devices, NUMA): "
        f"{some(not_judged)}",
        "nova's scheduler decides when they move",
        Verdict.WARNING,
    )


def _with_needs(facts: HostFacts, server: Server) -> str:
    """The server, and what it needs that only some hosts have."""
    query = query_for(facts, server)
    needs = f" (needs {query.text})" if query and not query.is_plain else ""
    return f"{server.name!r} {server.id}{needs}"


def migrations_active(facts: HostFacts) -> Objection | None:
    """No migration to or from the host is in progress, or waits to be confirmed or reverted."""
    rows = facts.database.active_migrations if facts.database else ()
    # Those that are waited for, or confirmed.
    handled = {c.server for c in moves_of(facts) if isinstance(c, Move)}
    leaves = facts.request.leaves
    found = distinct((*rows, *facts.migrations))
    active = [m for m in found if m.server not in handled and not leaves(m.server)]
    if not active:
        return None
    texts = (
        f"{m.id} ({m.type} of {m.server}, {m.status}, "
        f"{m.source} to {m.destination or 'no host yet'}, since {m.created_at})"
        for m in active
    )
    return Objection(
        f"{counted(len(active), 'migration')} in progress: {some(texts)}",
        "wait for them, or confirm (--confirm-resizes), revert or abort them: openstack server "
        f"migration list --host {quote(facts.host)}",
        is_partial=facts.request.moves_servers,
    )


def pci_allocated(facts: HostFacts) -> Objection | None:
    """No PCI device of the host is allocated to or in use by a server on it.

    Servers that were evacuated or deleted while the host was dead leave devices allocated that
    only its nova-compute would free.
    """
    here = {s.id for s in facts.servers}
    here |= {row.uuid for row in facts.database.instances} if facts.database else set()
    here -= {c.server for c in moves_of(facts) if isinstance(c, Move)}
    lives = facts.service is not None and facts.service.is_up
    taken = [
        d
        for d in (facts.database.pci_devices if facts.database else ())
        if not d.deleted
        and (
            d.instance_uuid in here
            or (d.status in {"allocated", "claimed"} and lives and not d.instance_uuid)
        )
    ]
    if not taken:
        return None
    texts = (f"{d.address} {d.status} by {d.instance_uuid or 'no server'}" for d in taken)
    return Objection(
        f"{counted(len(taken), 'PCI device')} in use: {some(texts)}",
        "move or delete the servers that hold them",
        is_partial=facts.request.moves_servers,
    )
