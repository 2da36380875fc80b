# SPDX-License-Identifier: Apache-2.0
"""The step repair-registration: what would make nova's own delete fail is mended first."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nova_decom.model.rows import AggregateHostRow
from nova_decom.model.sql import API_DATABASE
from nova_decom.steps.delete_service import DeleteService
from nova_decom.steps.repair_registration import RepairRegistration
from tests.unit import build, rows
from tests.unit.build import NODE, aggregate, database, facts, ghost, node, provider
from tests.unit.fake import FakeCloud
from tests.unit.states import LEFT_BEHIND
from tests.unit.world import World

STEP = RepairRegistration()
MEMBER = {"aggregates": (aggregate(),)}
IN_ROWS = database(compute_nodes=(), aggregate_hosts=(AggregateHostRow(31, 5),))
NODE_GONE = LEFT_BEHIND["compute node gone, in an aggregate"]
SECOND = node(uuid="second", hypervisor_hostname="node1-b")
CREATE = ("create-provider", NODE)
PURGE = ("delete", "API database: aggregate_hosts 31")
#: what is the case, facts, the changes
TABLE = [
    ("in order", facts(), []),
    ("in an aggregate", build.REMOVABLE["in aggregates"], []),
    ("no service", ghost(providers=()), []),
    ("no service, in an aggregate", LEFT_BEHIND["both rows gone"], []),
    ("provider missing", LEFT_BEHIND["provider missing"], [CREATE]),
    ("its name taken", LEFT_BEHIND["provider missing, its name taken"], [CREATE]),
    ("no database", facts(providers=(), database=None), [CREATE]),
    (
        "one of two missing",
        facts(compute_nodes=(node(), SECOND)),
        [("create-provider", "second")],
    ),
    (
        "both missing",
        facts(compute_nodes=(node(), SECOND), providers=()),
        [CREATE, ("create-provider", "second")],
    ),
    (
        "hidden by the API, provider missing",
        LEFT_BEHIND["compute node hidden by the API, provider missing"],
        [CREATE],
    ),
    (
        "hidden by the API, in an aggregate",
        facts(
            compute_nodes=(),
            database=database(aggregate_hosts=(AggregateHostRow(31, 5),)),
            **MEMBER,
        ),
        [],
    ),
    ("node gone, in an aggregate", NODE_GONE, [PURGE]),
    ("node gone, in none", facts(compute_nodes=(), database=database(compute_nodes=())), []),
    ("node gone, no database", facts(compute_nodes=(), database=None, **MEMBER), []),
]


@pytest.mark.parametrize(
    ("state", "changes"), [pytest.param(s, c, id=case) for case, s, c in TABLE]
)
def test_what_is_repaired(state, changes):
    """Only while nova is still to delete, and only what it would stumble over."""
    found = tuple(STEP.changes(state))

    assert [(c.action, c.target) for c in found] == changes
    assert {c.step for c in found} <= {"repair-registration"}


def body_of(change):
    """What is posted."""
    call, _, body = change.detail.partition(" {")
    assert call == "POST /resource_providers"
    return json.loads("{" + body)


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (LEFT_BEHIND["provider missing"], "node1"),
        (LEFT_BEHIND["provider missing, its name taken"], f"node1.{NODE}"),
        (facts(providers=(), same_name_providers=(provider("foreign"),)), f"node1.{NODE}"),
    ],
    ids=["name free", "name taken", "name taken by another host's"],
)
def test_the_provider_has_the_nodes_uuid_and_its_name_where_that_is_free(state, name):
    """Nova finds it by the uuid; names are unique in placement. The plan shows what is sent."""
    (change,) = STEP.changes(state)

    after = STEP.after(change, state)

    *others, made = after.providers
    assert body_of(change) == {"uuid": made.uuid, "name": made.name}
    assert (made.uuid, made.root, made.parent) == (NODE, NODE, None)
    assert made.name == name
    assert made.name not in {p.name for p in others}
    assert tuple(others) == state.providers


@pytest.mark.parametrize(
    "state",
    [LEFT_BEHIND["provider missing"], LEFT_BEHIND["provider missing, its name taken"]],
    ids=["name free", "name taken"],
)
def test_the_provider_that_is_made_is_the_one_that_was_foretold(state):
    """By one call."""
    world = World(state)
    (change,) = STEP.changes(state)

    assert STEP.apply(change, FakeCloud(world), state) == "req-1"
    assert world.truth == STEP.after(change, state)


def test_aggregate_rows_go_alone_before_the_service():
    """The mapping is nova's to delete; the transaction runs in the API's database."""
    (change,) = STEP.changes(NODE_GONE)

    assert change.transaction.cell == API_DATABASE
    assert change.rows == 1
    assert [s.text for s in change.transaction.statements] == [
        "SELECT * FROM aggregate_hosts WHERE id IN (31) AND host = 'node1' FOR UPDATE",
        "DELETE FROM aggregate_hosts WHERE id IN (31) AND host = 'node1'",
    ]
    assert change.detail == "; ".join(s.text for s in change.transaction.statements)


def test_the_transaction_does_what_after_promises():
    """Run on a database, it leaves the rows that were foretold, and no membership."""
    (change,) = STEP.changes(NODE_GONE)

    after = STEP.after(change, NODE_GONE)

    assert rows.run(change.transaction, NODE_GONE.database) == after.database
    assert after == replace(
        NODE_GONE, aggregates=(), database=replace(NODE_GONE.database, aggregate_hosts=())
    )


def test_the_transaction_is_run_and_nothing_else():
    """No provider is made when there is no node."""
    world = World(NODE_GONE)
    (change,) = STEP.changes(NODE_GONE)

    assert STEP.apply(change, FakeCloud(world), NODE_GONE) is None
    assert (world.writes, world.truth) == (["purge"], STEP.after(change, NODE_GONE))


def test_rows_that_went_without_a_database_are_not_claimed():
    """What was not read is not foretold."""
    state = facts(compute_nodes=(), database=None, **MEMBER)
    (change,) = STEP.changes(facts(compute_nodes=(), database=IN_ROWS))

    assert STEP.after(change, state) == replace(state, aggregates=())


def test_an_older_provider_of_the_nodes_own_uuid_is_no_other():
    """A provider that is there is not made again, whatever it is called."""
    renamed = facts(providers=(provider(name="an older name"),))

    assert list(STEP.changes(renamed)) == []


def test_a_provider_that_was_made_is_taken_back_while_the_service_is_there():
    """By a request that saves it first; nothing else that the step does is undone."""
    state = LEFT_BEHIND["provider missing"]
    (change,) = STEP.changes(state)
    after = STEP.after(change, state)

    undo = STEP.undo(change, after)

    assert (undo.step, undo.action, undo.target) == (STEP.name, "delete-provider", NODE)
    assert undo.detail == undo.call.text == f"DELETE /resource_providers/{NODE}"
    assert STEP.undo(change, state) is None
    assert STEP.undo(change, replace(after, services=())) is None
    (purge,) = STEP.changes(NODE_GONE)
    assert STEP.undo(purge, NODE_GONE) is None
    assert DeleteService().undo(change, after) is None
