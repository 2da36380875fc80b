# SPDX-License-Identifier: Apache-2.0
"""What each question of the audit finds, and what it does not take for a leftover."""

from __future__ import annotations

from dataclasses import replace

from nova_decom.verify import audit
from tests.unit.build import (
    agent,
    aggregate,
    conductor,
    node,
    node_row,
    provider,
    service,
    service_row,
)

LIVING = ("node1", "node2")
GHOST_ROW = node_row(9, uuid="node-of-old", host="old", hypervisor_hostname="old")
LEFT_PROVIDER = provider("left", "old")
OLD_AGENT = agent(id="agent-of-old", host="old")
#: question, what is the case, what is there besides, the traces of this question
FOUND = [
    (
        audit.stranded_servers,
        "rows deleted by SQL under servers",
        {"servers": {"old": 12, "NODE1": 1}},
        [("NODE1", "server", "NODE1"), ("old", "server", "old")],
    ),
    (
        audit.ghost_compute_nodes,
        "a live row without service",
        {"rows_of_compute_nodes": (GHOST_ROW,)},
        [("old", "compute-node", "node-of-old")],
    ),
    (
        audit.ghost_compute_nodes,
        "of a host that has another service",
        {"rows_of_compute_nodes": (replace(GHOST_ROW, host="ctl1"),)},
        [("ctl1", "compute-node", "node-of-old")],
    ),
    (
        audit.services_without_nodes,
        "a service whose node is gone",
        {"services": (service("old", id="s"),)},
        [("old", "compute-service", "s")],
    ),
    (
        audit.host_mappings,
        "a mapping alone",
        {"mapped": ["old"]},
        [("old", "host-mapping", "old")],
    ),
    (
        audit.host_mappings,
        "several",
        {"mapped": ["old", "NODE1"]},
        [("NODE1", "host-mapping", "NODE1"), ("old", "host-mapping", "old")],
    ),
    (
        audit.aggregate_members,
        "by the API",
        {"aggregates": (aggregate(5, hosts=("old", "node1")),)},
        [("old", "aggregate", "5")],
    ),
    (audit.aggregate_members, "by rows", {"members": [(6, "old")]}, [("old", "aggregate", "6")]),
    (
        audit.aggregate_members,
        "by both",
        {"aggregates": (aggregate(5, hosts=("old",)),), "members": [(5, "old"), (6, "old")]},
        [("old", "aggregate", "5"), ("old", "aggregate", "6")],
    ),
    (
        audit.providers_without_nodes,
        "made by a nova-compute",
        {"providers": (LEFT_PROVIDER,), "compute_providers": (LEFT_PROVIDER,)},
        [("old", "resource-provider", "left")],
    ),
    (
        audit.providers_without_nodes,
        "of a name that an earlier run removed",
        {"providers": (LEFT_PROVIDER,), "remembered": frozenset({"old"})},
        [("old", "resource-provider", "left")],
    ),
    (
        audit.providers_without_nodes,
        "of a name that a mapping has",
        {"providers": (LEFT_PROVIDER,), "mapped": ["old"]},
        [("old", "resource-provider", "left")],
    ),
    (
        audit.providers_without_nodes,
        "of a living host's name",
        {"providers": (provider("stale", "node1"),)},
        [("node1", "resource-provider", "stale")],
    ),
    (
        audit.nodes_without_providers,
        "a second node of a living host",
        {"compute_nodes": (node("node1", uuid="second"),)},
        [("node1", "provider-missing", "second")],
    ),
    (
        audit.providers_without_aggregates,
        "one of two hosts, in one of two aggregates",
        {
            "aggregates": (replace(aggregate(7, "az2", LIVING), uuid="of-az2"),),
            "providers_in": {"of-az2": frozenset({"node-of-node1"})},
        },
        [("node2", "provider-aggregate", "node-of-node2")],
    ),
    (
        audit.unmapped_hosts,
        "one that gets servers",
        {"services": (service("new", id="s"),)},
        [("new", "host-mapping-missing", "new")],
    ),
    (
        audit.odd_rows,
        "a service deleted as no nova does it",
        {"rows_of_services": (service_row(9, host="old", deleted=1),)},
        [("old", "odd-soft-delete", "services 9")],
    ),
    (
        audit.odd_rows,
        "a compute node deleted as no nova does it",
        {"rows_of_compute_nodes": (replace(GHOST_ROW, deleted=1, mapped=1),)},
        [("old", "odd-soft-delete", "compute_nodes 9")],
    ),
    (
        audit.odd_rows,
        "deleted and still mapped",
        {"rows_of_compute_nodes": (replace(GHOST_ROW, deleted=9, mapped=1),)},
        [("old", "stale-mapped", "compute_nodes 9")],
    ),
    (
        audit.odd_rows,
        "of a living host",
        {"rows_of_compute_nodes": (replace(GHOST_ROW, host="node1", deleted=9, mapped=1),)},
        [("node1", "stale-mapped", "compute_nodes 9")],
    ),
    (
        audit.odd_rows,
        "of a binary that is no compute service",
        {"rows_of_services": (service_row(9, host="ctl1", binary="nova-conductor", deleted=1),)},
        [("ctl1", "odd-soft-delete", "services 9")],
    ),
    (
        audit.old_versions,
        "one that was never upgraded",
        {"rows_of_services": (service_row(9, uuid="s", host="node3", version=61),)},
        [("node3", "old-version", "s")],
    ),
    (
        audit.records_of_registrars,
        "of a host that only its mapping names",
        {"agents": (OLD_AGENT,), "mapped": ["old"]},
        [("old", "network-agent", "agent-of-old")],
    ),
    (
        audit.records_of_registrars,
        "of a host that an earlier run removed",
        {"agents": (OLD_AGENT,), "remembered": frozenset({"old"})},
        [("old", "network-agent", "agent-of-old")],
    ),
    (
        audit.records_of_registrars,
        "of a member of an aggregate",
        {"agents": (OLD_AGENT,), "aggregates": (aggregate(5, hosts=("old",)),)},
        [("old", "network-agent", "agent-of-old")],
    ),
]

#: question, what is the case, what is there besides
NOT_FOUND = [
    (
        audit.providers_without_aggregates,
        "a ghost has no provider that could be in one",
        {
            "aggregates": (replace(aggregate(7, "az2", (*LIVING, "old")), uuid="of-az2"),),
            "providers_in": {"of-az2": frozenset({"node-of-node1", "node-of-node2"})},
        },
    ),
    (
        audit.unmapped_hosts,
        "one that is disabled, one that is down",
        {
            "services": (
                service("off", id="t", status="disabled"),
                service("dead", id="u", state="down"),
            )
        },
    ),
    (
        audit.stranded_servers,
        "on a host whose nova-compute is down",
        {"services": (service("old", id="s", state="down"),), "servers": {"old": 12}},
    ),
    (
        audit.ghost_compute_nodes,
        "soft-deleted",
        {"rows_of_compute_nodes": (replace(GHOST_ROW, deleted=9),)},
    ),
    (
        audit.ghost_compute_nodes,
        "of no host",
        {"rows_of_compute_nodes": (replace(GHOST_ROW, host=None),)},
    ),
    (audit.services_without_nodes, "another binary", {"services": (conductor("ctl2"),)}),
    (audit.services_without_nodes, "a silent cell", {"services": (service("far", id=None),)}),
    (
        audit.providers_without_nodes,
        "other services'",
        {"providers": (provider("x", "cinder pool"),)},
    ),
    (
        audit.providers_without_nodes,
        "a child of a living host's",
        {"providers": (provider("c", "old", "node-of-node1", "pci"),), "mapped": ["old"]},
    ),
    (
        audit.providers_without_nodes,
        "of a live ghost row, which is told already",
        {
            "providers": (provider("node-of-old", "old"),),
            "compute_providers": (provider("node-of-old", "old"),),
            "rows_of_compute_nodes": (GHOST_ROW,),
        },
    ),
    (audit.nodes_without_providers, "of a ghost", {"compute_nodes": (node("old", uuid="lost"),)}),
    (
        audit.odd_rows,
        "history as nova writes it",
        {
            "rows_of_services": (service_row(9, host="old", deleted=9),),
            "rows_of_compute_nodes": (replace(GHOST_ROW, deleted=9),),
        },
    ),
    (
        audit.odd_rows,
        "mapped and alive",
        {"rows_of_compute_nodes": (replace(GHOST_ROW, mapped=1),)},
    ),
    (
        audit.old_versions,
        "deleted, forced down, or another binary",
        {
            "rows_of_services": (
                service_row(7, host="old", version=1, deleted=7),
                service_row(8, host="node3", version=1, forced_down=True),
                service_row(9, host="ctl1", version=1, binary="nova-conductor"),
            )
        },
    ),
    (audit.records_of_registrars, "of a host that nobody knows", {"agents": (OLD_AGENT,)}),
    (
        audit.records_of_registrars,
        "alive",
        {"agents": (replace(OLD_AGENT, alive=True),), "mapped": ["old"]},
    ),
    (
        audit.records_of_registrars,
        "of a controller that an aggregate names",
        {"aggregates": (aggregate(5, hosts=("ctl1",)),)},
    ),
    (
        audit.records_of_registrars,
        "of a living host under the name that its hypervisor has",
        {
            "services": (service("node3", id="service-of-node3"),),
            "compute_nodes": (
                node("node3", uuid="node-of-node3", hypervisor_hostname="node3.example.org"),
            ),
            "agents": (agent(id="dead for a minute", host="node3.example.org"),),
        },
    ),
]
