# SPDX-License-Identifier: Apache-2.0
"""Ansible as an operator has it: its own environment, the collection installed."""

from pathlib import Path

import pytest

from tests.ansible.environment import ansible, install_collection
from tests.cli.conftest import decom, hosts, lab, snapshot

__all__ = ["decom", "hosts", "lab", "snapshot"]


@pytest.fixture(scope="session")
def programs() -> Path:
    """The directory of ansible's programs."""
    return ansible()


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, where Ansible finds it by its name."""
    return install_collection(tmp_path_factory.mktemp("collections"))
