# SPDX-License-Identifier: Apache-2.0
"""The audit: each question finds what is left, and accuses nobody who lives."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from nova_decom.guards.servers import servers_movable, servers_present
from nova_decom.model.cloud import ComputeNode
from nova_decom.model.request import Servers
from nova_decom.model.rows import CloudRows
from nova_decom.model.snapshot import CloudSnapshot, nodes_in_rows
from nova_decom.verify import audit
from tests.unit.audit_cases import FOUND, GHOST_ROW, LEFT_PROVIDER, NOT_FOUND, OLD_AGENT
from tests.unit.audit_clouds import LIVING, clean, without_database
from tests.unit.build import (
    agent,
    aggregate,
    allocation,
    facts,
    ghost,
    node,
    node_row,
    provider,
    request,
    server,
    service,
    service_row,
)

#: What a cure may begin with, or name after an advice.
COMMANDS = re.compile(
    r"(^|: )(nova-decom remove \S|openstack |nova-manage )|^restart nova-compute"
)


def told(cloud, question=None):
    """Host, kind and target of each trace."""
    traces = audit.audit(cloud) if question is None else question(cloud)
    return [(t.host, t.leftover.kind, t.leftover.target) for t in traces]


@pytest.mark.parametrize(
    ("question", "news", "expected"),
    [pytest.param(q, news, e, id=f"{q.__name__}: {case}") for q, case, news, e in FOUND],
)
def test_what_is_left_is_found(question, news, expected):
    """With the host that it names, what was seen, and a command that cures it."""
    assert told(clean(**news), question) == expected
    for trace in question(clean(**news)):
        assert trace.leftover.detail
        assert COMMANDS.search(trace.leftover.remedy), trace.leftover.remedy


@pytest.mark.parametrize(
    ("question", "news"),
    [pytest.param(q, news, id=f"{q.__name__}: {case}") for q, case, news in NOT_FOUND],
)
def test_nothing_is_invented(question, news):
    """What lives, what is history, and what is another service's is no leftover."""
    assert told(clean(**news), question) == []


def test_every_question_is_tried_both_ways():
    """In the tables: something that it finds, and something that it leaves alone."""
    for tried in ({q for q, *_ in FOUND}, {q for q, *_ in NOT_FOUND}):
        assert set(audit.CHECKS) - tried <= {audit.host_mappings, audit.aggregate_members}
    assert {q for q, *_ in FOUND} == set(audit.CHECKS)


@pytest.mark.parametrize("cloud", [clean(), without_database(clean())], ids=["rows", "API only"])
def test_a_clean_cloud_has_nothing_left(cloud):
    """Controllers, storage, network nodes, an agent that is down for a minute: all in order."""
    assert audit.audit(cloud) == ()


def test_a_host_that_an_earlier_run_removed_and_that_is_back_is_in_order():
    """Its name is remembered and lives."""
    assert audit.audit(clean(remembered=frozenset(LIVING))) == ()


def test_an_empty_cloud_has_nothing_left():
    """Nothing is there, and nothing breaks."""
    assert audit.audit(audit.AuditSnapshot(CloudSnapshot(), CloudRows())) == ()
    assert audit.audit(audit.AuditSnapshot(CloudSnapshot(), None)) == ()


def all_ghosts():
    """A cloud in which every kind of thing was left, by several removals."""
    return clean(
        services=(service("halved", id="service-of-halved", state="down"),),
        compute_nodes=(node("node2", uuid="second"),),
        aggregates=(aggregate(5, hosts=("old", "node1")),),
        providers=(LEFT_PROVIDER, provider("stale", "node1")),
        agents=(OLD_AGENT,),
        rows_of_services=(
            service_row(7, host="odd", deleted=1),
            service_row(8, uuid="service-of-node3", host="node3", version=61),
        ),
        rows_of_compute_nodes=(
            node_row(9, uuid="node-of-ghost", host="ghost", hypervisor_hostname="ghost"),
            node_row(10, uuid=None, host="gone", hypervisor_hostname="gone", deleted=10, mapped=1),
        ),
        mapped=["old"],
        members=[(5, "old")],
    )


GHOSTS = [
    ("ghost", "compute-node", "node-of-ghost"),
    ("halved", "compute-service", "service-of-halved"),
    ("old", "host-mapping", "old"),
    ("old", "aggregate", "5"),
    ("old", "resource-provider", "left"),
    ("node1", "resource-provider", "stale"),
    ("node2", "provider-missing", "second"),
    ("odd", "odd-soft-delete", "services 7"),
    ("gone", "stale-mapped", "compute_nodes 10"),
    ("node3", "old-version", "service-of-node3"),
    ("old", "network-agent", "agent-of-old"),
]


def test_all_ghosts_at_once_are_found_each_once():
    """Whatever was left beside it hides none and doubles none."""
    found = told(all_ghosts())

    assert found == GHOSTS
    assert set(Counter(found).values()) == {1}


def test_every_cure_names_a_command():
    """What to type, and for which host."""
    for trace in audit.audit(all_ghosts()):
        assert COMMANDS.search(trace.leftover.remedy), trace.leftover.remedy
        if "nova-decom remove" in trace.leftover.remedy:
            assert trace.leftover.remedy.endswith(f"nova-decom remove {trace.host}")


@pytest.mark.parametrize("ghost", GHOSTS, ids=lambda g: f"{g[1]} of {g[0]}")
def test_no_living_host_is_told_to_be_removed(ghost):
    """The cure of what belongs to a living host is another one."""
    host, *_ = ghost
    cures = [t.leftover.remedy for t in audit.audit(all_ghosts()) if t.host == host]

    if host in LIVING:
        assert not [c for c in cures if "nova-decom remove" in c]
    else:
        assert all("nova-decom remove" in c for c in cures)


def test_without_a_database_the_api_tells_what_it_can():
    """Services without nodes, memberships, providers, agents; rows are not guessed."""
    kinds = {kind for _, kind, _ in told(without_database(all_ghosts()))}

    assert kinds == {
        "compute-service",
        "aggregate",
        "resource-provider",
        "provider-missing",
        "network-agent",
    }


def test_a_provider_tells_how_many_allocations_hold_it():
    """They are what made nova leave it; those of others are not counted."""
    held = (allocation("left", "a"), allocation("left", "b"))
    cloud = clean(providers=(LEFT_PROVIDER,), mapped=["old"], allocations=held)

    (trace,) = audit.providers_without_nodes(cloud)

    assert trace.leftover.detail == "old: no compute node, 2 allocations"


def test_the_newest_version_is_the_measure():
    """Of compute services that live; a cloud of one version has no old one."""
    rows = tuple(service_row(n, uuid=f"s{n}", host=f"h{n}", version=n) for n in (7, 9, 8))
    cloud = audit.AuditSnapshot(CloudSnapshot(), CloudRows(services=rows))

    traces = list(audit.old_versions(cloud))

    assert [t.host for t in traces] == ["h7", "h8"]
    assert traces[0].leftover.detail == "service version 7, others have 9"


@pytest.mark.parametrize("host", [None, ""])
def test_a_row_without_a_host_is_not_cured_by_removing_nobody(host):
    """A command without a host is no command."""
    row = replace(GHOST_ROW, host=host, deleted=1)

    for trace in audit.odd_rows(clean(rows_of_compute_nodes=(row,))):
        assert COMMANDS.search(trace.leftover.remedy), trace.leftover.remedy


def test_a_controllers_row_is_not_cured_by_removing_the_controller():
    """Its service lives, and no removal touches rows of its binary."""
    row = service_row(9, host="ctl1", binary="nova-conductor", deleted=1)

    (trace,) = audit.odd_rows(clean(rows_of_services=(row,)))

    assert "nova-decom remove" not in trace.leftover.remedy


def test_compute_nodes_in_rows_are_those_that_the_api_would_show():
    """Live rows of hosts with nova-compute; no history, no ghosts, nothing without a uuid."""
    cloud = clean(
        rows_of_compute_nodes=(
            GHOST_ROW,
            node_row(10, uuid="older", host="node1", deleted=10),
            node_row(11, uuid=None, host="node1"),
            node_row(12, uuid="of a controller", host="ctl1"),
            node_row(13, uuid="metal", host="node1", hypervisor_type="ironic"),
        )
    )

    found = nodes_in_rows(cloud.view, cloud.rows.compute_nodes)

    assert found == (
        *(ComputeNode(f"node-of-{h}", h, h) for h in LIVING),
        ComputeNode("metal", "node1", "node1", "ironic"),
    )


FQDN = "node1.example.org"
NODE3 = {
    "services": (service("node3", id="service-of-node3"),),
    "compute_nodes": (node("node3", uuid="node-of-node3", hypervisor_hostname="hv3"),),
    "providers": (provider("node-of-node3", "hv3"),),
}
GHOST_HV = node_row(9, uuid="n", host="old", hypervisor_hostname="hv-of-old", deleted=1)
DELETE_LEFT = "openstack resource provider delete left"
DELETE_AGENT = "openstack network agent delete dead"


def left(name):
    """A provider that some nova-compute made, of this name."""
    return (provider("left", name),)


def dead(name):
    """A dead agent under a name that an earlier run removed."""
    return {"agents": (agent(id="dead", host=name),), "remembered": frozenset({name})}


@pytest.mark.parametrize(
    ("what", "target", "host", "remedy"),
    [
        (
            {"providers": left(FQDN), "compute_providers": left(FQDN)},
            "left",
            FQDN,
            DELETE_LEFT,
        ),
        (
            {
                "providers": left(FQDN),
                "compute_providers": left(FQDN),
                "allocations": (allocation("left"),),
            },
            "left",
            FQDN,
            f"nova-manage placement audit --resource_provider left --delete; then: {DELETE_LEFT}",
        ),
        (
            {**NODE3, "providers": (*NODE3["providers"], *left("hv3"))},
            "left",
            "node3",
            DELETE_LEFT,
        ),
        (
            {"providers": left("hv-of-old"), "rows_of_compute_nodes": (GHOST_HV,)},
            "left",
            "old",
            "nova-decom remove old --host-alias hv-of-old",
        ),
        (dead(FQDN), "dead", FQDN, DELETE_AGENT),
        (
            dead("hv-of-old") | {"rows_of_compute_nodes": (GHOST_HV,)},
            "dead",
            "old",
            "nova-decom remove old --host-alias hv-of-old",
        ),
        ({"mapped": [FQDN]}, FQDN, FQDN, f"nova-decom remove {FQDN} --stop-with none"),
        ({"members": [(6, "NODE1")]}, "6", "NODE1", "nova-decom remove NODE1 --stop-with none"),
        (
            {"rows_of_compute_nodes": (node_row(9, uuid="n", host=FQDN),)},
            "n",
            FQDN,
            f"nova-decom remove {FQDN} --stop-with none",
        ),
        (
            {"services": (service("halved", id="up"),)},
            "up",
            "halved",
            "restart nova-compute there",
        ),
        (
            {"services": (service(FQDN, id="down", state="down"),)},
            "down",
            FQDN,
            f"restart nova-compute there, or: nova-decom remove {FQDN} --stop-with none",
        ),
        (
            {
                "services": (service("node3", id="s"),),
                "rows_of_services": (service_row(9, uuid="s", host="node3", version=61),),
                "compute_nodes": NODE3["compute_nodes"],
                "providers": NODE3["providers"],
            },
            "s",
            "node3",
            "upgrade it",
        ),
    ],
)
def test_no_cure_could_stop_a_host_that_is_up(what, target, host, remedy):
    """A name that leads to its machine gets a command that touches none."""
    (found,) = [t for t in audit.audit(clean(**what)) if t.leftover.target == target]

    assert (found.host, found.leftover.remedy) == (host, remedy)


STRANDED = clean(
    rows_of_compute_nodes=(GHOST_ROW,), mapped=["old"], members=[(5, "old")], servers={"old": 2}
)


def test_no_cure_of_a_host_with_stranded_servers_is_a_removal_that_is_refused():
    """Every trace of it names the way out for the servers first, as the guard does."""
    traces = audit.audit(STRANDED)
    state = ghost(host="old", servers=(server(host="old"),))

    assert [t.leftover.kind for t in traces] == [
        *("server", "compute-node", "host-mapping", "aggregate"),
    ]
    assert {t.leftover.remedy for t in traces} == {servers_present(state).remedy}
    assert traces[0].leftover.detail == "2 servers on a host without compute service"


@pytest.mark.parametrize(
    "after",
    [
        ghost(),
        facts(servers=(server(),), request=request(servers=Servers.AUTO)),
    ],
    ids=["servers deleted", "nova-compute started, --servers auto"],
)
def test_both_ways_out_lead_to_a_removal_that_is_not_refused(after):
    """By the guards about servers."""
    assert servers_present(after) is servers_movable(after) is None


def test_without_databases_servers_are_those_that_were_read_of_hosts_that_are_gone():
    """The audit reads them of hosts that left something else."""
    lost = without_database(clean())
    lost = replace(lost, view=replace(lost.view, servers=(server(host="old"), server(host=""))))

    assert told(lost) == [("old", "server", "old")]
    assert audit.audit(lost)[0].leftover.detail.startswith("1 server on")
