# SPDX-License-Identifier: Apache-2.0
"""Rows of several cells, and names that SQL takes for the same."""

from __future__ import annotations

import pytest

from nova_decom.model.host import Fleet
from nova_decom.model.rows import folded
from tests.unit.build import database, node_row, pci_row, service_row


@pytest.mark.parametrize(
    "name",
    [
        "NODE1",
        "node1  ",
        "nodé1",
        "node1\N{ZERO WIDTH SPACE}",
        "\N{FULLWIDTH LATIN SMALL LETTER N}ode1",
    ],
)
def test_folded_names_are_the_same(name):
    """Case, blanks at the end, accents, invisible characters and widths make no other name."""
    assert folded(name) == folded("node1")


@pytest.mark.parametrize("name", ["node10", " node1", "node-1", "node1.example.org", "n"])
def test_other_names_stay_other_names(name):
    assert folded(name) != folded("node1")


def test_spellings_are_those_of_other_hosts():
    """The host itself is none of them."""
    fleet = Fleet(names=frozenset({"node1", "NODE1", "Node1", "node2"}))
    assert fleet.spellings("node1") == ("NODE1", "Node1")
    assert fleet.spellings("node2") == ()


def test_rows_of_a_cell():
    """Rows without cell are of the host's own; equal ids in two cells are two rows."""
    facts = database(
        services=(service_row(3), service_row(3, cell="cell2")),
        compute_nodes=(node_row(8, cell="cell3"),),
        pci_devices=(pci_row(9, cell="cell2"),),
        nodes_needed={"cell2": 1},
    )
    assert facts.cells == ("cell1", "cell2", "cell3")
    assert facts.of_cell("cell1").services == (service_row(3),)
    second = facts.of_cell("cell2")
    assert [r.cell for r in (*second.services, *second.pci_devices)] == ["cell2", "cell2"]
    assert (second.compute_nodes, second.nodes_needed) == ((), {"cell2": 1})
    assert facts.of_cell("cell3").nodes_needed == {}
