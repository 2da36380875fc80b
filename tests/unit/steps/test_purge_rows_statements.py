# SPDX-License-Identifier: Apache-2.0
"""The step purge-rows: every statement as it runs, and the flag that it resets by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.model.cloud import TERMINAL_MIGRATIONS
from nova_decom.model.request import Rows
from nova_decom.steps.purge_rows import PurgeRows
from tests.unit import build, rows
from tests.unit.build import database, ghost, history, node_row, request, service_row
from tests.unit.fake import FakeCloud
from tests.unit.states import LEFT_BEHIND
from tests.unit.world import World

STEP = PurgeRows()
KEEP = request(rows=Rows.KEEP)
ROWS = {
    "services": (service_row(), service_row(4, uuid="old", deleted=4)),
    "compute_nodes": (node_row(), node_row(7, uuid="old", deleted=7, mapped=1)),
}
NO_SERVER = (
    "SELECT id, host FROM instances WHERE host = 'node1' AND deleted = 0 LOCK IN SHARE MODE"
)
OVER = ", ".join(f"'{status}'" for status in sorted(TERMINAL_MIGRATIONS))
NO_MIGRATION = (
    "SELECT id, source_compute, dest_compute FROM migrations WHERE deleted = 0 AND "
    f"(source_compute = 'node1' OR dest_compute = 'node1') AND status NOT IN ({OVER})"
)
NO_SERVICE = (
    "SELECT id, host FROM services WHERE host = 'node1' AND `binary` = 'nova-compute' AND "
    "deleted = 0 FOR UPDATE"
)
NO_NODE = "SELECT id, host FROM compute_nodes WHERE host = 'node1' AND deleted = 0 FOR UPDATE"
NOW = "deleted = id, deleted_at = UTC_TIMESTAMP()"
OURS = " AND host = 'node1'"


def lock(table, ids, host=OURS):
    """The before-image."""
    return f"SELECT * FROM {table} WHERE id IN ({ids}){host} FOR UPDATE"


def update(table, what, number, last):
    """One row."""
    return (f"UPDATE {table} SET {what} WHERE id IN ({number}){OURS} AND {last}", 1)


PURGED = ghost(database=database(**ROWS, pci_devices=(build.pci_row(),)))
HIDDEN = ghost(database=database(**ROWS), request=KEEP)
#: what is the case, facts, and for each change: action, target, statements with their rows
TABLE = [
    (
        "purged",
        PURGED,
        [
            (
                "delete",
                "cell1: pci_devices 21, compute_nodes 8 7, services 3 4",
                [
                    (lock("pci_devices", "21", ""), 1),
                    (lock("compute_nodes", "8, 7"), 2),
                    (lock("services", "3, 4"), 2),
                    (NO_SERVICE, 1),
                    (NO_NODE, 1),
                    (NO_SERVER, 0),
                    (NO_MIGRATION, 0),
                    ("DELETE FROM pci_devices WHERE id IN (21)", 1),
                    ("DELETE FROM compute_nodes WHERE id IN (8, 7) AND host = 'node1'", 2),
                    ("DELETE FROM services WHERE id IN (3, 4) AND host = 'node1'", 2),
                ],
            )
        ],
    ),
    (
        "kept",
        HIDDEN,
        [
            (
                "soft-delete",
                "cell1: compute_nodes 8, services 3",
                [
                    (lock("compute_nodes", "8"), 1),
                    (lock("services", "3"), 1),
                    (NO_SERVICE, 1),
                    (NO_NODE, 1),
                    (NO_SERVER, 0),
                    (NO_MIGRATION, 0),
                    update("compute_nodes", f"{NOW}, mapped = 0", 8, "deleted = 0"),
                    update("services", NOW, 3, "deleted = 0"),
                ],
            ),
            (
                "reset-mapped",
                "cell1: compute_nodes 7",
                [
                    (lock("compute_nodes", "7"), 1),
                    (NO_SERVICE, 0),
                    (NO_NODE, 0),
                    (NO_SERVER, 0),
                    (NO_MIGRATION, 0),
                    update("compute_nodes", "mapped = 0", 7, "mapped <> 0"),
                ],
            ),
        ],
    ),
]


@pytest.mark.parametrize(
    ("state", "expected"), [pytest.param(s, e, id=case) for case, s, e in TABLE]
)
def test_every_statement_as_it_runs(state, expected):
    """Letter by letter: MySQL tells tables by case, and the client runs no other text."""
    found = tuple(STEP.changes(state))

    assert [
        (c.action, c.target, [(s.text, s.rows) for s in c.transaction.statements]) for c in found
    ] == expected
    assert {(c.step, c.transaction.cell, c.transaction.host) for c in found} == {
        ("purge-rows", "cell1", "node1")
    }


MAPPED = node_row(9, uuid="other", host="NODE1", deleted=9, mapped=1)
ALIVE = node_row(10, uuid="third", host="NODE1")
#: States in which the flag of a row is reset.
FLAGGED = {
    "by itself": LEFT_BEHIND["soft-deleted and mapped, kept"],
    "after live ones": LEFT_BEHIND["live ghost rows and older ones still mapped, kept"],
    "of a node that is still needed": history(
        database=database(
            services=(), compute_nodes=(node_row(deleted=8, mapped=1),), nodes_needed={"cell1": 2}
        )
    ),
    "beside another spelling": history(
        database=database(
            services=(), compute_nodes=(node_row(deleted=8, mapped=1), MAPPED, ALIVE)
        ),
        request=KEEP,
    ),
}


@pytest.mark.parametrize("state", FLAGGED.values(), ids=FLAGGED)
def test_each_transaction_does_what_after_promises(state):
    """One after the other, in the order of the plan."""
    for change in tuple(STEP.changes(state)):
        really = rows.run(change.transaction, state.database)
        state = STEP.after(change, state)

        assert really == state.database
    assert list(STEP.changes(state)) == []


@pytest.mark.parametrize("state", FLAGGED.values(), ids=FLAGGED)
def test_the_flag_is_reset_and_the_row_stays_deleted_as_it_was(state):
    """Nova's own delete of today does the same; rows of another spelling keep theirs."""
    *_, change = STEP.changes(state)
    assert change.action == "reset-mapped"

    after = STEP.after(change, state)

    assert [(r.id, r.deleted, r.mapped) for r in after.database.compute_nodes] == [
        (r.id, r.deleted, 0 if r.host == "node1" and r.deleted else r.mapped)
        for r in state.database.compute_nodes
    ]
    assert after == replace(state, database=after.database)


def test_hiding_live_rows_leaves_the_flag_to_its_own_change():
    """Nova may reset it first; then that change alone is not needed."""
    state = FLAGGED["after live ones"]
    hide, reset = STEP.changes(state)

    assert list(STEP.changes(STEP.after(hide, state))) == [reset]
    assert list(STEP.changes(STEP.after(reset, state))) == [hide]


def test_the_transaction_is_run():
    """Once, with the effect that was foretold."""
    world = World(PURGED)
    (change,) = STEP.changes(PURGED)

    assert STEP.apply(change, FakeCloud(world), PURGED) is None
    assert (world.writes, world.truth) == (["purge"], STEP.after(change, PURGED))
