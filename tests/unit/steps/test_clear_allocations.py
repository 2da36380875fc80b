# SPDX-License-Identifier: Apache-2.0
"""The step clear-allocations: what belongs to nothing here lets go of the host, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.model.cloud import Owner
from nova_decom.steps.clear_allocations import STALE, ClearAllocations
from tests.unit.build import CHILD, NODE, absent, allocation, facts, provider
from tests.unit.fake import FakeCloud
from tests.unit.states import LEFT_BEHIND, stale
from tests.unit.world import World

STEP = ClearAllocations()
TREE = (provider(), CHILD)


@pytest.mark.parametrize(
    ("state", "consumers"),
    [
        (facts(), []),
        (absent(), []),
        (facts(allocations=(allocation(),)), []),
        (facts(allocations=(stale(Owner.FOREIGN),)), []),
        (facts(allocations=(stale(Owner.ELSEWHERE),)), ["of-elsewhere"]),
        (facts(allocations=(stale(Owner.MIGRATION),)), ["of-migration"]),
        (facts(allocations=(stale(Owner.NOTHING),)), ["of-nothing"]),
        (LEFT_BEHIND["nobody's allocation on two"], ["of-nothing"]),
        (
            facts(allocations=(stale(Owner.NOTHING), allocation(), stale(Owner.MIGRATION))),
            ["of-nothing", "of-migration"],
        ),
    ],
    ids=[
        "none",
        "no provider",
        "a server that is here",
        "not nova's",
        "a server elsewhere",
        "a migration that is over",
        "a deleted server",
        "a deleted server, on two providers",
        "several",
    ],
)
def test_consumers_without_a_right_are_released(state, consumers):
    """Each once; what is here by right, or is not nova's, is left alone."""
    assert [(c.step, c.action, c.target) for c in STEP.changes(state)] == [
        ("clear-allocations", "release", consumer) for consumer in consumers
    ]


def test_every_owner_has_a_place():
    """A new kind of owner has to be thought of: here by right and foreign ones stay."""
    assert set(Owner) - STALE == {Owner.HERE, Owner.ARRIVING, Owner.BUSY, Owner.FOREIGN}


@pytest.mark.parametrize(
    ("owner", "who"),
    [
        (Owner.ELSEWHERE, "a server that is not on this host"),
        (Owner.MIGRATION, "a migration that is over"),
        (Owner.NOTHING, "nothing that nova knows"),
    ],
)
def test_the_plan_says_whose_it_is(owner, who):
    """With the call, and what it takes out."""
    (change,) = STEP.changes(facts(allocations=(stale(owner),)))

    assert change.detail == f"PUT /allocations/of-{owner} without {NODE} (consumer: {who})"


def test_the_plan_names_every_provider_that_is_let_go():
    """Of a tree, root and child."""
    (change,) = STEP.changes(LEFT_BEHIND["nobody's allocation on two"])

    assert f" without {NODE}, child (" in change.detail


def test_only_the_consumer_lets_go():
    """All it holds of the host, in one call; others keep theirs."""
    state = facts(
        providers=TREE,
        allocations=(stale(Owner.NOTHING), stale(Owner.NOTHING, of="child"), allocation()),
    )
    (change,) = STEP.changes(state)

    assert STEP.after(change, state) == replace(state, allocations=(allocation(),))


def test_the_consumer_is_released_from_the_providers_of_this_host_only():
    """The call names them all and none of another host."""
    world = World(LEFT_BEHIND["nobody's allocation on two"])
    state = world.truth
    (change,) = STEP.changes(state)

    assert STEP.apply(change, FakeCloud(world), state) == "req-1"
    assert (world.writes, world.truth.allocations) == (["release"], ())
