# SPDX-License-Identifier: Apache-2.0
"""The transactions of a host that does not exist need the rights of every removal."""

from __future__ import annotations

import pytest

from nova_decom.clients.mysql.checked_rows import needs_usual_rights
from nova_decom.model.request import Request, Rows
from nova_decom.model.sql import API_DATABASE
from nova_decom.plan.planner import transactions_of
from nova_decom.plan.sample import sample_transactions, unplanned_transactions
from tests.unit.build import ghost, request
from tests.unit.guard_cases import TABLE

API = ["DELETE on aggregate_hosts", "DELETE on host_mappings"]
PURGE = ["DELETE on pci_devices", "DELETE on compute_nodes", "DELETE on services"]
KEEP = ["UPDATE on compute_nodes", "UPDATE on services"]


def rights(transactions):
    return [(t.cell, [s.right for s in t.writes]) for t in transactions]


@pytest.mark.parametrize(("rows", "writes"), [(Rows.PURGE, PURGE), (Rows.KEEP, KEEP)])
def test_every_database_and_table(rows, writes):
    """The API database first, then each cell."""
    sample = sample_transactions(Request(rows=rows), ["a", "b"], has_api_database=True)
    assert rights(sample) == [(API_DATABASE, API), ("a", writes), ("b", writes)]


def test_a_cell_alone():
    """Without an API database nothing is tried there."""
    sample = sample_transactions(Request(), ["a"], has_api_database=False)
    assert rights(sample) == [("a", PURGE)]


@pytest.mark.parametrize("rows", list(Rows))
def test_a_plan_needs_no_other_right(rows):
    """What doctor tried with success is enough for the rows of a ghost."""
    sample = sample_transactions(Request(rows=rows), ["cell1"], has_api_database=True)
    known = {(t.cell, s.kind) for t in sample for s in t.statements}
    plan = transactions_of(ghost(request=request(rows=rows)))
    assert plan
    assert {(t.cell, s.kind) for t in plan for s in t.statements} <= known


def test_a_host_with_the_usual_rows_needs_no_other_right():
    """Of a few hosts, whatever their state, the plan of each says what it needs."""
    states = [state for _, _, state, *_ in TABLE if state.database]
    # Two servers of the table have one id, which no plan can move.
    states = [f for f in states if len({s.id for s in f.servers}) == len(f.servers)]
    usual = [f for f in states if needs_usual_rights(f.database)]
    assert usual

    for state in usual:
        sample = sample_transactions(state.request, state.database.cells, has_api_database=True)
        known = {(t.cell, s.kind) for t in sample for s in t.statements}
        needed = {(t.cell, s.kind) for t in transactions_of(state) for s in t.statements}
        assert needed <= known, (state.host, needed - known)


@pytest.mark.parametrize(
    ("closes", "rights_needed"), [(True, ["UPDATE on migrations"]), (False, [])]
)
def test_what_a_run_may_come_to_need_is_known_before(closes, rights_needed):
    """The evacuations that it makes itself are in no plan."""
    found = unplanned_transactions(Request(close_evacuations=closes), ["a", "b"])

    assert rights(found) == [(cell, rights_needed) for cell in ("a", "b") if closes]
