# SPDX-License-Identifier: Apache-2.0
"""Every trace is named, with the command that cures it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.model.cloud import Owner
from nova_decom.model.request import Rows
from nova_decom.model.rows import AggregateHostRow, DatabaseFacts, HostMappingRow
from nova_decom.plan.leftovers import kept, leftovers
from tests.unit import build
from tests.unit.build import absent, database, facts, request

CHILD = build.CHILD
#: what is the case, facts, (kind, target) of each trace, words of a remedy
TABLE = [
    ("nothing", absent(), [], ""),
    ("no database", absent(database=None), [], ""),
    (
        "a service",
        absent(service=build.service()),
        [("compute-service", build.SERVICE)],
        "nova-decom remove node1",
    ),
    (
        "a service of a silent cell",
        absent(service=build.service(id=None)),
        [("compute-service", "nova-compute")],
        "nova-decom remove node1",
    ),
    ("another binary, which stays", absent(other_services=[build.conductor()]), [], ""),
    (
        "a compute node",
        absent(compute_nodes=(build.node(),)),
        [("compute-node", build.NODE)],
        "nova-decom remove node1",
    ),
    (
        "a server",
        absent(servers=(build.server(),)),
        [("server", "id-of-web")],
        "delete the servers: openstack server list --all-projects --host node1",
    ),
    (
        "a server that nova can move",
        facts(servers=(build.server(),), providers=(), compute_nodes=(), database=None),
        [("compute-service", build.SERVICE), ("server", "id-of-web")],
        "move or delete it",
    ),
    (
        "a server that both show",
        absent(
            servers=(build.server(),), database=DatabaseFacts(instances=(build.instance_row(),))
        ),
        [("server", "id-of-web")],
        "start nova-compute there",
    ),
    (
        "a server that only the database shows",
        absent(database=DatabaseFacts(instances=(build.instance_row("lost"),))),
        [("server", "id-of-lost")],
        "start nova-compute there",
    ),
    (
        "a membership that both show",
        absent(
            aggregates=(build.aggregate(),),
            database=DatabaseFacts(aggregate_hosts=(AggregateHostRow(31, 5),)),
        ),
        [("aggregate", "5")],
        "nova-decom remove node1",
    ),
    (
        "a membership, and no database to take it from",
        absent(aggregates=(build.aggregate(),), database=None),
        [("aggregate", "5")],
        "nova-decom remove node1 with --nova-conf or --api-db-url",
    ),
    (
        "a membership that nova itself ends",
        facts(aggregates=(build.aggregate(),), compute_nodes=(), providers=(), database=None),
        [("compute-service", build.SERVICE), ("aggregate", "5")],
        "nova-decom remove node1",
    ),
    (
        "a membership that only the database shows",
        absent(database=DatabaseFacts(aggregate_hosts=(AggregateHostRow(32, 6),))),
        [("aggregate", "6")],
        "nova-decom remove node1",
    ),
    (
        "a host mapping",
        absent(database=DatabaseFacts(host_mapping=HostMappingRow(7, "uuid-of-cell1"))),
        [("host-mapping", "node1")],
        "nova-decom remove node1",
    ),
    (
        "an allocation, and the tree under it",
        absent(providers=(build.provider(), CHILD), allocations=(build.allocation("child"),)),
        [
            ("allocation", "id-of-web"),
            ("resource-provider", "child"),
            ("resource-provider", build.NODE),
        ],
        "nova-decom remove node1",
    ),
    (
        "a dead agent",
        absent(agents=(build.agent(),)),
        [("network-agent", build.AGENT)],
        "nova-decom remove node1",
    ),
    (
        "a dead agent under the hypervisor's name",
        absent(agents_by_hypervisor=(build.agent(host="hv1"),)),
        [("network-agent", build.AGENT)],
        "nova-decom remove node1 --host-alias hv1",
    ),
    (
        "agents that are kept",
        absent(
            agents=(build.agent(),),
            agents_by_hypervisor=(build.agent(id="x"),),
            request=build.request(keep_agents=True),
        ),
        [],
        "",
    ),
]


@pytest.mark.parametrize(
    ("state", "traces", "cure"), [pytest.param(*rest, id=case) for case, *rest in TABLE]
)
def test_traces(state, traces, cure):
    """Each trace is found, once, by kind and target."""
    found = leftovers(state)

    assert [(trace.kind, trace.target) for trace in found] == traces
    assert all(trace.detail and trace.remedy for trace in found)
    assert cure in "; ".join(trace.remedy for trace in found)


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (Rows.PURGE, "compute_nodes 8, services 3"),
        (Rows.KEEP, None),
    ],
)
def test_soft_deleted_rows_are_a_trace_unless_they_are_to_stay(rows, named):
    """With --rows keep nova's history is no leftover."""
    state = build.history(request=request(rows=rows))

    text = " ".join(f"{trace.target} {trace.detail}" for trace in leftovers(state))

    assert (named in text) if named else (text == "")


def test_an_agent_that_is_alive_is_named_with_what_to_do_first():
    """It would come back if it were deleted."""
    (trace,) = leftovers(absent(agents=(build.agent(alive=True),)))

    assert trace.detail == "Open vSwitch agent (neutron-openvswitch-agent), still alive"
    assert trace.remedy == "stop it on the host, then: nova-decom remove node1"


def test_an_agent_that_neutron_does_not_delete_is_named_with_what_does():
    """Trying again would not help."""
    (trace,) = leftovers(absent(agents=(build.agent(refused=True),)))

    assert trace.detail.endswith("neutron refuses to delete it")
    assert trace.remedy == "remove its OVN chassis"


@pytest.mark.parametrize(
    ("owner", "cure"),
    [
        (Owner.HERE, "move the server, or let its migration end"),
        (Owner.ARRIVING, "wait until it has arrived, or: openstack server delete id-of-web"),
        (Owner.BUSY, "wait until the task of the server has ended, then: nova-decom remove node1"),
        (Owner.ELSEWHERE, "nova-decom remove node1"),
        (Owner.MIGRATION, "nova-decom remove node1"),
        (Owner.NOTHING, "nova-decom remove node1"),
        (Owner.FOREIGN, "it is not nova's: release it where it was made"),
    ],
)
def test_the_cure_of_an_allocation_depends_on_whose_it_is(owner, cure):
    """Only what belongs to nothing here is cleared by running again."""
    held = replace(build.allocation(), owner=owner)

    (trace, _) = leftovers(absent(providers=(build.provider(),), allocations=(held,)))

    assert trace.remedy == cure


def test_agents_that_are_to_stay_are_kept_and_no_leftover():
    """--keep-agents, whether they are alive or not."""
    agents = (build.agent(), build.agent(id="second", alive=True))
    state = absent(agents=agents, request=request(keep_agents=True))

    assert leftovers(state) == ()
    assert [(k.binary, k.why) for k in kept(state)] == [(agents[0].binary, "--keep-agents")] * 2


def test_an_allocation_tells_what_it_holds():
    """Amounts of every resource class are shown."""
    held = build.allocation(resources=(("MEMORY_MB", 512), ("VCPU", 2)))

    (trace, _) = leftovers(absent(providers=(build.provider(),), allocations=(held,)))

    assert trace.detail == f"holds MEMORY_MB 512, VCPU 2 of resource provider {build.NODE}"


@pytest.mark.parametrize(
    ("state", "binaries"),
    [
        (facts(), []),
        (facts(other_services=[build.conductor()]), ["nova-conductor"]),
        (facts(database=None), []),
        (facts(database=database(nodes_needed={"cell1": 2})), ["compute_nodes"]),
        (facts(database=database(nodes_needed={"cell1": 2}, compute_nodes=())), []),
    ],
)
def test_what_stays_on_purpose_is_told(state, binaries):
    """Other binaries, and rows that nova still needs, with the reason."""
    stays = kept(state)

    assert [k.binary for k in stays] == binaries
    assert all(k.why and k.host == "node1" for k in stays)
