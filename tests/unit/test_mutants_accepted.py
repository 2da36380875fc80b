# SPDX-License-Identifier: Apache-2.0
"""The list of mutants that may survive is about the code as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import ACCEPTED, CHECKOUT, before

BLOCKS = ACCEPTED.read_text("utf-8").strip().split("\n\n")


def source(place):
    """The file of a function, its lines without their indentation."""
    parts = place.split(".")
    paths = (Path(CHECKOUT, "nova_decom", *parts[:n]).with_suffix(".py") for n in (1, 2))
    path = next(p for p in paths if p.is_file())
    return [line.strip() for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n", 1)[0])
def test_a_survivor_is_a_change_of_a_line_that_is_there(block):
    """Whoever changes the line has to look at the mutant again."""
    place, *changes = before(block).splitlines()
    was = [line.removeprefix("- ") for line in changes if line.startswith("- ")]
    now = [line.removeprefix("+ ") for line in changes if line.startswith("+ ")]

    assert set(was) <= set(source(place))
    assert was != now


def test_no_survivor_is_accepted_twice():
    """One reason is enough."""
    assert len({before(block) for block in BLOCKS}) == len(BLOCKS)


def test_a_survivor_without_a_reason_is_none_that_is_accepted():
    """The list is for reasons."""
    with pytest.raises(SystemExit, match="no reason"):
        before("guards.judge\n- a\n+ b")
