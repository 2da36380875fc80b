# SPDX-License-Identifier: Apache-2.0
"""The lab with two cells. A module that imports `lab` from here runs on it, fixtures and all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.lab.cells import default_computes
from tests.lab.layout import Layout

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """node1 and node2 in cell1, node1-cell2 and node2-cell2 in cell2, beside the other lab.

    One that ran before goes on running afterwards.
    """
    other = Path(os.environ.get("NOVA_DECOM_LAB", CHECKOUT / ".lab"))
    root = other.with_name(f"{other.name}-cells2")
    lab = Lab(root, cells=2, cache=Layout.of(other).cache_root)
    ran_before = bool(lab.processes.running())
    lab.up(computes=default_computes(2, 2))
    yield lab
    if not ran_before:
        lab.down()
