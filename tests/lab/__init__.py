# SPDX-License-Identifier: Apache-2.0
"""A real Nova control plane on this machine: for the tests, the demo and `python -m tests.lab`."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.errors import LabError
    from tests.lab.lab import Lab

__all__ = ["Lab", "LabError"]


def __getattr__(name: str) -> object:
    """Load what is asked for: `systemctl` of the hosts is in this package and starts often."""
    if name not in __all__:
        raise AttributeError(name)
    module = import_module("tests.lab.lab" if name == "Lab" else "tests.lab.errors")
    return getattr(module, name)
