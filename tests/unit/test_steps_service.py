# SPDX-License-Identifier: Apache-2.0
"""The steps disable-service, stop-service and delete-service."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nova_decom.model import AggregateHostRow, StopWith, Unit
from nova_decom.steps.delete_service import DeleteService
from nova_decom.steps.disable_service import DisableService
from nova_decom.steps.stop_service import StopService
from tests.unit import build
from tests.unit.build import CHILD, NODE, SERVICE, allocation, database, facts, provider, request

DISABLE, STOP, DELETE = DisableService(), StopService(), DeleteService()
OFF = Unit("nova-compute.service", active=False, enabled=False)
NOT_REACHED = Unit("nova-compute", active=False, enabled=False, reached=False)
ENABLED = Unit("nova-compute.service", active=False, enabled=True)


def disabled(reason, **what):
    """A service that is disabled for a reason."""
    service = build.service(status="disabled", disabled_reason=reason)
    return facts(service=service, **what)


def told(step, state):
    """Action and target of each change."""
    return [(change.action, change.target) for change in step.changes(state)]


#: Live rows of a host that is spelled otherwise, and nothing of this one.
NODE1_ROWS = {
    "host_mapping": None,
    "services": (build.service_row(host="NODE1"),),
    "compute_nodes": (build.node_row(host="NODE1"),),
}


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (facts(), [("disable", SERVICE)]),
        (facts(service=build.service(state="down")), [("disable", SERVICE)]),
        (facts(service=build.service(status="disabled")), [("disable", SERVICE)]),
        (disabled("broken fan"), [("disable", SERVICE)]),
        (disabled("nova-decom OTHER by x@y: old"), [("disable", SERVICE)]),
        (disabled(request().claim), []),
        (disabled(request().claim, claim_is_over=True), [("disable", SERVICE)]),
        (facts(service=build.service(id=None)), []),
        (build.ghost(), []),
    ],
)
def test_a_service_is_disabled_and_claimed(state, changes):
    """Once, by this run; a claim of its own that has lapsed is renewed."""
    assert told(DISABLE, state) == changes
    for change in DISABLE.changes(state):
        assert told(DISABLE, DISABLE.after(change, state)) == []


@pytest.mark.parametrize(
    ("reason", "claim"),
    [
        (None, "nova-decom RUN by ops@jump (was disabled): old"),
        ("broken fan", "nova-decom RUN by ops@jump (was disabled): old; before: broken fan"),
        ("nova-decom OTHER by x@y: older", "nova-decom RUN by ops@jump: old"),
        (
            "nova-decom OTHER by x@y (was disabled): older; before: broken fan",
            "nova-decom RUN by ops@jump (was disabled): old; before: broken fan",
        ),
        (
            "nova-decom OTHER by x@y (was disabled): older",
            "nova-decom RUN by ops@jump (was disabled): old",
        ),
    ],
)
def test_a_claim_tells_what_was_before_it(reason, claim):
    """Somebody's words are not lost, and whether the service was enabled before all runs."""
    (change,) = DISABLE.changes(disabled(reason))

    assert claim in change.detail
    after = DISABLE.after(change, disabled(reason))
    assert after.service.disabled_reason == claim


def test_disabling_shows_the_call_with_our_claim():
    """The plan prints the body that is sent, quotes in the reason included."""
    claim = 'nova-decom RUN by ops@jump: "old"'

    (change,) = DISABLE.changes(facts(request=request(claim=claim)))

    call, _, body = change.detail.partition(" {")
    assert call == f"PUT /os-services/{SERVICE}"
    assert json.loads("{" + body) == {"status": "disabled", "disabled_reason": claim}


def test_disabling_leaves_the_other_services_of_the_host_alone():
    """Only nova-compute is disabled."""
    state = facts(other_services=[build.conductor()])
    (change,) = DISABLE.changes(state)

    after = DISABLE.after(change, state)

    assert [s.status for s in after.services] == ["disabled", "enabled"]
    assert after.service.disabled_reason == state.request.claim


PROVE = ("prove", SERVICE)
SILENT = (build.heartbeat(still=20),)


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (facts(), [("stop", "node1"), PROVE]),
        (facts(unit=OFF), [PROVE]),
        (facts(unit=ENABLED), [("stop", "node1"), PROVE]),
        (facts(unit=OFF, heartbeats=SILENT), []),
        (facts(heartbeats=SILENT), [("stop", "node1")]),
        (facts(request=request(stop_with=StopWith.COMMAND)), [("stop", "node1"), PROVE]),
        (facts(request=request(stop_with=StopWith.NONE)), [PROVE]),
        (facts(request=request(offline=True)), [PROVE]),
        (facts(service=build.service(id=None)), [("stop", "node1")]),
        (build.ghost(), [("stop", "node1")]),
        (build.ghost(unit=OFF), []),
        (build.ghost(unit=NOT_REACHED), []),
        (build.ghost(request=request(offline=True)), []),
        (build.ghost(request=request(stop_with=StopWith.COMMAND)), []),
        (build.ghost(compute_nodes=(), providers=(), database=None), []),
        (build.ghost(providers=(), database=None), []),
        (build.history(), []),
        (build.absent(database=build.database(**NODE1_ROWS)), []),
        (build.REMOVABLE["all in one"], [("stop", "node1"), PROVE]),
        (
            build.REMOVABLE["all in one, all binaries, conductor down"],
            [("stop", "node1"), PROVE, ("prove", build.CONDUCTOR)],
        ),
    ],
)
def test_the_service_is_stopped_and_its_silence_proved(state, changes):
    """A unit that is off is not stopped, a heartbeat that stood still is not waited for.

    Where the service's row is gone but traces are left, the host itself is asked, if it answers.
    """
    assert told(STOP, state) == changes


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({}, "ssh node1: systemctl disable --now (the unit of nova-compute found there)"),
        ({"stop_with": StopWith.COMMAND}, "run the stop command for node1"),
    ],
)
def test_stopping_says_how(asked, detail):
    """The plan shows by which way the unit will be stopped."""
    change, _ = STOP.changes(facts(request=request(**asked)))

    assert change.detail == detail


def test_stopping_where_no_service_is_left_depends_on_what_the_host_answers():
    """The plan says that the host may be dead, or have no such unit, and that this is fine."""
    (change,) = STOP.changes(build.ghost())

    assert change.detail.endswith(", if it answers and nova-compute still runs there")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"report_interval": 30.0}, "nova-compute must stand still for 60 s"),
        ({"stop_with": StopWith.NONE}, "20 s (you stop it; this waits for you)"),
        ({"offline": True}, "20 s"),
    ],
)
def test_a_proof_says_for_how_long_and_whom_it_waits_for(asked, words):
    """Two report intervals, and a hint when it is the operator who has to act."""
    *_, change = STOP.changes(facts(request=request(**asked)))

    assert change.detail.endswith(words)


@pytest.mark.parametrize(
    ("state", "left"),
    [
        (facts(), []),
        (facts(providers=(provider(), CHILD)), []),
        (facts(providers=(provider(), CHILD), allocations=(allocation(),)), [NODE]),
        (
            facts(providers=(provider(), CHILD), allocations=(allocation("child"),)),
            [NODE, "child"],
        ),
        (
            facts(
                providers=(provider(), CHILD, provider("deep", "d", NODE, "child")),
                allocations=(allocation("deep"), allocation("child", "other")),
            ),
            [NODE, "child", "deep"],
        ),
        (facts(providers=(provider("of an older uuid"),)), ["of an older uuid"]),
        (facts(compute_nodes=(), database=database(compute_nodes=())), [NODE]),
        (facts(compute_nodes=(), database=None), [NODE]),
        (facts(compute_nodes=()), []),
    ],
    ids=[
        "a root",
        "a tree",
        "allocation on the root",
        "allocation on the child",
        "allocations in the depth",
        "not the node's provider",
        "no node",
        "no node, no database",
        "a node that the API hides",
    ],
)
def test_nova_leaves_providers_that_it_cannot_delete(state, left):
    """Those with allocations, those above them, and those it does not take for its own."""
    (change,) = DELETE.changes(state)

    assert [p.uuid for p in DELETE.after(change, state).providers] == left


def test_deleting_takes_what_nova_knows_of_the_host():
    """Memberships, nodes, mapping; rows are soft-deleted, and those of others untouched."""
    foreign = build.node_row(9, host="node2", uuid="other")
    state = facts(
        aggregates=(build.aggregate(),),
        database=database(
            aggregate_hosts=(AggregateHostRow(31, 5),),
            compute_nodes=(build.node_row(), build.node_row(7, deleted=7), foreign),
        ),
    )
    (change,) = DELETE.changes(state)

    after = DELETE.after(change, state)

    assert change.detail == f"DELETE /os-services/{SERVICE}"
    assert (after.services, after.compute_nodes, after.aggregates) == ((), (), ())
    assert after.database == replace(
        state.database,
        host_mapping=None,
        aggregate_hosts=(),
        services=(build.service_row(deleted=3),),
        compute_nodes=(build.node_row(deleted=8), build.node_row(7, deleted=7), foreign),
    )


def test_deleting_another_binary_takes_nothing_but_its_row():
    """Only nova-compute has nodes, providers, memberships and a mapping."""
    state = build.REMOVABLE["all in one, all binaries, conductor down"]
    change = next(c for c in DELETE.changes(state) if c.target == build.CONDUCTOR)

    after = DELETE.after(change, state)

    assert after.service == state.service
    assert after.compute_nodes == state.compute_nodes
    assert after.database.host_mapping == state.database.host_mapping
    assert [r.deleted for r in after.database.services] == [0, 5]


@pytest.mark.parametrize("binary", ["nova-compute", "nova-conductor"])
def test_deleting_works_without_a_database(binary):
    """Nothing is claimed of rows that were not read."""
    state = replace(build.REMOVABLE["all in one, all binaries, conductor down"], database=None)
    change = next(
        c
        for c, s in zip(DELETE.changes(state), state.leaving_services, strict=True)
        if s.binary == binary
    )

    assert DELETE.after(change, state).database is None


def test_a_service_of_a_silent_cell_cannot_be_deleted():
    """It has no id to delete it by."""
    assert told(DELETE, facts(service=build.service(id=None))) == []
