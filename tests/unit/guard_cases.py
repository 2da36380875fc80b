# SPDX-License-Identifier: Apache-2.0
"""What each guard lets pass, and what it objects to."""

from __future__ import annotations

from dataclasses import replace

from nova_decom.model.host import Fleet, HostIdentity
from nova_decom.model.plan import Verdict
from nova_decom.model.request import StopWith
from nova_decom.model.rows import TwinRow
from nova_decom.registrars.blazar import ReservableHost
from nova_decom.registrars.cinder import Attachment, CinderService
from nova_decom.registrars.project import Records
from tests.unit import build
from tests.unit.build import absent, database, facts, fleet, ghost, neighbour, request, service
from tests.unit.guard_enable_cases import ENABLE_CASES
from tests.unit.guard_machine_cases import MACHINE_CASES
from tests.unit.guard_moving_cases import MOVING_CASES
from tests.unit.guard_row_cases import ROW_CASES

OK, WARNING, BLOCKED = Verdict.OK, Verdict.WARNING, Verdict.BLOCKED
FOREIGN_NODE = build.node_row(9, host="node2", hypervisor_hostname="node2", uuid="other")
IRONIC_ROW = build.node_row(hypervisor_type="ironic", hypervisor_hostname="metal")

#: Traces outside nova, of whatever name.
TRACES = {
    "an agent": {"agents": (build.agent(),)},
    "a provider": {"providers": (build.provider(),)},
}
OLD_AGENT = {"agents": (build.agent(),), "was_known": True}
SEEN = HostIdentity(frozenset({build.NODE}))
SERVED = (build.hosted(), build.hosted("n1", "dhcp-networks"))
BACKEND = CinderService("cinder-volume", "node1@lvm", is_up=True, volumes=("v1",))
ATTACHED = Attachment("a1", "v1", "s1", "node1")
ABSENT_OK = request(absent_ok=True)
OF_HYPERVISOR = Fleet((neighbour(),), frozenset({"node2"}), (), {"hv9": ("node2",)})


def claimed(reason, **what):
    """A host that is disabled for a reason."""
    return facts(service=service(status="disabled", disabled_reason=reason), **what)


#: guard, what is the case, facts, verdict, words of the message
TABLE = [
    (
        "volumes-on-host",
        "a volume",
        facts(registrars={"cinder": Records((BACKEND,), is_there=True)}),
        BLOCKED,
        "on backends of the host (node1@lvm): 1 volume, v1",
    ),
    ("volumes-on-host", "no cinder", facts(), OK, ""),
    (
        "volume-attachments",
        "of no server of it",
        facts(registrars={"cinder": Records((ATTACHED,), is_there=True)}),
        WARNING,
        "for servers that are not on it: a1 (volume v1, server s1)",
    ),
    ("volume-attachments", "none", facts(), OK, ""),
    (
        "host-reserved",
        "a lease",
        facts(registrars={"blazar": Records((ReservableHost("7", "node1", ("l1",)),))}),
        BLOCKED,
        "the host is reserved by 1 lease of blazar: l1",
    ),
    ("host-reserved", "no lease", facts(), OK, ""),
    ("agents-hosting", "they serve nothing alone", facts(agents=(build.agent(),)), OK, ""),
    (
        "agents-hosting",
        "a router",
        facts(hosted=(build.hosted(),)),
        BLOCKED,
        "dead agents of the host are the only ones of 1 router or network: router 'r1' id-of-r1",
    ),
    ("agents-hosting", "kept", facts(hosted=SERVED, request=request(keep_agents=True)), OK, ""),
    (
        "agents-hosting",
        "given to others",
        facts(hosted=SERVED, request=request(reschedule_agents=True)),
        WARNING,
        "2 routers or networks: router 'r1' id-of-r1, network 'n1' id-of-n1",
    ),
    (
        "agents-hosting",
        "no other agent lives",
        facts(
            hosted=(build.hosted(target=None), SERVED[1]), request=request(reschedule_agents=True)
        ),
        BLOCKED,
        "no living agent of another host can take router 'r1' id-of-r1",
    ),
    ("host-known", "it is there", facts(), OK, ""),
    (
        "host-known",
        "nothing names it",
        absent(),
        BLOCKED,
        "'node1' was not found in nova, placement or neutron",
    ),
    (
        "host-known",
        "absent is fine",
        absent(request=request(absent_ok=True)),
        WARNING,
        "'node1' was not found in nova, placement or neutron",
    ),
    ("host-exact", "it is there", facts(), OK, ""),
    ("host-exact", "rows only", build.history(), OK, ""),
    (
        "host-exact",
        "two services claim it",
        facts(other_services=[service(id="second")]),
        BLOCKED,
        "2 nova-compute services claim 'node1': 11111111-0000-0000-0000-000000000001, second",
    ),
    (
        "host-exact",
        "two cells claim it",
        facts(database=database(cells_naming_host=("cell1", "cell2"))),
        BLOCKED,
        "cells cell1, cell2 all have rows of 'node1'",
    ),
    (
        "host-exact",
        "other capitals",
        absent("NODE2"),
        BLOCKED,
        "'NODE2' is not a host, but 'node2' is; names must match exactly",
    ),
    ("host-exact", "part of a name", absent("node"), BLOCKED, "but 'node2' is"),
    ("host-exact", "without its domain", absent("node2.example.org"), BLOCKED, "but 'node2' is"),
    (
        "host-exact",
        "in another domain",
        absent("node2.lan", fleet=fleet(neighbour("node2.example.org"))),
        BLOCKED,
        "but 'node2.example.org' is",
    ),
    ("host-exact", "a name that stands in the list", absent(fleet=fleet(names={"node1"})), OK, ""),
    (
        "host-exact",
        "part of several names",
        absent("node", fleet=fleet(neighbour(), neighbour("node3"))),
        BLOCKED,
        "but 'node2', 'node3' are",
    ),
    ("host-exact", "like nothing else", absent("rack7"), OK, ""),
    ("host-exact", "known of old, a host is similar", absent("NODE2", was_known=True), OK, ""),
    ("host-exact", "known of old", absent("rack7", was_known=True), OK, ""),
    (
        "host-exact",
        "traces, known of old, and absent is fine",
        absent("NODE2", was_known=True, agents=(build.agent(),), request=ABSENT_OK),
        OK,
        "",
    ),
    (
        "host-exact",
        "traces, and an earlier run has seen its compute node",
        absent("NODE2", was_known=True, identity=SEEN, agents=(build.agent(),)),
        OK,
        "",
    ),
    ("host-exact", "named by nova earlier in this run", absent("NODE2", was_named=True), OK, ""),
    *(
        ("host-exact", f"{name}, and no host is similar", absent("rack7", **what), OK, "")
        for name, what in TRACES.items()
    ),
    *(
        (guard, f"{name}, and a host is similar", absent("NODE2", **what), BLOCKED, words)
        for name, what in {**TRACES, "known of old, and an agent": OLD_AGENT}.items()
        for guard, words in {
            "host-exact": "'NODE2' is not a host, but 'node2' is",
            "host-known": "nova does not know 'NODE2'; ",
        }.items()
    ),
    (
        "host-exact",
        "an agent has the name of a hypervisor",
        absent("hv9", agents=(build.agent(host="hv9"),), fleet=OF_HYPERVISOR),
        BLOCKED,
        "'hv9' is not a host, but 'node2' is",
    ),
    ("foreign-disable", "enabled", facts(), OK, ""),
    ("foreign-disable", "no service", build.ghost(), OK, ""),
    ("foreign-disable", "disabled without a reason", claimed(None), OK, ""),
    ("foreign-disable", "ours", claimed("nova-decom RUN by ops@jump: old"), OK, ""),
    (
        "foreign-disable",
        "held by another run",
        claimed("nova-decom OTHER by x@far until 2026-11-24T12:00:00Z: old"),
        BLOCKED,
        "run OTHER by x@far holds the host, until 2026-11-24 12:00:00 UTC at the latest",
    ),
    (
        "foreign-disable",
        "held by a dead run",
        claimed("nova-decom OTHER by x@far until 2026-11-24T12:00:00Z: old", claim_is_over=True),
        WARNING,
        "run OTHER by x@far left it disabled",
    ),
    (
        "foreign-disable",
        "left by a run that ended",
        claimed("nova-decom OTHER by x@far: old"),
        WARNING,
        "run OTHER by x@far left it disabled",
    ),
    (
        "foreign-disable",
        "disabled by somebody",
        claimed("broken fan"),
        WARNING,
        "somebody else has disabled it: 'broken fan'",
    ),
    ("cells-answering", "all answer", facts(), OK, ""),
    (
        "cells-answering",
        "one is silent",
        facts(fleet=fleet(service(), neighbour(id=None, status="UNKNOWN"))),
        BLOCKED,
        "1 compute service entries have no id or status UNKNOWN",
    ),
    ("fleet-healthy", "all others are up", facts(), OK, ""),
    (
        "fleet-healthy",
        "half of the others are down",
        facts(fleet=fleet(service(), neighbour(), neighbour("node3", state="down"))),
        OK,
        "",
    ),
    (
        "fleet-healthy",
        "those forced down, leaving or not nova-compute do not count",
        facts(
            fleet=fleet(
                service(),
                neighbour(),
                neighbour("node3", state="down", forced_down=True),
                neighbour("node4", state="down"),
                neighbour("node5", state="down", binary="nova-conductor"),
            ),
            request=request(leaving=frozenset({"node1", "node4"})),
        ),
        OK,
        "",
    ),
    (
        "fleet-healthy",
        "those disabled or silent for days do not count",
        facts(
            fleet=fleet(
                service(updated_at="2026-11-28T17:00:00.000000"),
                neighbour("node3", state="down", status="disabled"),
                neighbour("node4", state="down", updated_at="2026-11-27T16:59:59.000000"),
            )
        ),
        OK,
        "",
    ),
    (
        "fleet-healthy",
        "disabled ones that are up do count",
        facts(
            fleet=fleet(
                service(),
                neighbour("node3", status="disabled"),
                neighbour("node4", state="down"),
            )
        ),
        OK,
        "",
    ),
    (
        "fleet-healthy",
        "those silent for a day, as the whole cloud is",
        facts(
            fleet=fleet(
                service(state="down", updated_at="2026-11-28T17:00:00.000000"),
                neighbour("node3", state="down", updated_at="2026-11-27T17:00:00.000000"),
            )
        ),
        BLOCKED,
        "1 of 1 other compute services are down: node3",
    ),
    (
        "fleet-healthy",
        "most others are down",
        facts(
            fleet=fleet(
                service(),
                neighbour(),
                neighbour("node3", state="down"),
                neighbour("node4", state="down"),
            )
        ),
        BLOCKED,
        "2 of 3 other compute services are down: node3, node4",
    ),
    ("blast-radius", "one host", facts(request=request(leaving=frozenset({"node1"}))), OK, ""),
    (
        "blast-radius",
        "as many as were meant",
        facts(request=request(leaving=frozenset({"node1", "node2"}), max_hosts=2)),
        OK,
        "",
    ),
    (
        "blast-radius",
        "more than were meant",
        facts(request=request(leaving=frozenset({"node1", "node2", "node3"}), max_hosts=2)),
        BLOCKED,
        "3 hosts in one run, and --max-hosts is 2",
    ),
    ("last-host", "another one is there", facts(), OK, ""),
    (
        "last-host",
        "the other one leaves too",
        facts(request=request(leaving=frozenset({"node1", "node2"}))),
        BLOCKED,
        "no other enabled host that is up in availability zone 'nova'",
    ),
    ("last-host", "there is no service", build.ghost(fleet=fleet(service("node9"))), OK, ""),
    (
        "last-host",
        "the other one is disabled",
        facts(fleet=fleet(service(), neighbour(status="disabled"))),
        BLOCKED,
        "no other enabled host that is up in availability zone 'nova'",
    ),
    (
        "last-host",
        "the other one is in another zone",
        facts(fleet=fleet(service(), neighbour(zone="east"))),
        BLOCKED,
        "availability zone 'nova'",
    ),
    (
        "last-host",
        "the other one is in another cell",
        facts(database=database(cell_hosts=frozenset({"node1", "node7"}))),
        BLOCKED,
        "in the host's cell",
    ),
    (
        "last-host",
        "the cell is not known",
        facts(database=database(cell_hosts=frozenset())),
        OK,
        "",
    ),
    ("last-host", "no database", facts(database=None), OK, ""),
    ("servers-present", "empty", facts(), OK, ""),
    ("servers-present", "no database", facts(database=None), OK, ""),
    (
        "servers-present",
        "one, by the API and in the database",
        facts(servers=(build.server(),), database=database(instances=(build.instance_row(),))),
        BLOCKED,
        "1 server on the host: 'web' id-of-web ACTIVE",
    ),
    (
        "servers-present",
        "one that only the database shows",
        facts(
            servers=(build.server(status="SOFT_DELETED"),),
            database=database(instances=(build.instance_row("lost"),)),
        ),
        BLOCKED,
        "SOFT_DELETED, 'lost' id-of-lost active (database only)",
    ),
    (
        "servers-present",
        "stranded: there is no compute service",
        ghost(servers=(build.server(),)),
        BLOCKED,
        "1 server on the host: 'web' id-of-web ACTIVE",
    ),
    ("migrations-active", "none", facts(), OK, ""),
    ("migrations-active", "no database", facts(database=None), OK, ""),
    (
        "migrations-active",
        "one, twice told",
        facts(
            migrations=(build.migration(),),
            database=database(active_migrations=(build.migration(status="stale"),)),
        ),
        BLOCKED,
        "7 (live-migration of id-of-web, running, node1 to node2, since 2026-11-23T04:15:00)",
    ),
    (
        "migrations-active",
        "one that waits for its confirmation, in the database only",
        facts(
            database=database(
                active_migrations=(build.migration(status="finished", destination=None),)
            )
        ),
        BLOCKED,
        "finished, node1 to no host yet",
    ),
    (
        "migrations-active",
        "two of one id in two cells",
        facts(
            migrations=(
                build.migration(uuid="of-cell1"),
                build.migration(uuid="of-cell2", server="id-of-db", source="node2"),
            )
        ),
        BLOCKED,
        "2 migrations in progress: ",
    ),
    ("service-alive", "no service", build.ghost(), OK, ""),
    (
        "service-alive",
        "no service any more",
        build.ghost(heartbeats=(build.heartbeat(moved=True),)),
        OK,
        "",
    ),
    ("service-alive", "it is down", facts(service=service(state="down")), OK, ""),
    ("service-alive", "ssh stops it", facts(), OK, ""),
    (
        "service-alive",
        "a command stops it",
        facts(request=request(stop_with=StopWith.COMMAND)),
        OK,
        "",
    ),
    (
        "service-alive",
        "the operator stops it",
        facts(request=request(stop_with=StopWith.NONE)),
        WARNING,
        "nova-compute on node1 is up; you have to stop it",
    ),
    (
        "service-alive",
        "offline, but up",
        facts(request=request(offline=True)),
        BLOCKED,
        "nova-compute on node1 is up, but --offline says that the host is dead",
    ),
    (
        "service-alive",
        "offline and down, but the heartbeat moves",
        facts(
            service=service(state="down"),
            request=request(offline=True),
            heartbeats=(build.heartbeat(moved=True),),
        ),
        BLOCKED,
        "nova-compute on node1 is down, its heartbeat moves, but --offline says",
    ),
    (
        "service-alive",
        "offline and down, its heartbeat moved and stands still now",
        facts(
            service=service(state="down"),
            request=request(offline=True),
            heartbeats=(build.heartbeat(moved=True, still=20),),
        ),
        OK,
        "",
    ),
    ("node-owner", "its own node only", facts(), OK, ""),
    ("node-owner", "no database", facts(database=None), OK, ""),
    (
        "node-owner",
        "a node of another host is tied to its service",
        facts(database=database(compute_nodes=(build.node_row(), FOREIGN_NODE))),
        BLOCKED,
        "deleting the service would also delete compute_nodes 9 (node2) of 'node2'",
    ),
    (
        "node-owner",
        "that one is soft-deleted",
        facts(database=database(compute_nodes=(build.node_row(9, host="node2", deleted=9),))),
        OK,
        "",
    ),
    (
        "node-owner",
        "a row of another spelling",
        facts(database=database(twins=(TwinRow("cell1", "compute_nodes", 9, "NODE1"),))),
        BLOCKED,
        "to nova's database 'node1' is the same name as that of cell1: compute_nodes 9 of 'NODE1'",
    ),
    (
        "node-owner",
        "a row of another spelling beside the rows of a ghost",
        build.history(database=database(twins=(TwinRow("cell1", "services", 9, "NODE1"),))),
        BLOCKED,
        "services 9 of 'NODE1'",
    ),
    (
        "node-owner",
        "a row of another spelling, and nothing but history of this host",
        build.history(
            database=replace(
                build.history().database, twins=(TwinRow("cell1", "services", 9, "NODE1"),)
            )
        ),
        OK,
        "",
    ),
    (
        "node-owner",
        "another spelling in the API, and no database",
        facts(database=None, fleet=Fleet(names=frozenset({"node1", "node2", "Node1", "nodé1"}))),
        BLOCKED,
        "that of 'Node1' (nova's API), 'nodé1' (nova's API)",
    ),
    (
        "node-owner",
        "another spelling in the API, and databases that keep the names apart",
        facts(fleet=Fleet(names=frozenset({"node1", "Node1"}))),
        OK,
        "",
    ),
    ("ironic", "a hypervisor", facts(), OK, ""),
    ("ironic", "no database", facts(database=None), OK, ""),
    (
        "ironic",
        "by the API",
        facts(compute_nodes=(build.node(hypervisor_type="ironic"),)),
        BLOCKED,
        "the host serves 1 ironic node: node1",
    ),
    (
        "ironic",
        "by its rows",
        build.ghost(database=database(compute_nodes=(IRONIC_ROW,))),
        BLOCKED,
        "the host serves 1 ironic node: metal",
    ),
    *MACHINE_CASES,
    *ROW_CASES,
    *MOVING_CASES,
    *ENABLE_CASES,
]
