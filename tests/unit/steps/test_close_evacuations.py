# SPDX-License-Identifier: Apache-2.0
"""The step close-evacuations: open records of evacuations from exactly this host."""

from __future__ import annotations

import pytest

from nova_decom.model.plan import Met
from nova_decom.steps.close_evacuations import CloseEvacuations
from nova_decom.verify.readd import safe_to_readd
from tests.unit.build import absent, database, facts, history, migration, request

STEP = CloseEvacuations()
CLOSE = request(close_evacuations=True)


def evacuation(number=1, **what):
    """An evacuation from the host that nova has not closed."""
    known = {"status": "done", "type": "evacuation", "cell": "cell1"}
    return migration(number, **known | what)


def state(*evacuations, of=absent, asked=CLOSE, **what):
    """A host with these evacuations, in its rows and among its facts."""
    rows = database(services=(), compute_nodes=(), evacuations=evacuations)
    return of(**{"database": rows, "evacuations": evacuations, "request": asked} | what)


@pytest.mark.parametrize(
    ("found", "targets"),
    [
        (state(evacuation(1), evacuation(2)), ["cell1: migrations 1 2"]),
        (
            state(evacuation(1), evacuation(1, uuid="u", cell="cell2")),
            ["cell1: migrations 1", "cell2: migrations 1"],
        ),
        (state(evacuation(), asked=request()), []),
        (state(evacuation(), of=facts), []),
        (state(evacuation(source="NODE1")), []),
        (state(evacuation(status="completed")), []),
        (state(evacuation(type="live-migration")), []),
        (state(evacuation(cell=None)), []),
        (state(evacuation(), database=None), []),
        (history(request=CLOSE), []),
    ],
    ids=[
        "two",
        "ids are of a cell only",
        "not asked for",
        "nova-compute is registered and does it",
        "of another spelling",
        "closed",
        "no evacuation",
        "from the API only",
        "no database",
        "none",
    ],
)
def test_open_evacuations_are_closed_cell_by_cell(found, targets):
    """By primary key, only as asked."""
    changes = list(STEP.changes(found))

    assert [c.target for c in changes] == targets
    assert [c.transaction.cell for c in changes] == [t.split(":")[0] for t in targets]


def test_the_transaction_saves_guards_and_counts_the_rows():
    """No nova-compute of the host may live, and no other row is touched."""
    (change,) = STEP.changes(state(evacuation(1), evacuation(2)))
    image, guard, write = change.transaction.statements

    assert image.is_image
    assert (image.rows, guard.rows, write.rows, change.rows) == (2, 0, 2, 2)
    assert "FROM services WHERE host = 'node1' AND `binary` = 'nova-compute'" in guard.text
    assert write.text == (
        "UPDATE migrations SET status = 'completed', updated_at = UTC_TIMESTAMP() "
        "WHERE id IN (1, 2) AND source_compute = 'node1' AND "
        "migration_type = 'evacuation' AND status = 'done'"
    )


def test_the_name_is_free_when_all_are_closed():
    """The plan foretells it; one that only the API shows stays open."""
    before = state(evacuation(1), evacuation(2, uuid="second", cell="cell2"))
    first, second = STEP.changes(before)
    half = STEP.after(first, before)
    done = STEP.after(second, half)

    def met(found):
        return next(c.met for c in safe_to_readd(found).conditions if c.name == "evacuations")

    assert [m.key for m in half.evacuations] == ["second"]
    assert (met(before), met(half), met(done)) == (Met.NOT_MET, Met.NOT_MET, Met.MET)
    assert list(STEP.changes(done)) == []
