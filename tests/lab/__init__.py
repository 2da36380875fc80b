# SPDX-License-Identifier: Apache-2.0
"""A real Nova control plane on this machine: for the tests, the demo and `python -m tests.lab`."""

from tests.lab.errors import LabError
from tests.lab.lab import Lab

__all__ = ["Lab", "LabError"]
