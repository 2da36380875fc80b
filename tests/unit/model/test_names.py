# SPDX-License-Identifier: Apache-2.0
"""Host names that may mean the same machine."""

from __future__ import annotations

import pytest

from nova_decom.model.names import other_spellings, same_machine


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("node1", "node1", True),
        ("node1", "NODE1", True),
        ("node1", "node1.example.org", True),
        ("node1.example.net", "Node1.example.org", True),
        ("node1", "node10", False),
        ("node1", "node", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10", "10.example.org", True),
    ],
)
def test_names_differ_by_case_or_domain_only(one, other, same):
    """Addresses have no domain; a longer name is another machine."""
    assert same_machine(one, other) is same
    assert same_machine(other, one) is same


def test_other_spellings_leave_out_the_name_itself():
    """Sorted, each once."""
    names = ["node1", "node2", "node1.b", "node1.a", "node1.a"]

    assert other_spellings("node1", names) == ("node1.a", "node1.b")
