# SPDX-License-Identifier: Apache-2.0
"""Guards about the other compute hosts."""

from __future__ import annotations

from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Objection, some


def cells_answering(facts: HostFacts) -> Objection | None:
    """Every cell answers nova; a host in a cell that does not answer would look deleted."""
    if not facts.fleet.unresponsive_cells:
        return None
    return Objection(
        f"{facts.fleet.unresponsive_cells} compute service entries have no id or status UNKNOWN: "
        "a cell does not answer",
        "bring the cell's database back and run again",
    )


def fleet_healthy(facts: HostFacts) -> Objection | None:
    """Most other hosts are up, so the fault is this host's and not the control plane's.

    Services that are down for a reason of their own do not count: disabled, forced down, or silent
    for a day longer than the others.
    """
    fleet, staying = facts.fleet, facts.fleet.staying(facts.request.leaving)
    is_counted = facts.host not in facts.request.leaving
    others = staying.computes - is_counted * fleet.computes[facts.host]
    down = staying.down - is_counted * fleet.down[facts.host]
    if 2 * down <= others:
        return None
    others_down = (h for h in staying.hosts_down if h != facts.host)
    named = some(others_down, down)
    return Objection(
        f"{down} of {others} other compute services are down: {named}",
        "check the message queue, the databases and the clocks before you remove any host",
    )


def blast_radius(facts: HostFacts) -> Objection | None:
    """The run removes at most ``--max-hosts`` hosts."""
    count, most = len(facts.request.leaving), facts.request.max_hosts
    if count <= most:
        return None
    return Objection(
        f"{count} hosts in one run, and --max-hosts is {most}",
        f"--max-hosts {count}, to remove all of them",
    )


def last_host(facts: HostFacts) -> Objection | None:
    """Another enabled host that is up remains in the cell and in the availability zone."""
    service = facts.service
    if service is None:
        return None
    remedy = "enable another host there first, or --skip-guard last-host"
    takers = facts.fleet.staying(facts.request.leaving).schedulable
    if not any(s.zone == service.zone and s.host != facts.host for s in takers):
        return Objection(
            f"no other enabled host that is up in availability zone {service.zone!r}", remedy
        )
    cell_hosts = facts.database.cell_hosts if facts.database else frozenset()
    if cell_hosts and not any(s.host in cell_hosts and s.host != facts.host for s in takers):
        return Objection("no other enabled host that is up in the host's cell", remedy)
    return None
