# SPDX-License-Identifier: Apache-2.0
"""Whether a host of the same name can join the cloud again."""

from __future__ import annotations

import pytest

from nova_decom.model.plan import Condition, Met, ReAdd
from nova_decom.model.request import Rows
from nova_decom.model.rows import AggregateHostRow, DatabaseFacts, HostMappingRow
from nova_decom.plan.planner import make_plan
from nova_decom.registrars.project import Records
from nova_decom.verify.readd import NOT_OURS, safe_to_readd
from nova_decom.verify.verify import verify
from tests.unit import build
from tests.unit.build import absent, database, facts, history, node_row, provider, request
from tests.unit.states import ALL_STATES

MAPPING = HostMappingRow(7, "uuid-of-cell1")
#: what is the case, facts, words of each reason
TABLE = [
    ("nothing", absent(), []),
    ("no database", absent(database=None), ["not all databases were read"]),
    (
        "not every cell",
        absent(database=DatabaseFacts(all_cells=False)),
        ["not all databases were read"],
    ),
    ("history as nova writes it", history(), []),
    ("a dead agent", absent(agents=(build.agent(),)), []),
    (
        "a membership, which the new host finds again",
        absent(
            aggregates=(build.aggregate(),),
            database=DatabaseFacts(aggregate_hosts=(AggregateHostRow(31, 5),)),
        ),
        [],
    ),
    ("another binary, which stays", absent(other_services=[build.conductor()]), []),
    (
        "registered",
        facts(providers=()),
        ["nova-compute is still registered under this name"],
    ),
    (
        "registered, soft-deleted rows beside it still mapped",
        facts(
            providers=(),
            database=database(compute_nodes=(node_row(), node_row(7, deleted=7, mapped=1))),
        ),
        ["nova-compute is still registered", "compute_nodes 7 is soft-deleted and still mapped"],
    ),
    ("a provider", absent(providers=(provider("old"),)), ["resource provider old has the name"]),
    (
        "another host's provider",
        absent(same_name_providers=(provider("alien"),)),
        ["resource provider alien of another host has the name node1"],
    ),
    ("a tree, told once", absent(providers=(provider(), build.CHILD)), [build.NODE]),
    (
        "two providers",
        absent(providers=(provider(), provider("old", "node1.example.org"))),
        [build.NODE, "resource provider old has the name node1.example.org"],
    ),
    (
        "a mapping",
        absent(database=DatabaseFacts(host_mapping=MAPPING)),
        ["a host mapping leads to cell uuid-of-cell1"],
    ),
    (
        "a live row without service",
        absent(database=DatabaseFacts(compute_nodes=(node_row(),))),
        ["compute_nodes 8 exists without a service"],
    ),
    (
        "soft-deleted and still mapped",
        absent(database=DatabaseFacts(compute_nodes=(node_row(deleted=8, mapped=1),))),
        ["compute_nodes 8 is soft-deleted and still mapped"],
    ),
    (
        "rows of other hosts",
        absent(
            database=DatabaseFacts(
                compute_nodes=(
                    node_row(9, host="node2"),
                    node_row(10, host="NODE1", deleted=10, mapped=1),
                )
            )
        ),
        [],
    ),
    (
        "all of it",
        absent(
            providers=(provider(),),
            database=DatabaseFacts(
                host_mapping=MAPPING,
                compute_nodes=(node_row(), node_row(7, deleted=7, mapped=1)),
            ),
        ),
        ["resource provider", "a host mapping", "compute_nodes 8", "compute_nodes 7"],
    ),
]


@pytest.mark.parametrize(
    ("state", "reasons"), [pytest.param(s, r, id=case) for case, s, r in TABLE]
)
def test_safe_to_readd(state, reasons):
    """Each obstacle is named by a condition that is not met, or not known to be."""
    answer = safe_to_readd(state)

    found = [c for c in answer.open if c.name != "message-queue"]
    details = "; ".join(c.detail for c in found)
    assert bool(found) is bool(reasons)
    assert all(words in details for words in reasons)
    assert (answer.answer == "no") is any(c.met is Met.NOT_MET for c in found)


def test_the_answer_is_the_worst_of_the_conditions():
    """A condition that nobody has looked at is no yes."""
    met, unknown, no = (
        Condition("name", m, "detail") for m in (Met.MET, Met.UNKNOWN, Met.NOT_MET)
    )

    assert ReAdd((met,)).answer == "yes"
    assert ReAdd((met, unknown)).answer == "unknown"
    assert ReAdd((no, unknown, met)).answer == "no"


def test_the_queue_that_is_not_read_is_unknown():
    """With the two commands that list and delete it."""
    (queue,) = (c for c in safe_to_readd(absent()).open if c.name == "message-queue")

    assert queue.met is Met.UNKNOWN
    assert "compute-alt.node1" in queue.detail
    assert "rabbitmqctl list_queues" in queue.remedy
    for name in ("compute.node1", "compute-alt.node1"):
        assert f"rabbitmqctl delete_queue -p VHOST {name}" in queue.remedy


def test_the_name_of_a_host_is_no_command_of_the_shell():
    """The remedy is pasted into a root shell."""
    (queue,) = (c for c in safe_to_readd(absent("a;b")).open if c.name == "message-queue")

    assert queue.remedy.endswith("delete_queue -p VHOST 'compute-alt.a;b'")


EVACUATED = build.migration(type="evacuation", status="done", server="lost")


def test_open_evacuations_name_the_servers_and_the_cure():
    """A server that moves back is destroyed at the second start of a new nova-compute."""
    answer = safe_to_readd(absent(evacuations=(EVACUATED, EVACUATED)))

    (condition,) = (c for c in answer.open if c.name == "evacuations")
    assert answer.answer == "no"
    assert condition.detail.count("lost") == 1
    assert "start nova-compute of the new node1 twice" in condition.remedy


@pytest.mark.parametrize("found", ["cinder", "masakari", "blazar"])
def test_a_project_that_is_not_read_is_unknown(found):
    """Each one that the catalogue has, by name, with the host to look for."""
    unread = Records(is_there=True, error="HTTP 503")
    answer = safe_to_readd(absent(registrars={found: unread}))

    (condition,) = (c for c in answer.open if c.name == found)
    assert condition.met is Met.UNKNOWN
    assert "node1" in condition.detail
    assert "node1" in condition.remedy
    assert "HOST" not in condition.detail + condition.remedy


@pytest.mark.parametrize("state", ALL_STATES.values(), ids=ALL_STATES)
def test_a_plan_that_leaves_nothing_makes_the_name_free(state):
    """Removed means that the same name can come back; what stays in the way is a leftover.

    Without a database nobody can say so.
    """
    plan = make_plan(state)

    if not plan.leftovers and state.database is not None:
        assert [c.name for c in safe_to_readd(plan.result).open] == ["message-queue"]


@pytest.mark.parametrize(
    "asked", [request(), request(rows=Rows.KEEP)], ids=["rows purged", "rows kept"]
)
def test_rows_may_stay_without_being_in_the_way(asked):
    """A host that was removed as asked can come back either way."""
    assert safe_to_readd(make_plan(facts(request=asked)).result).answer == "unknown"


def test_verify_answers_it_and_names_what_nobody_looked_at():
    """With the report of a host, clean or not."""
    clean, left = verify(absent(was_known=True)), verify(facts())

    assert (clean.readd.answer, left.readd.answer) == ("unknown", "no")
    assert clean.unchecked == left.unchecked == NOT_OURS
