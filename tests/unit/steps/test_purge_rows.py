# SPDX-License-Identifier: Apache-2.0
"""The step purge-rows: which rows, by which statements, in which order."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import replace

import pytest

from nova_decom.errors import RowCountError
from nova_decom.model.request import Rows
from nova_decom.steps import purge_rows
from nova_decom.steps.purge_rows import PurgeRows
from tests.unit import build, rows
from tests.unit.build import database, facts, ghost, history, node_row, request, service_row

STEP = PurgeRows()
KEEP = request(rows=Rows.KEEP)
DEAD_TWIN = database(
    services=(service_row(deleted=3), service_row(4, host="NODE1", uuid="other", deleted=4)),
    compute_nodes=(node_row(deleted=8), node_row(9, host="NODE1", uuid="other", deleted=9)),
)
PCI_GONE = replace(DEAD_TWIN, pci_devices=(build.pci_row(), build.pci_row(22, compute_node_id=9)))
CONDUCTORS = replace(
    history().database,
    services=(
        service_row(deleted=3),
        service_row(4, uuid="old", binary="nova-conductor", deleted=4),
        service_row(5, uuid=build.CONDUCTOR, binary="nova-conductor"),
    ),
)
#: what is the case, facts, (action, target, rows) or None
CHOICE = [
    ("no database", facts(database=None), None),
    (
        "a node without a service",
        ghost(database=database(services=())),
        ("delete", "cell1: compute_nodes 8", 1),
    ),
    (
        "a service without a node",
        ghost(database=database(compute_nodes=())),
        ("delete", "cell1: services 3", 1),
    ),
    ("no cell", build.absent(), None),
    ("no rows", build.absent(database=database(services=(), compute_nodes=())), None),
    ("service alive", facts(), None),
    (
        "service alive, older rows of it",
        facts(database=database(services=(service_row(), service_row(2, uuid="old", deleted=2)))),
        None,
    ),
    (
        "live ghosts",
        ghost(database=database()),
        ("delete", "cell1: compute_nodes 8, services 3", 2),
    ),
    ("soft-deleted", history(), ("delete", "cell1: compute_nodes 8, services 3", 2)),
    (
        "live ghosts, keep",
        ghost(database=database(), request=KEEP),
        ("soft-delete", "cell1: compute_nodes 8, services 3", 2),
    ),
    ("soft-deleted, keep", history(request=KEEP), None),
    ("other spelling", history(database=DEAD_TWIN), ("delete", "cell1: compute_nodes 8, se", 2)),
    (
        "PCI devices of its node",
        history(database=PCI_GONE),
        ("delete", "cell1: pci_devices 21, compute_nodes 8, services 3", 3),
    ),
    (
        "live node still needed",
        ghost(database=database(nodes_needed={"cell1": 2})),
        ("delete", "cell1: compute_nodes 8, services 3", 2),
    ),
    (
        "soft-deleted node still needed",
        history(database=replace(history().database, nodes_needed={"cell1": 2})),
        ("delete", "cell1: services 3", 1),
    ),
    (
        "other binaries in history",
        history(database=CONDUCTORS),
        ("delete", "cell1: compute_nodes 8, services 3", 2),
    ),
    (
        "all binaries, a live row that nova does not list",
        history(database=CONDUCTORS, request=request(all_binaries=True)),
        ("delete", "cell1: compute_nodes 8, services 3 4", 3),
    ),
    (
        "all binaries, conductor alive",
        history(
            database=CONDUCTORS,
            request=request(all_binaries=True),
            other_services=[build.conductor()],
        ),
        ("delete", "cell1: compute_nodes 8, services 3", 2),
    ),
]
STATES = {case: state for case, state, expected in CHOICE if expected}
WITH_ROWS = pytest.mark.parametrize("state", STATES.values(), ids=STATES)


def change_of(state):
    """The one change of the step."""
    (change,) = STEP.changes(state)
    return change


@pytest.mark.parametrize(
    ("state", "expected"), [pytest.param(s, e, id=case) for case, s, e in CHOICE]
)
def test_choice_of_rows(state, expected):
    """Exactly this host's rows go, by what the operator asked for, and no living service's."""
    changes = list(STEP.changes(state))

    if expected is None:
        assert changes == []
        return
    (change,) = changes
    action, target, count = expected
    assert (change.action, change.rows) == (action, count)
    assert change.target.startswith(target)


@WITH_ROWS
def test_the_transaction_does_what_after_promises(state):
    """The statements, run on a database with foreign keys, leave the rows that were foretold."""
    change = change_of(state)

    really = rows.run(change.transaction, state.database)

    assert really == STEP.after(change, state).database


@WITH_ROWS
def test_reads_come_before_writes(state):
    """All rows are locked, saved and guarded before the first is touched."""
    kinds = [statement.is_read for statement in change_of(state).transaction.statements]

    assert kinds == sorted(kinds, reverse=True)


@WITH_ROWS
def test_writes_go_by_primary_key_and_say_how_many_rows(state):
    """Ids first, one for each row expected; the host again where the table has it."""
    for statement in change_of(state).transaction.writes:
        ids = [p for p in statement.params if isinstance(p, int)]

        assert " WHERE id IN (" in statement.sql
        assert statement.rows == len(ids) > 0
        assert "pci_devices" in statement.sql or statement.params[-1] == "node1"


@WITH_ROWS
def test_every_row_that_is_written_was_saved_before(state):
    """The before-images have the same ids, locked."""
    transaction = change_of(state).transaction
    images = {table(s): set(s.params) for s in transaction.reads if s.is_image}
    written = {table(s): set(s.params) for s in transaction.writes}

    assert {name: images[name] & params for name, params in written.items()} == written
    assert all(s.sql.endswith(" FOR UPDATE") for s in transaction.reads if s.is_image)


@WITH_ROWS
def test_no_value_stands_in_the_statement_itself(state):
    """Names and ids are parameters; as many as there are marks."""
    for statement in change_of(state).transaction.statements:
        assert "node1" not in statement.sql
        assert "'" not in statement.sql
        assert not re.search(r"\b[1-9]\d*\b", statement.sql)
        assert statement.sql.count("%s") == len(statement.params)


@WITH_ROWS
def test_children_go_before_their_parents(state):
    """pci_devices, then compute_nodes, then services."""
    order = ["pci_devices", "compute_nodes", "services"]
    deletes = [s for s in change_of(state).transaction.writes if s.sql.startswith("DELETE")]

    assert [table(s) for s in deletes] == sorted(map(table, deletes), key=order.index)


def table(statement):
    """The table of a statement."""
    return re.search(r"(?:FROM|UPDATE) (\w+)", statement.sql)[1]


@WITH_ROWS
def test_the_plan_shows_every_statement_as_it_runs(state):
    """What is reviewed is the text that the database client insists on."""
    change = change_of(state)

    assert change.detail == "; ".join(s.text for s in change.transaction.statements)


#: what happened since the facts were read, and the rows as they are then
MEANWHILE = {
    "a server landed": {"instances": (build.instance_row(),)},
    "a migration began": {"active_migrations": (build.migration(),)},
    "a migration towards it began": {
        "active_migrations": (build.migration(source="node2", destination="node1"),)
    },
    "the service came back": {"services": (service_row(deleted=3), service_row(11))},
    "the compute node came back": {"compute_nodes": (node_row(deleted=8), node_row(12))},
    "a row went": {"services": ()},
    "a row was given to another host": {"compute_nodes": (node_row(host="node2", deleted=8),)},
}


@pytest.mark.parametrize("news", MEANWHILE.values(), ids=MEANWHILE)
def test_whatever_changed_since_the_plan_stops_the_transaction(news):
    """The guards are asked again inside, and nothing is written."""
    state = history()

    with pytest.raises(RowCountError):
        rows.run(change_of(state).transaction, replace(state.database, **news))


def test_a_living_service_of_another_binary_does_not_stop_the_transaction():
    """A conductor on the same host is nobody's reason to keep the rows of nova-compute."""
    state = history()
    conductor = service_row(5, uuid=build.CONDUCTOR, binary="nova-conductor")
    news = replace(state.database, services=(*state.database.services, conductor))

    left = rows.run(change_of(state).transaction, news)

    assert (left.services, left.compute_nodes) == ((conductor,), ())


def test_a_node_still_needed_is_hidden_and_its_service_deleted():
    """nova's online migration needs the row; the PCI devices stay with it."""
    state = ghost(database=database(nodes_needed={"cell1": 2}, pci_devices=(build.pci_row(),)))

    verbs = [f"{s.sql.split()[0]} {table(s)}" for s in change_of(state).transaction.writes]

    assert verbs == ["DELETE services", "UPDATE compute_nodes"]


def test_a_change_without_statements_runs_nothing():
    """A plan from a file has none; what runs is planned anew."""
    change = replace(change_of(history()), transaction=None)

    assert STEP.apply(change, cloud=None, facts=history()) is None


def test_after_without_a_database_is_as_before():
    """There is nothing to claim."""
    change = change_of(history())

    assert STEP.after(change, facts(database=None)) == facts(database=None)


def test_the_module_names_no_column_of_hypervisor_hostname():
    """A predicate on it would lock every row of compute_nodes."""
    tree = ast.parse(inspect.getsource(purge_rows))
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]

    assert not [t for t in texts if isinstance(t, str) and "hypervisor_hostname" in t]


def test_each_cell_loses_its_own_rows():
    """A host that nova deleted in two cells: one change a cell, in any order."""
    old = (service_row(deleted=3), service_row(3, uuid="s2", deleted=3, cell="cell2"))
    state = history(database=database(services=old, compute_nodes=(), host_mapping=None))
    first, second = PurgeRows().changes(state)

    left = PurgeRows().after(second, state).database.services
    assert left == (old[0],)
    assert PurgeRows().after(first, state).database.services == (old[1],)


def test_a_change_of_rows_that_are_gone_changes_nothing():
    """Another run was faster."""
    (change,) = PurgeRows().changes(history())
    gone = history(database=database(services=(), compute_nodes=(), host_mapping=None))

    assert PurgeRows().after(change, gone) == gone
