# SPDX-License-Identifier: Apache-2.0
"""The table of make matrix, whose tests are not part of make test."""

import pytest

from tests.matrix import releases
from tests.matrix.junit import Outcome


@pytest.mark.parametrize("node", [n for nodes in releases.SCENARIOS.values() for n in nodes])
def test_the_tests_of_each_scenario_are_there(node):
    """A test that got another name would be left out of the table."""
    file, _, name = node.partition("::")

    assert f"def {name or 'test_'}" in (releases.ROOT / file).read_text()


def test_the_table_counts_failures_and_what_did_not_run():
    """The node id of a test stands for each of its parameters."""
    tests = [
        Outcome("tests/cli/test_restore.py", "test_back[purge]", passed=True, seconds=2.0),
        Outcome("tests/cli/test_restore.py", "test_back[keep]", passed=False, seconds=1.0),
        Outcome("tests/cli/test_restore.py", "test_backwards", passed=True, seconds=9.0),
    ]
    found = [test for test in tests if test.is_of("tests/cli/test_restore.py::test_back")]
    shown = dict.fromkeys(releases.SCENARIOS, found[:1]) | {"drain": [], "restore": found}

    line = list(releases.table({"yoga": shown}))[-1]

    assert line == (
        "| yoga | 25.1.0 | 1 (2 s) | 1 (2 s) | none ran | 1 (2 s) | 1, 1 failed (3 s) |"
    )
