# SPDX-License-Identifier: Apache-2.0
"""The step delete-providers: what nova left in placement, children before their parents."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from nova_decom.model.host import HostIdentity
from nova_decom.model.host_slice import Memory, host_facts
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.steps.delete_providers import DeleteProviders, stuck_providers
from tests.unit import build
from tests.unit.build import CHILD, NODE, allocation, facts, ghost, provider, request
from tests.unit.fake import FakeCloud
from tests.unit.world import World

STEP = DeleteProviders()
ROOT, DEEP = provider(), provider("deep", "node1_pci_1", NODE, "child")
OTHER = provider("twin", "node1_numa", NODE, NODE)
OLD = provider("old", "node1", root="old")
#: what is the case, providers, allocations, uuids in the order of their going
TABLE = [
    ("none", (), (), []),
    ("a root", (ROOT,), (), [NODE]),
    ("a tree", (ROOT, CHILD), (), ["child", NODE]),
    ("a deep tree", (ROOT, CHILD, DEEP), (), ["deep", "child", NODE]),
    ("a wide tree", (ROOT, CHILD, OTHER), (), ["child", "twin", NODE]),
    ("two trees", (OLD, ROOT, CHILD), (), ["child", "old", NODE]),
    ("an allocation on the root", (ROOT,), (allocation(),), []),
    ("on the root of a tree", (ROOT, CHILD), (allocation(),), ["child"]),
    ("on the child", (ROOT, CHILD), (allocation("child"),), []),
    ("on one of two children", (ROOT, CHILD, OTHER), (allocation("child"),), ["twin"]),
    ("in the depth", (ROOT, CHILD, DEEP, OTHER), (allocation("deep"),), ["twin"]),
    ("two of one tree", (ROOT, CHILD, DEEP), (allocation("deep"), allocation("child", "b")), []),
    ("on the other tree", (OLD, ROOT, CHILD), (allocation("old"),), ["child", NODE]),
]
EACH = pytest.mark.parametrize(
    ("providers", "allocations", "order"), [pytest.param(*rest, id=case) for case, *rest in TABLE]
)


@EACH
def test_children_go_before_their_parents_and_stuck_ones_stay(providers, allocations, order):
    """With an allocation, placement keeps a provider and all those above it."""
    state = ghost(providers=providers, allocations=allocations)

    assert [(c.step, c.action, c.target) for c in STEP.changes(state)] == [
        ("delete-providers", "delete", uuid) for uuid in order
    ]
    assert stuck_providers(state) == {p.uuid for p in providers} - set(order)


@EACH
def test_the_order_is_that_of_the_tree_and_not_of_the_list(providers, allocations, order):
    """However placement sorts them."""
    for shuffled in itertools.permutations(providers):
        found = [
            c.target for c in STEP.changes(ghost(providers=shuffled, allocations=allocations))
        ]

        assert set(found) == set(order)
        for below in (p for p in providers if p.parent in found and p.uuid in found):
            assert found.index(below.uuid) < found.index(below.parent)


@EACH
def test_placement_lets_each_go_in_that_order(providers, allocations, order):
    """No call meets a provider that has children or allocations."""
    world = World(ghost(providers=providers, allocations=allocations))
    state = world.truth
    for change in tuple(STEP.changes(state)):
        STEP.apply(change, FakeCloud(world), world.truth)
        state = STEP.after(change, state)

        assert world.truth == state
    assert world.writes == ["provider"] * len(order)


def test_while_the_service_is_there_they_are_novas_to_delete():
    """Nova needs the provider for its own delete."""
    assert list(STEP.changes(facts(providers=(ROOT, CHILD)))) == []


def test_the_plan_names_each_provider():
    """By uuid, and by the name that a reader knows."""
    (change,) = STEP.changes(ghost())

    assert change.detail == f"DELETE /resource_providers/{NODE} (node1)"


def test_only_the_provider_goes():
    """Nothing else changes by it."""
    state = ghost(providers=(ROOT, CHILD))
    change, _ = STEP.changes(state)

    assert STEP.after(change, state) == replace(state, providers=(ROOT,))


FOREIGN = (
    provider("node-of-node2", "node2"),
    provider("storage", "shared storage"),
    provider("agent", "node1:Open vSwitch agent"),
    provider("below-2", "node1", root="node-of-node2", parent="node-of-node2"),
    provider("prefix", "node11"),
    provider("capitals", "NODE1"),
)


def test_foreign_providers_never_go():
    """Other hosts', other services', other spellings; and what is below another's root."""
    view = CloudSnapshot(
        compute_nodes=(build.node("node2", uuid="node-of-node2"),),
        providers=(*FOREIGN, ROOT, CHILD),
    )
    memory = Memory(HostIdentity(frozenset({NODE, "node-of-node2"}), frozenset({"node1"})))
    state = host_facts(view, "node1", request(), memory)

    assert [c.target for c in STEP.changes(state)] == ["child", NODE]


def test_a_parent_that_was_not_read_ends_the_way_up():
    """A tree that changes while it is read does not keep anybody busy for ever."""
    circle = (provider("a", "a", NODE, "b"), provider("b", "b", NODE, "a"))
    orphan = provider("orphan", "node1_gone", NODE, "never seen")

    assert {c.target for c in STEP.changes(ghost(providers=circle))} == {"a", "b"}
    assert [c.target for c in STEP.changes(ghost(providers=(ROOT, orphan)))] == ["orphan", NODE]
    assert stuck_providers(ghost(providers=circle, allocations=(allocation("a"),))) == {"a", "b"}
