# SPDX-License-Identifier: Apache-2.0
"""The lab as the pages want it: the tutorial's three hosts, and nothing of an earlier page."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import lab

__all__ = ["lab"]


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.lab)
