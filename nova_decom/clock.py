# SPDX-License-Identifier: Apache-2.0
"""The monotonic clock that every wait uses; a test replaces it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

LONG_AGO = float("-inf")


@dataclass(frozen=True, slots=True)
class Clock:
    """A monotonic clock in seconds and the way to let time pass."""

    now: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)
