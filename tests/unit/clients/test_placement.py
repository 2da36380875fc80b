# SPDX-License-Identifier: Apache-2.0
"""Placement: what is saved before something is deleted is complete."""

from __future__ import annotations

from nova_decom.clients.openstack.placement import Placement
from nova_decom.model.api_call import TREE

BODIES = {
    f"{TREE}root": {"resource_providers": [{"uuid": "root", "generation": 3}, {"uuid": "child"}]},
    "/resource_providers/root/inventories": {"inventories": {"VCPU": {"total": 4}}},
    "/resource_providers/root/traits": {"traits": ["CUSTOM_X"]},
    "/resource_providers/root/aggregates": {"aggregates": ["a"]},
    "/resource_providers/child/inventories": {"inventories": {}},
    "/resource_providers/child/traits": {"traits": []},
    "/resource_providers/child/aggregates": {"aggregates": []},
    f"{TREE}gone": {"resource_providers": []},
    "/allocations/consumer": {"allocations": {}, "project_id": "p"},
}


class Api:
    """Answers with these bodies; ``asked`` are the paths in their order."""

    def __init__(self):
        """Nothing was asked yet."""
        self.asked = []

    def get(self, service, path, _wanted):
        """One body."""
        assert service == "placement"
        self.asked.append(path)
        return BODIES[path]


def test_a_tree_is_saved_with_the_parts_of_each_provider():
    """By one request for the tree and three for each of its providers."""
    api = Api()

    assert Placement(api).image(f"{TREE}root") == (
        {
            "uuid": "root",
            "generation": 3,
            "inventories": {"VCPU": {"total": 4}},
            "traits": ["CUSTOM_X"],
            "aggregates": ["a"],
        },
        {"uuid": "child", "inventories": {}, "traits": [], "aggregates": []},
    )
    assert len(api.asked) == 7


def test_a_tree_that_is_gone_has_no_image_and_allocations_have_one():
    """Nothing is asked for that is not there."""
    api = Api()

    assert Placement(api).image(f"{TREE}gone") == ()
    assert Placement(api).image("/allocations/consumer") == (BODIES["/allocations/consumer"],)
    assert len(api.asked) == 2
