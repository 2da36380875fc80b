# SPDX-License-Identifier: Apache-2.0
"""Questions to placement, and its answers."""

from __future__ import annotations

import pytest

from nova_decom.clients.openstack.placement import Placement
from nova_decom.model.resource_query import ResourceQuery

SUMMARIES = {
    "n2": {"root_provider_uuid": "n2"},
    "n2-gpu": {"root_provider_uuid": "n2"},
    "n3": {},
    "n4": {"root_provider_uuid": "n4"},
}


class Answers:
    """Placement with this answer; None where it refuses the question."""

    def __init__(self, *requests, refuses=False):
        """Providers of each request that it offers."""
        offered = [{"allocations": {provider: {} for provider in r}} for r in requests]
        body = {"allocation_requests": offered, "provider_summaries": SUMMARIES}
        self.body, self.asked = None if refuses else body, None

    def find(self, service, path, wanted, **params):
        """The candidates."""
        assert (service, path, wanted) == ("placement", "/allocation_candidates", "1.29")
        self.asked = params
        return self.body


ALL = ResourceQuery((("MEMORY_MB", 512), ("VGPU", 1)), ("A", "B"), ("C",))
GPU = ResourceQuery((("VGPU", 1),))


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (GPU, {"resources": "VGPU:1"}),
        (ALL, {"resources": "MEMORY_MB:512,VGPU:1", "required": "A,B,!C"}),
    ],
)
def test_resources_and_traits_are_asked_for(query, asked):
    """Forbidden ones too."""
    answers = Answers()

    assert Placement(answers).roots_with(query) == frozenset()
    assert answers.asked == asked


def test_the_roots_of_the_trees_that_have_them():
    """A child's root, and a root that placement names as none; those not offered are left out."""
    answers = Answers(("n2", "n2-gpu"), ("n3",))

    assert Placement(answers).roots_with(GPU) == {"n2", "n3"}


def test_a_question_that_placement_refuses_has_no_answer():
    """A trait that it does not know, or an old placement."""
    assert Placement(Answers(refuses=True)).roots_with(GPU) is None


@pytest.mark.parametrize(("version", "unused"), [("1.29", {"empty"}), ("1.28", set())])
def test_providers_of_which_nothing_is_used(version, unused):
    """In every class; a provider without inventory shows nothing, and is not among them."""
    summaries = {
        "empty": {"VCPU": {"used": 0, "capacity": 8}, "MEMORY_MB": {"used": 0, "capacity": 9}},
        "used": {"VCPU": {"used": 1, "capacity": 8}, "MEMORY_MB": {"used": 0, "capacity": 9}},
        "nothing": {},
    }

    class Summaries:
        """Placement with these."""

        def microversion(self, *_asked):
            """The version that it answers by."""
            return version

        def get(self, *asked, **params):
            """All of them."""
            assert (*asked, params) == (
                "placement",
                "/allocation_candidates",
                "1.29",
                {"resources": "MEMORY_MB:1"},
            )
            return {"provider_summaries": {u: {"resources": r} for u, r in summaries.items()}}

    assert Placement(Summaries()).unused() == unused
