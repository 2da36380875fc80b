# SPDX-License-Identifier: Apache-2.0
"""Resource providers that were deleted are put back with what they had, and nothing twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.model.report import Result
from nova_decom.restore.executor import RestoreExecutor
from nova_decom.restore.plan import plan_restore
from tests.unit import build
from tests.unit.build import NODE
from tests.unit.fake import FakeJournal
from tests.unit.removed import (
    BEFORE,
    CELL_ROWS,
    SERVICE_ROW,
    FakeRestoringCloud,
    images,
    past,
    present,
    saved_tree,
    without_databases,
)

VCPU = {"total": 8, "reserved": 0, "min_unit": 1, "max_unit": 8, "step_size": 1}
ROOT = {
    "uuid": NODE,
    "name": "node1",
    "generation": 7,
    "parent_provider_uuid": None,
    "root_provider_uuid": NODE,
    "inventories": {"VCPU": VCPU | {"allocation_ratio": 4.0}},
    "traits": ["COMPUTE_NODE", "COMPUTE_STATUS_DISABLED", "CUSTOM_RACK_7"],
    "aggregates": ["of-fast"],
}
CHILD = ROOT | {
    "uuid": "child",
    "name": "node1_pci",
    "parent_provider_uuid": NODE,
    "inventories": {"CUSTOM_GPU": VCPU},
    "traits": [],
    "aggregates": [],
}
GRANDCHILD = CHILD | {"uuid": "deep", "name": "node1_deep", "parent_provider_uuid": "child"}
#: The children come first, as in a list without order.
SAVED = [*images(**CELL_ROWS), *saved_tree(GRANDCHILD, CHILD, ROOT)]
TREE = {p["uuid"]: p for p in (ROOT, CHILD, GRANDCHILD)}


def changes(now, **what):
    """Action and target of each change of the step."""
    plan = plan_restore(past(**{"saved": SAVED} | what), now)
    return [(c.action, c.target) for c in plan.changes if c.step == "restore-providers"]


def test_the_tree_comes_back_with_its_parts_parents_first():
    """After the rows and before the aggregates, which nova mirrors into placement."""
    cloud, journal = FakeRestoringCloud(), FakeJournal()
    host = past(saved=SAVED)

    report = RestoreExecutor(cloud, journal).run(host, plan_restore(host, cloud.now))

    assert (report.result, report.exit_code) == (Result.RESTORED, 0)
    assert cloud.writes[2:] == [
        *("create node1", f"traits of {NODE}", f"aggregates of {NODE}", f"inventories of {NODE}"),
        *("create node1_pci", "inventories of child", "create node1_deep", "inventories of deep"),
        "add node1 to 5",
    ]
    traits = ["COMPUTE_NODE", "CUSTOM_RACK_7"]
    assert cloud.now.providers == {
        uuid: p | {"generation": 1 if p["parent_provider_uuid"] else 3}
        for uuid, p in (TREE | {NODE: ROOT | {"traits": traits}}).items()
    }
    assert plan_restore(host, cloud.now).changes == ()
    assert not [thing for thing in report.to_do if "resource provider" in thing]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (TREE, []),
        (
            {NODE: ROOT | {"traits": ["COMPUTE_NODE"]}, "child": CHILD, "deep": GRANDCHILD},
            [("traits", NODE)],
        ),
        (
            {
                NODE: ROOT | {"traits": ["CUSTOM_RACK_7", "CUSTOM_NEW"]},
                "child": CHILD,
                "deep": GRANDCHILD,
            },
            [],
        ),
        (
            {NODE: ROOT | {"aggregates": ["new"]}, "child": CHILD, "deep": GRANDCHILD},
            [("aggregates", NODE)],
        ),
        (
            {
                NODE: ROOT | {"inventories": {"MEMORY_MB": VCPU}},
                "child": CHILD,
                "deep": GRANDCHILD,
            },
            [],
        ),
        ({NODE: ROOT, "child": CHILD}, [("create", "deep"), ("inventories", "deep")]),
    ],
    ids=["all", "a trait", "more traits", "an aggregate", "other inventory", "a child"],
)
def test_only_what_is_missing_is_put_back(now, expected):
    """What nova-compute has set since, or somebody else, stays."""
    assert changes(present(providers=now)) == expected


def test_what_somebody_added_since_is_kept():
    """Placement replaces a list as a whole, at the generation that was read."""
    now = present(providers=TREE | {NODE: ROOT | {"aggregates": ["new"]}})

    (change,) = [
        c for c in plan_restore(past(saved=SAVED), now).changes if c.step == "restore-providers"
    ]

    assert change.call.path == f"/resource_providers/{NODE}/aggregates"
    assert change.call.body == {
        "aggregates": ["new", "of-fast"],
        "resource_provider_generation": 7,
    }
    assert change.call.text in change.detail


@pytest.mark.parametrize(
    ("now", "what"),
    [
        (without_databases(), {}),
        (present(), {"saved": [*images(services=[SERVICE_ROW]), *saved_tree(ROOT)]}),
        (present(), {"saved": images(**CELL_ROWS)}),
        (present(), {"before": replace(BEFORE, providers=())}),
    ],
    ids=["no databases", "the node does not come back", "not saved", "made by the run"],
)
def test_a_provider_without_its_compute_node_would_block_the_next_one(now, what):
    """nova-compute creates its own; under another uuid it could not have the name."""
    assert changes(now, **what) == []


def test_a_tree_whose_name_is_taken_is_left_over():
    """With what is there; its children have no parent."""
    taken = build.absent(providers=(build.provider("new", "node1"),))

    plan = plan_restore(past(saved=SAVED), present(facts=taken))

    assert changes(present(facts=taken)) == []
    (left,) = [x for x in plan.leftovers if x.kind == "resource-provider"]
    assert (left.target, left.detail) == (NODE, "its name node1 is that of resource provider new")


def test_a_second_image_of_a_provider_does_not_count():
    """Nova had taken its aggregates when the run itself deleted it."""
    later = saved_tree(ROOT | {"aggregates": []})

    assert past(saved=[*SAVED, *later]).trees[-1] == ROOT


def test_objects_that_an_older_version_saved_are_no_trees():
    """Their parts were saved one by one."""
    (old,) = saved_tree({"uuid": NODE, "name": "node1"})

    assert past(saved=[old]).trees == ()
