# SPDX-License-Identifier: Apache-2.0
"""Guards about the host's name and kind."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from nova_decom.model.cloud import NOVA_COMPUTE, ComputeService
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Objection, Verdict, some

#: How much of two names must be the same: one wrong letter in five is a typing error, with two
#: it is likely to be another host.
NEAR = 0.8


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


def _ids(services: Iterable[ComputeService]) -> str:
    return ", ".join(str(s.id) for s in services)
