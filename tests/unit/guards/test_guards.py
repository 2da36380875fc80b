# SPDX-License-Identifier: Apache-2.0
"""The guards: for each, facts that it lets pass and facts that it objects to."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from nova_decom.guards import GUARDS, OF_ENABLE, judge
from nova_decom.guards.host import is_known
from nova_decom.model.host import Fleet
from nova_decom.model.plan import NAMED, summary
from tests.unit import build
from tests.unit.build import absent, database, facts, fleet, neighbour, request, service
from tests.unit.guard_cases import BLOCKED, OK, TABLE, WARNING
from tests.unit.guard_moving_cases import AUTO, moving

EVERY = (*GUARDS, *OF_ENABLE)
BY_NAME = {guard.name: guard for guard in EVERY}


def finding(guard, of):
    """What the guard makes of the facts."""
    return next(f for f in judge(of, EVERY) if f.guard == guard)


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


@pytest.mark.parametrize("guard", EVERY, ids=lambda g: g.name)
def test_each_guard_is_named_described_and_tried_both_ways(guard):
    """A name in kebab-case, one sentence, and in the table one case each of yes and no."""
    tried = {verdict for name, _, _, verdict, _ in TABLE if name == guard.name}

    assert re.fullmatch(r"[a-z]+(-[a-z]+)+|ironic|capacity", guard.name)
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
        "servers-arriving",
        "local-disks",
        "service-alive",
        "machine-identity",
        "node-owner",
        "pci-allocated",
        "database-access",
    }


def test_skipping_a_warning_leaves_it_as_it_is():
    """There is nothing to overrule."""
    state = facts(database=None, request=request(skip_guards=frozenset({"database-access"})))

    assert finding("database-access", state) == finding("database-access", facts(database=None))


@pytest.mark.parametrize(
    ("host", "names", "meant"),
    [
        ("nide3", ["node1", "node2", "node3"], "did you mean: node3?"),
        ("ndoe2", ["node2", "rack7"], "did you mean: node2?"),
        ("node1o", ["node1", "node10", "node2"], "did you mean: node1, node10?"),
        (
            "node",
            [f"node{n}" for n in range(1, 8)],
            "did you mean: node7, node6, node5, node4, node3?",
        ),
        ("nide3", ["node1", "node2"], "nova-decom list shows every host"),
        ("rack7", ["node2"], "nova-decom list shows every host"),
    ],
    ids=["a letter", "two swapped", "several", "more than five", "two letters", "none"],
)
def test_an_unknown_host_is_answered_with_the_nearest_names(host, names, meant):
    """A typing error is the likely cause; without a near name it is the command that lists all."""
    state = absent(host, fleet=fleet(*map(neighbour, names)))

    told = finding("host-known", state).remedy

    assert told == f"{meant} (with --absent-ok, a missing host counts as removed)"


@pytest.mark.parametrize("guard", GUARDS, ids=lambda g: g.name)
def test_a_guard_that_lets_pass_says_what_holds(guard):
    """The first sentence of its docstring, as everywhere."""
    (found,) = judge(facts(), (guard,))

    assert (found.verdict, found.message) == (OK, summary(guard.ask))


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
        {"database": build.DatabaseFacts(aggregate_hosts=(build.AggregateHostRow(31, 5),))},
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


def test_no_guard_goes_through_all_leaving_hosts_for_each_service():
    """Else 2,000 hosts that leave together take minutes of nothing but that."""
    passes = []

    # A tuple: what unpacks a set does not ask its __iter__.
    class Leaving(tuple):
        __slots__ = ()

        def __iter__(self):
            passes.append(1)
            return super().__iter__()

    services = tuple(service(f"node{n}", id=f"{n}") for n in range(1, 101))
    leaving = Leaving(s.host for s in services)

    judge(facts(fleet=Fleet(services), request=request(leaving=leaving)), GUARDS)

    assert len(passes) <= len(GUARDS)


@pytest.mark.parametrize(
    ("traces", "way"),
    [
        ({"providers": (build.provider(), build.CHILD)}, "resource provider delete " + build.NODE),
        ({"agents": (build.agent(), build.agent(id="on", alive=True))}, build.AGENT),
    ],
    ids=["a provider", "agents"],
)
def test_a_name_that_is_nearly_a_host_s_has_its_ways_out(traces, way):
    """The host that was meant, or the commands that delete the traces alone."""
    remedy = finding("host-exact", absent("NODE2", **traces)).remedy

    assert remedy.startswith("give the exact name: node2; or ")
    assert remedy.endswith(way)
    assert remedy.count("; or ") == 1


def test_traces_that_an_earlier_run_may_have_left_have_one_way_more():
    """The operator knows whether it was that host."""
    state = absent("NODE2", agents=(build.agent(),), was_known=True)

    assert finding("host-exact", state).remedy.endswith(
        "; or if an earlier run removed NODE2: --absent-ok"
    )


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ({}, False),
        ({"may_be_partial": True}, True),
        ({"may_be_partial": True, "partial": True}, False),
    ],
)
def test_partial_is_named_where_it_is_possible(what, named):
    """Not for the removal of a running host, and not where it was given."""
    state = moving(request=replace(AUTO, **what), servers=(build.server(status="SUSPENDED"),))
    found = finding("servers-movable", state)

    assert ("--partial moves the others" in found.remedy) is named


def test_partial_skips_no_guard():
    """What is against the whole host still blocks it."""
    asked = replace(AUTO, may_be_partial=True, partial=True)
    state = moving(request=asked, database=database(instances=(build.instance_row("lost"),)))

    assert finding("servers-present", state).verdict is BLOCKED
