# SPDX-License-Identifier: Apache-2.0
"""The readings of an audit of the whole cloud."""

from __future__ import annotations

from dataclasses import replace

from nova_decom.clients.consumers import Clients
from nova_decom.clients.readings import Readings
from nova_decom.model.snapshot import nodes_in_rows
from nova_decom.registrars import REGISTRARS
from nova_decom.verify import audit


def read_for_audit(
    clients: Clients, readings: Readings, remembered: frozenset[str]
) -> audit.AuditSnapshot:
    """Services, aggregates, providers, compute nodes, registrars and the rows of all hosts.

    Placement lists the members of one aggregate at a time.
    Placement lists allocations only by provider: they are read only of roots without node.
    Without databases, servers are read only of hosts that are gone and left something else.
    When all cells are known, compute nodes come from their rows: the API needs minutes for
    20,000.
    """
    rows = clients.databases.cloud_rows() if clients.databases else None
    readings.services(None)
    readings.aggregates()
    readings.providers()
    if rows is None or not rows.all_cells:
        readings.all_compute_nodes()
    view = readings.view
    if rows is not None and rows.all_cells:
        view = replace(view, compute_nodes=nodes_in_rows(view, rows.compute_nodes))
    records = {r.name: r.read(clients.access, None, None) for r in REGISTRARS}
    view = replace(view, registrars=records)
    members = {
        a.uuid: clients.placement.members(a.uuid) for a in view.aggregates if a.uuid and a.hosts
    }
    compute_providers = clients.placement.compute_providers()
    found = audit.AuditSnapshot(view, rows, compute_providers, remembered, members)
    ghosts = [t.leftover.target for t in audit.providers_without_nodes(found)]
    held = [a for uuid in ghosts for a in clients.placement.allocations(uuid) or ()]
    view = replace(view, allocations=tuple(held))
    if rows is None:
        lost = {t.host for t in audit.audit(found)} - found.hosts
        view = replace(view, servers=clients.compute.servers_of(sorted(lost)))
    return replace(found, view=view)
