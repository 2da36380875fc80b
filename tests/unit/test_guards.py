# SPDX-License-Identifier: Apache-2.0
"""The guards: for each, facts that it lets pass and facts that it objects to."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from nova_decom.guards import GUARDS, NAMED, is_known, judge
from nova_decom.model import StopWith, Verdict
from tests.unit import build
from tests.unit.build import absent, database, facts, fleet, neighbour, request, service

OK, WARNING, BLOCKED = Verdict.OK, Verdict.WARNING, Verdict.BLOCKED
BY_NAME = {guard.name: guard for guard in GUARDS}
FOREIGN_NODE = build.node_row(9, host="node2", hypervisor_hostname="node2", uuid="other")
IRONIC_ROW = build.node_row(hypervisor_type="ironic", hypervisor_hostname="metal")

#: guard, what is the case, facts, verdict, words of the message
TABLE = [
    ("host-known", "it is there", facts(), OK, ""),
    ("host-known", "nothing names it", absent(), BLOCKED, "nothing in this cloud names 'node1'"),
    (
        "host-known",
        "absent is fine",
        absent(request=request(absent_ok=True)),
        WARNING,
        "nothing in this cloud names 'node1'",
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
        "'NODE2' is not a host, but 'node2' is; names are compared letter by letter",
    ),
    ("host-exact", "part of a name", absent("node"), BLOCKED, "but 'node2' is"),
    ("host-exact", "without its domain", absent("node2.example.org"), BLOCKED, "but 'node2' is"),
    (
        "host-exact",
        "part of several names",
        absent("node", fleet=fleet(neighbour(), neighbour("node3"))),
        BLOCKED,
        "but 'node2', 'node3' are",
    ),
    ("host-exact", "like nothing else", absent("rack7"), OK, ""),
    ("host-exact", "known of old", absent("NODE2", was_known=True), OK, ""),
    ("cells-answering", "all answer", facts(), OK, ""),
    (
        "cells-answering",
        "one is silent",
        facts(fleet=fleet(service(), neighbour(id=None, status="UNKNOWN"))),
        BLOCKED,
        "1 compute service entries have no id or status UNKNOWN",
    ),
    ("last-host", "another one is there", facts(), OK, ""),
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
        "2 servers on the host: 'web' id-of-web SOFT_DELETED, "
        "'lost' id-of-lost active (database only)",
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
        "1 migrations in progress: 7 (live-migration of id-of-web, running, node1 to node2, "
        "since 2026-11-23T04:15:00)",
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
    ("service-alive", "no service", build.ghost(), OK, ""),
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
        "nova-compute on node1 is up and --offline forbids to stop it",
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
        "heartbeat",
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
    ("ironic", "a hypervisor", facts(), OK, ""),
    ("ironic", "no database", facts(database=None), OK, ""),
    (
        "ironic",
        "by the API",
        facts(compute_nodes=(build.node(hypervisor_type="ironic"),)),
        BLOCKED,
        "the host serves 1 ironic nodes: node1",
    ),
    (
        "ironic",
        "by its rows",
        build.ghost(database=database(compute_nodes=(IRONIC_ROW,))),
        BLOCKED,
        "the host serves 1 ironic nodes: metal",
    ),
    ("pci-allocated", "none", facts(), OK, ""),
    ("pci-allocated", "no database", facts(database=None), OK, ""),
    ("pci-allocated", "free ones", facts(database=build.PCI_ROWS), OK, ""),
    (
        "pci-allocated",
        "one is claimed",
        facts(database=database(pci_devices=(build.pci_row(status="claimed"),))),
        BLOCKED,
        "1 PCI devices are in use: 0000:01:00.0 claimed by None",
    ),
    (
        "pci-allocated",
        "one has a server",
        facts(database=database(pci_devices=(build.pci_row(instance_uuid="id-of-web"),))),
        BLOCKED,
        "0000:01:00.0 available by id-of-web",
    ),
    (
        "pci-allocated",
        "one was in use before it was deleted",
        facts(database=database(pci_devices=(build.pci_row(deleted=21, status="allocated"),))),
        OK,
        "",
    ),
    ("database-access", "all is well", facts(), OK, ""),
    (
        "database-access",
        "none is configured",
        facts(database=None),
        WARNING,
        "database not checked: none is configured",
    ),
    (
        "database-access",
        "two problems",
        facts(database=database(problems=("no right to DELETE", "read-only"))),
        BLOCKED,
        "no right to DELETE; read-only",
    ),
]


def finding(guard, of):
    """What the guard makes of the facts."""
    return next(f for f in judge(of) if f.guard == guard)


@pytest.mark.parametrize(
    ("guard", "state", "verdict", "words"),
    [pytest.param(g, s, v, w, id=f"{g}: {case}") for g, case, s, v, w in TABLE],
)
def test_guard(guard, state, verdict, words):
    """A guard lets pass or objects, names what it saw, and says what would resolve it."""
    found = finding(guard, state)

    assert found.verdict is verdict
    assert words in found.message
    assert (found.remedy is None) is (verdict is OK)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda g: g.name)
def test_each_guard_is_named_described_and_tried_both_ways(guard):
    """A name in kebab-case, one sentence, and in the table one case each of yes and no."""
    tried = {verdict for name, _, _, verdict, _ in TABLE if name == guard.name}

    assert re.fullmatch(r"[a-z]+(-[a-z]+)+|ironic", guard.name)
    assert (guard.ask.__doc__ or "").split("\n")[0].endswith(".")
    assert OK in tried
    assert tried - {OK}


def test_findings_come_in_the_order_of_the_guards():
    """One finding each, so that a reader sees what was asked."""
    assert [f.guard for f in judge(facts())] == [guard.name for guard in GUARDS]


FIRST_BLOCKED = {name: state for name, _, state, verdict, _ in TABLE if verdict is BLOCKED}


@pytest.mark.parametrize("name", FIRST_BLOCKED)
def test_skipping_turns_an_objection_into_a_warning_if_the_guard_allows(name):
    """--skip-guard overrules what is a matter of judgement, never what is a matter of fact."""
    state = FIRST_BLOCKED[name]
    skipping = replace(state, request=replace(state.request, skip_guards=frozenset({name})))

    found = finding(name, skipping)

    if BY_NAME[name].skippable:
        assert found.verdict is WARNING
        assert found.message == f"skipped: {finding(name, state).message}"
        assert found.remedy is None
    else:
        assert found == finding(name, state)


def test_guards_that_cannot_be_skipped_are_the_documented_ones():
    """The list stands in the documentation."""
    assert {g.name for g in GUARDS if not g.skippable} == {
        "host-known",
        "host-exact",
        "cells-answering",
        "service-alive",
        "node-owner",
        "pci-allocated",
        "database-access",
    }


def test_skipping_a_warning_leaves_it_as_it_is():
    """There is nothing to overrule."""
    state = facts(database=None, request=request(skip_guards=frozenset({"database-access"})))

    assert finding("database-access", state) == finding("database-access", facts(database=None))


def test_an_unknown_host_is_answered_with_the_nearest_names():
    """A typing error is the likely cause."""
    state = absent("ndoe2", fleet=fleet(neighbour("node2"), neighbour("rack7")))

    assert finding("host-known", state).remedy.startswith("did you mean: node2?")


def test_an_unknown_host_like_no_other_is_answered_with_the_command_that_lists_them():
    """No guess is better than a wrong one."""
    assert "nova-decom list" in finding("host-known", absent("rack7")).remedy


@pytest.mark.parametrize(
    "known",
    [
        {"service": service()},
        {"compute_nodes": (build.node(),)},
        {"servers": (build.server(),)},
        {"aggregates": (build.aggregate(),)},
        {"providers": (build.provider(),)},
        {"agents": (build.agent(),)},
        {"was_known": True},
        {"database": database(services=(), compute_nodes=())},
        {"database": database(host_mapping=None, compute_nodes=())},
        {"database": database(host_mapping=None, services=())},
        {"database": build.DatabaseFacts(aggregate_hosts=(5,))},
        {"database": build.DatabaseFacts(instances=(build.instance_row(),))},
        {"database": build.DatabaseFacts(in_history=True)},
    ],
    ids=str,
)
def test_a_host_is_known_by_any_trace(known):
    """A trace anywhere tells a host from a typing error."""
    assert is_known(absent(**known))


def test_a_host_without_a_trace_is_not_known():
    """Neither with a database nor without."""
    assert not is_known(absent())
    assert not is_known(absent(database=None))


def test_a_message_names_so_many_and_counts_the_rest():
    """Four hundred servers make a readable sentence."""
    servers = tuple(build.server(f"s{n}") for n in range(NAMED + 3))

    message = finding("servers-present", facts(servers=servers)).message

    assert message.startswith(f"{NAMED + 3} servers on the host: 's0'")
    assert message.endswith(", and 3 more")
    assert message.count("ACTIVE") == NAMED
