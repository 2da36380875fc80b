# SPDX-License-Identifier: Apache-2.0
"""Guards about the host's name and kind."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from nova_decom.model.cloud import NOVA_COMPUTE, ComputeService, ResourceProvider
from nova_decom.model.host import HostFacts
from nova_decom.model.names import other_spellings
from nova_decom.model.plan import Objection, Verdict, counted, some
from nova_decom.registrars import names_of

#: How much of two names must be the same: one wrong letter in five is a typing error, with two
#: it is likely to be another host.
NEAR = 0.8


def host_known(facts: HostFacts) -> Objection | None:
    """The host exists or once existed, so that a typing error does not look like a success."""
    if is_known(facts):
        return None
    message = f"{facts.host!r} was not found in nova, placement or neutron"
    if is_traced(facts):
        message = f"nova does not know {facts.host!r}; {_traces(facts)}"
    names = {name.casefold(): name for name in sorted(facts.fleet.names)}
    found = difflib.get_close_matches(facts.host.casefold(), names, n=5, cutoff=NEAR)
    near = [names[name] for name in found]
    if facts.request.absent_ok:
        return Objection(message, "with --absent-ok, it counts as removed", Verdict.WARNING)
    hint = f"did you mean: {', '.join(near)}?" if near else "nova-decom list shows every host"
    return Objection(message, f"{hint} (with --absent-ok, a missing host counts as removed)")


def is_known(facts: HostFacts) -> bool:
    """True when nova names exactly this host, or something else does and no host is similar.

    A host that an earlier run removed is known whatever others are there, so that a removal can be
    repeated; traces that are left are its own if that run has seen its compute node.
    """
    if is_named_by_nova(facts):
        return True
    has_traces = is_traced_by_others(facts)
    is_own = facts.identity.node_uuids or facts.request.absent_ok
    if facts.was_known and (is_own or not has_traces):
        return True
    return is_traced(facts) and not _living_spellings(facts)


def is_named_by_nova(facts: HostFacts) -> bool:
    """True when nova or its databases name exactly this host, or did so earlier in this run."""
    database = facts.database
    in_rows = database is not None and bool(
        database.services
        or database.compute_nodes
        or database.host_mapping
        or database.aggregate_hosts
        or database.instances
        or database.in_history
    )
    in_api = (facts.services, facts.compute_nodes, facts.servers, facts.aggregates)
    return in_rows or facts.was_named or any(in_api)


def is_traced(facts: HostFacts) -> bool:
    """True when placement, a registrar or an earlier run names exactly this host."""
    return facts.was_known or is_traced_by_others(facts)


def is_traced_by_others(facts: HostFacts) -> bool:
    """True when placement or a registrar names exactly this host."""
    return bool(facts.providers) or any(names_of(facts))


def _living_spellings(facts: HostFacts) -> tuple[str, ...]:
    """Hosts of nova that may be the same machine, under another name or by their hypervisor's."""
    of_hypervisor = facts.fleet.hosts_by_hypervisor.get(facts.host, ())
    others = other_spellings(facts.host, facts.fleet.names)
    return tuple(dict.fromkeys((*(h for h in of_hypervisor if h != facts.host), *others)))


def _traces(facts: HostFacts) -> str:
    """The traces outside nova, in words."""
    found = [f"resource provider {p.uuid}" for p in facts.providers]
    found += [record.detail for record in names_of(facts)]
    return f"only {some(found)} {'has' if len(found) == 1 else 'have'} this name"


def host_exact(facts: HostFacts) -> Objection | None:
    """The name matches exactly one host: no part of a name, no other spelling of one."""
    services = [s for s in facts.services if s.binary == NOVA_COMPUTE]
    if len(services) > 1:
        return Objection(
            f"{len(services)} nova-compute services claim {facts.host!r}: {_ids(services)}",
            "see which one is up: openstack compute service list --long",
        )
    cells = facts.database.cells_naming_host if facts.database else ()
    if len(cells) > 1:
        return Objection(
            f"cells {', '.join(cells)} all have rows of {facts.host!r}",
            "give --cell-db-url of the right cell only",
        )
    if is_known(facts):
        return None
    similar = _living_spellings(facts)
    if not is_traced(facts):
        names = sorted(facts.fleet.names)
        similar += tuple(n for n in names if n not in similar and _has_part(facts.host, n))
    return _other_host(facts, similar) if similar else None


def _other_host(facts: HostFacts, similar: tuple[str, ...]) -> Objection:
    """The refusal of a name that is nearly, but not exactly, that of these hosts."""
    ways = [f"give the exact name: {similar[0]}"]
    ways += [f"openstack resource provider delete {p.uuid}" for p in _roots(facts)]
    ways += [record.alone for record in names_of(facts) if record.alone]
    if facts.was_known:
        ways.append(f"if an earlier run removed {facts.host}: --absent-ok")
    return Objection(
        f"{facts.host!r} is not a host, but {some(map(repr, similar))} "
        f"{'is' if len(similar) == 1 else 'are'}; names must match exactly",
        "; or ".join(ways),
    )


def _roots(facts: HostFacts) -> tuple[ResourceProvider, ...]:
    return tuple(p for p in facts.providers if p.uuid == p.root)


def _has_part(host: str, name: str) -> bool:
    """True when the name contains the host's, whatever the case."""
    return host != name and host.casefold() in name.casefold()


def ironic(facts: HostFacts) -> Objection | None:
    """The host manages no ironic nodes, which can move to another host at any time."""
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
        f"the host serves {counted(len(nodes), 'ironic node')}: {some(nodes)}",
        "move them first: nova-manage db ironic_compute_node_move",
    )


def _is_ironic(hypervisor_type: str) -> bool:
    return hypervisor_type.casefold() == "ironic"


def _ids(services: Iterable[ComputeService]) -> str:
    return ", ".join(str(s.id) for s in services)
