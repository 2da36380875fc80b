# SPDX-License-Identifier: Apache-2.0
"""The steps disable-service and delete-service."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nova_decom.errors import ConflictError, TransientError
from nova_decom.model.rows import AggregateHostRow
from nova_decom.steps.delete_service import WITHOUT_NODE, DeleteService
from nova_decom.steps.disable_service import DisableService
from tests.unit import build, rows
from tests.unit.build import CHILD, NODE, SERVICE, allocation, database, facts, provider, request
from tests.unit.fake import FakeCloud
from tests.unit.states import LEFT_BEHIND
from tests.unit.world import World

DISABLE, DELETE = DisableService(), DeleteService()


def disabled(reason, **what):
    """A service that is disabled for a reason."""
    service = build.service(status="disabled", disabled_reason=reason)
    return facts(service=service, **what)


def told(step, state):
    """Action and target of each change."""
    return [(change.action, change.target) for change in step.changes(state)]


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


@pytest.mark.parametrize(
    "other",
    [
        build.conductor(id=SERVICE),
        build.service(id="second"),
        build.service(id="second", status="disabled", disabled_reason="theirs"),
    ],
    ids=["another binary of the same id", "a second one", "a second one, disabled"],
)
def test_only_the_service_that_is_named_is_claimed(other):
    """Two that claim one host are for a guard to object to; nothing is foretold of the other."""
    state = facts(other_services=[other], claim_is_over=True)
    (change,) = DISABLE.changes(state)

    after = DISABLE.after(change, state)

    claimed = build.service(status="disabled", disabled_reason=request().claim)
    assert after.services == (claimed, other)
    assert after.claim_is_over is False


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


def test_the_trees_that_nova_deletes_are_saved_before():
    """Those of every compute node, also of one that the API hides; other binaries have none."""
    hidden = replace(build.REMOVABLE["all in one, all binaries, conductor down"], compute_nodes=())

    saved = [change.call.saved for change in DELETE.changes(hidden)]

    assert saved == [(f"/resource_providers?in_tree={NODE}",), ()]


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


OLD = LEFT_BEHIND["compute node gone, nova 22, in an aggregate, kept"]


def test_the_row_of_a_service_that_an_old_nova_cannot_delete_is_soft_deleted():
    """By its id, under the guards of every purge; the row is as nova leaves one."""
    (change,) = DELETE.changes(OLD)

    assert (change.action, change.target, change.call) == ("soft-delete", SERVICE, None)
    texts = [s.text for s in change.transaction.statements]
    assert texts[0] == "SELECT * FROM services WHERE id IN (3) AND host = 'node1' FOR UPDATE"
    guarded = [t.split(" FROM ")[1].split()[0] for t in texts[1:-1]]
    assert guarded == ["services", "instances", "migrations"]
    assert texts[-1].startswith("UPDATE services SET deleted = id, deleted_at = UTC_TIMESTAMP()")
    assert change.rows == 1
    after = DELETE.after(change, OLD)
    assert rows.run(change.transaction, OLD.database) == after.database
    assert after == replace(OLD, services=(), database=after.database)
    assert [r.deleted for r in after.database.services] == [3, 2]


@pytest.mark.parametrize(
    "state",
    [
        replace(OLD, fleet=build.fleet()),
        replace(OLD, database=None),
        replace(OLD, database=replace(OLD.database, compute_nodes=(build.node_row(),))),
        replace(OLD, database=replace(OLD.database, services=())),
        replace(OLD, database=replace(OLD.database, services=(build.service_row(deleted=3),))),
        replace(
            OLD, services=(build.conductor(state="down"),), request=request(all_binaries=True)
        ),
    ],
    ids=["newer", "no database", "a node", "no row", "row deleted", "another binary"],
)
def test_every_other_service_is_deleted_by_nova(state):
    """Nova leaves aggregates, provider and mapping as well."""
    assert [c.action for c in DELETE.changes(state)] == ["delete"]


@pytest.mark.parametrize("error", [TransientError, ConflictError])
@pytest.mark.parametrize("state", [replace(OLD, database=None), facts()], ids=["no node", "node"])
def test_the_cure_is_named_where_nova_fails_without_compute_node(state, error):
    """A refusal (409), or another failure, has its own."""
    world = World(state)
    (change,) = DELETE.changes(state)
    world.fail(1, error("HTTP 500", "look", 7.0))

    with pytest.raises(error) as caught:
        DELETE.apply(change, FakeCloud(world), state)

    is_named = error is TransientError and not state.compute_nodes
    assert caught.value.remedy == (WITHOUT_NODE if is_named else "look")
    assert (str(caught.value), caught.value.retry_after) == ("HTTP 500", 7.0)
