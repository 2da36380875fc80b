# SPDX-License-Identifier: Apache-2.0
"""A whole cloud as an audit sees it: in order, and each test says what is there besides."""

from __future__ import annotations

from dataclasses import replace

from nova_decom.model.rows import CloudRows
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.verify import audit
from tests.unit.build import (
    agent,
    agent_reading,
    aggregate,
    allocation,
    conductor,
    node,
    node_row,
    provider,
    service,
    service_row,
)

LIVING = ("node1", "node2")


def clean(**what):
    """Two hosts in order, a controller, shared storage, a network node; and what else is there.

    What is given is added to that: parts of the view, ``rows_of_...`` for rows, and
    ``compute_providers``, ``providers_in`` (aggregate -> providers) and ``remembered`` as they
    are.
    """
    view = {
        "services": (*(service(h, id=f"service-of-{h}") for h in LIVING), conductor("ctl1")),
        "compute_nodes": tuple(node(h, uuid=f"node-of-{h}") for h in LIVING),
        "aggregates": (aggregate(1, hosts=LIVING),),
        "providers": (
            *(provider(f"node-of-{h}", h) for h in LIVING),
            provider("pci", "node1_pci", "node-of-node1", "node-of-node1"),
            provider("storage", "shared storage"),
        ),
        "allocations": (allocation("node-of-node1"),),
        "agents": (
            agent(id="alive", host="node1", alive=True),
            agent(id="dead for a minute", host="node2"),
            agent(id="of a controller", host="ctl1"),
            agent(id="of a network node", host="net1"),
        ),
    }
    rows = {
        "services": tuple(
            service_row(n, uuid=f"service-of-{h}", host=h, version=68)
            for n, h in enumerate(LIVING, 1)
        ),
        "compute_nodes": tuple(
            node_row(n, uuid=f"node-of-{h}", host=h, hypervisor_hostname=h)
            for n, h in enumerate(LIVING, 1)
        ),
    }
    for name in list(what):
        if name in view:
            view[name] += what.pop(name)
        elif (column := name.removeprefix("rows_of_")) in rows and column != name:
            rows[column] += what.pop(name)
    view["registrars"] = agent_reading(*view.pop("agents"))
    return audit.AuditSnapshot(
        CloudSnapshot(**view),
        CloudRows(
            **rows,
            mapped_hosts=frozenset({*LIVING, *what.pop("mapped", ())}),
            servers={"node1": 3, "node2": 1} | what.pop("servers", {}),
            aggregate_hosts=frozenset({(1, h) for h in LIVING} | set(what.pop("members", ()))),
        ),
        tuple(p for p in view["providers"] if p.uuid.startswith("node-of-"))
        + what.pop("compute_providers", ()),
        members=what.pop("providers_in", {}),
        **what,
    )


def without_database(cloud):
    """The same cloud as somebody without access to its databases sees it."""
    return replace(cloud, rows=None)
