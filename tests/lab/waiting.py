# SPDX-License-Identifier: Apache-2.0
"""Every wait of the lab: bounded, and saying what was waited for."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.errors import failure

POLL = 0.15


def wait_until(
    check: Callable[[], bool], *, timeout: float, what: str, log: Path | None = None
) -> None:
    """Return as soon as `check` is true; raise LabError when `timeout` seconds are over."""
    deadline = time.monotonic() + timeout
    while not check():
        if time.monotonic() > deadline:
            raise failure(f"waited {timeout:.0f} s for {what}", log)
        time.sleep(POLL)
