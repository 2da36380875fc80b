# SPDX-License-Identifier: Apache-2.0
"""States in which earlier removals left a host, by name; nothing forbids to remove them."""

from __future__ import annotations

from dataclasses import replace

from nova_decom.model.cloud import Owner
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Rows
from nova_decom.model.rows import AggregateHostRow
from tests.unit.build import (
    CHILD,
    HOST,
    REMOVABLE,
    agent,
    aggregate,
    allocation,
    database,
    facts,
    fleet,
    ghost,
    history,
    hosted,
    node_row,
    provider,
    request,
    service_row,
)
from tests.unit.moving_states import MOVABLE


def stale(owner, **what):
    """An allocation of a consumer with this owner."""
    return replace(allocation(consumer=f"of-{owner}", **what), owner=owner)


OLD = provider("old", HOST, root="old")
#: A nova that answers 500 to the DELETE of a service without compute node.
NOVA_22 = replace(fleet(), deletes_without_node=False)
MAPPED = database(compute_nodes=(node_row(mapped=1),))

LEFT_BEHIND: dict[str, HostFacts] = {
    "with a dead agent, kept": facts(agents=(agent(),), request=request(keep_agents=True)),
    "with an agent alive": facts(agents=(agent(alive=True),)),
    "with agents that alone serve a router and a network, rescheduled": facts(
        agents=(agent(),),
        hosted=(hosted(), hosted("n1", "dhcp-networks")),
        request=request(reschedule_agents=True),
    ),
    "with an agent that neutron keeps": facts(agents=(agent(refused=True),)),
    "an evacuated server's allocation": facts(allocations=(stale(Owner.ELSEWHERE),)),
    "a migration's allocation": facts(allocations=(stale(Owner.MIGRATION),)),
    "nobody's allocation": facts(allocations=(stale(Owner.NOTHING),)),
    "nobody's allocation on two": facts(
        providers=(provider(), CHILD),
        allocations=(stale(Owner.NOTHING), stale(Owner.NOTHING, of="child")),
    ),
    "an allocation that is not nova's": facts(allocations=(stale(Owner.FOREIGN),)),
    "provider missing": facts(providers=()),
    "provider missing, its name taken": facts(providers=(OLD,)),
    "provider missing, its name taken, in use": facts(
        providers=(OLD,), allocations=(stale(Owner.ELSEWHERE, of="old"),)
    ),
    "compute node gone, in an aggregate": facts(
        compute_nodes=(),
        aggregates=(aggregate(),),
        database=database(compute_nodes=(), aggregate_hosts=(AggregateHostRow(31, 5),)),
    ),
    "compute node hidden by the API": facts(compute_nodes=()),
    "compute node hidden by the API, provider missing": facts(compute_nodes=(), providers=()),
    "compute node gone, nova 22": facts(
        compute_nodes=(), database=database(compute_nodes=()), fleet=NOVA_22
    ),
    "compute node gone, nova 22, in an aggregate, kept": facts(
        compute_nodes=(),
        aggregates=(aggregate(),),
        database=database(
            services=(service_row(), service_row(2, uuid="older", deleted=2)),
            compute_nodes=(node_row(7, uuid="older", deleted=7),),
            aggregate_hosts=(AggregateHostRow(31, 5),),
        ),
        request=request(rows=Rows.KEEP),
        fleet=NOVA_22,
    ),
    "both rows gone": ghost(
        compute_nodes=(),
        aggregates=(aggregate(),),
        agents=(agent(),),
        database=database(
            services=(), compute_nodes=(), aggregate_hosts=(AggregateHostRow(31, 5),)
        ),
    ),
    "a tree of ghosts": ghost(compute_nodes=(), providers=(provider(), CHILD)),
    "soft-deleted and mapped, kept": history(
        database=database(
            host_mapping=None,
            services=(service_row(deleted=3),),
            compute_nodes=(node_row(deleted=8, mapped=1),),
        ),
        request=request(rows=Rows.KEEP),
    ),
    "mapped, rows kept": facts(database=MAPPED, request=request(rows=Rows.KEEP)),
    "mapped, compute node still needed": facts(
        database=replace(MAPPED, nodes_needed={"cell1": 2})
    ),
    "live ghost rows and older ones still mapped, kept": ghost(
        providers=(),
        database=database(
            services=(), compute_nodes=(node_row(), node_row(7, deleted=7, mapped=1))
        ),
        request=request(rows=Rows.KEEP),
    ),
    "deleted as no nova deletes": history(
        database=database(
            host_mapping=None,
            services=(service_row(deleted=1),),
            compute_nodes=(node_row(deleted=1),),
        )
    ),
}

ALL_STATES = REMOVABLE | LEFT_BEHIND | MOVABLE
