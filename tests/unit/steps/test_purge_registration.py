# SPDX-License-Identifier: Apache-2.0
"""The step purge-registration: rows of the API database that still name the host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.errors import RowCountError
from nova_decom.model.rows import AggregateHostRow, DatabaseFacts, HostMappingRow
from nova_decom.model.sql import API_DATABASE
from nova_decom.steps.purge_registration import PurgeRegistration
from tests.unit import build, rows
from tests.unit.build import absent, aggregate, facts, ghost
from tests.unit.fake import FakeCloud
from tests.unit.states import LEFT_BEHIND
from tests.unit.world import World

STEP = PurgeRegistration()
MAPPING = HostMappingRow(7, "uuid-of-cell1")
MEMBERS = (AggregateHostRow(31, 5), AggregateHostRow(32, 6))
MAPPED = absent(database=DatabaseFacts(host_mapping=MAPPING))
MEMBER = absent(database=DatabaseFacts(aggregate_hosts=MEMBERS), aggregates=(aggregate(),))
BOTH = absent(
    database=DatabaseFacts(host_mapping=MAPPING, aggregate_hosts=MEMBERS),
    aggregates=(aggregate(),),
)
#: what is the case, facts, (target, rows) or None
TABLE = [
    ("no database", absent(database=None), None),
    ("no rows", absent(), None),
    ("registered", facts(), None),
    ("registered, in an aggregate", build.REMOVABLE["in aggregates"], None),
    ("a mapping", MAPPED, ("host_mappings 7", 1)),
    ("memberships", MEMBER, ("aggregate_hosts 31 32", 2)),
    ("both", BOTH, ("aggregate_hosts 31 32, host_mappings 7", 3)),
    ("rows of the cell are there still", ghost(), ("host_mappings 7", 1)),
    (
        "another binary stays",
        ghost(other_services=[build.conductor()]),
        ("host_mappings 7", 1),
    ),
    ("both rows gone", LEFT_BEHIND["both rows gone"], ("aggregate_hosts 31, host_mappings 7", 2)),
]
STATES = {case: state for case, state, expected in TABLE if expected}
WITH_ROWS = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


def change_of(state):
    """The one change of the step."""
    (change,) = STEP.changes(state)
    return change


@pytest.mark.parametrize(
    ("state", "expected"), [pytest.param(s, e, id=case) for case, s, e in TABLE]
)
def test_choice_of_rows(state, expected):
    """All that name the host, once nova-compute is not registered any more."""
    found = [(c.step, c.action, c.target, c.rows) for c in STEP.changes(state)]

    if expected is None:
        assert found == []
    else:
        target, count = expected
        assert found == [("purge-registration", "delete", f"API database: {target}", count)]


@WITH_ROWS
def test_the_transaction_does_what_after_promises(state):
    """Run on a database, it leaves the rows that were foretold."""
    change = change_of(state)

    assert rows.run(change.transaction, state.database) == STEP.after(change, state).database


@WITH_ROWS
def test_the_transaction_runs_in_the_api_database(state):
    """Every row is locked and saved before any is touched; ids first, then the host."""
    change = change_of(state)
    kinds = [s.is_read for s in change.transaction.statements]

    assert (change.transaction.cell, change.transaction.host) == (API_DATABASE, "node1")
    assert kinds == sorted(kinds, reverse=True)
    assert all(s.is_image and s.sql.endswith(" FOR UPDATE") for s in change.transaction.reads)
    assert all(s.sql.startswith("DELETE FROM ") for s in change.transaction.writes)
    assert [s.params for s in change.transaction.reads] == [
        s.params for s in change.transaction.writes
    ]
    for statement in change.transaction.statements:
        *ids, host = statement.params
        assert " WHERE id IN (" in statement.sql
        assert statement.sql.removesuffix(" FOR UPDATE").endswith(" AND host = %s")
        assert (host, statement.rows) == ("node1", len(ids))


def test_the_plan_shows_every_statement_as_it_runs():
    """Memberships first, then the mapping."""
    assert change_of(BOTH).detail.split("; ") == [
        "SELECT * FROM aggregate_hosts WHERE id IN (31, 32) AND host = 'node1' FOR UPDATE",
        "SELECT * FROM host_mappings WHERE id IN (7) AND host = 'node1' FOR UPDATE",
        "DELETE FROM aggregate_hosts WHERE id IN (31, 32) AND host = 'node1'",
        "DELETE FROM host_mappings WHERE id IN (7) AND host = 'node1'",
    ]


@pytest.mark.parametrize(
    "news",
    [
        {"aggregate_hosts": MEMBERS[:1]},
        {"host_mapping": None},
        {"host_mapping": HostMappingRow(8, "uuid-of-cell1")},
    ],
    ids=["a membership went", "the mapping went", "another mapping came"],
)
def test_whatever_changed_since_the_plan_stops_the_transaction(news):
    """Nothing is deleted that was not reviewed."""
    with pytest.raises(RowCountError):
        rows.run(change_of(BOTH).transaction, replace(BOTH.database, **news))


def test_no_row_names_the_host_afterwards():
    """Nor does an aggregate of the API; the rows of the cell are another step's."""
    state = LEFT_BEHIND["both rows gone"]

    after = STEP.after(change_of(state), state)

    assert after == replace(
        state,
        aggregates=(),
        database=replace(state.database, aggregate_hosts=(), host_mapping=None),
    )


def test_nothing_is_claimed_of_a_database_that_was_not_read():
    """There is nothing to foretell."""
    assert STEP.after(change_of(MAPPED), absent(database=None)) == absent(database=None)


def test_the_transaction_is_run():
    """Once, with the effect that was foretold."""
    world = World(BOTH)
    change = change_of(BOTH)

    assert STEP.apply(change, FakeCloud(world), BOTH) is None
    assert (world.writes, world.truth) == (["purge"], STEP.after(change, BOTH))


def test_a_change_without_statements_runs_nothing():
    """A plan from a file has none; what runs is planned anew."""
    change = replace(change_of(BOTH), transaction=None)

    assert STEP.apply(change, cloud=None, facts=BOTH) is None
