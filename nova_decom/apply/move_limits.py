# SPDX-License-Identifier: Apache-2.0
"""The limits on moves of servers: several at once per host and per run, each with a bound."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from nova_decom.errors import WaitTimeoutError
from nova_decom.model.plan import counted

#: A move that failed is tried once more, on another host; so is a request that nova refused.
MOVE_ATTEMPTS = 2


class RunMoveLimit:
    """The limit on moves at once over all hosts of a run."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, int] = {}
        self._turn = threading.Lock()

    def grant(self, host: str, moving: int, wanted: int) -> int:
        """Reserve up to ``wanted`` moves for the host, beside its ``moving`` in progress."""
        with self._turn:
            others = sum(count for name, count in self._counts.items() if name != host)
            granted = max(0, min(wanted, self._most - others - moving))
            self._counts[host] = moving + granted
            return granted


@dataclass(frozen=True, slots=True)
class MoveLimits:
    """The moves at once per host, the bound of each in seconds, seconds between two polls.

    ``api_outage_limit`` is how long nova's API may give no answer while moves go on.
    """

    at_once: int = 4
    move_timeout: float = 3600.0
    every: float = 2.0
    api_outage_limit: float = 300.0
    total: RunMoveLimit | None = None
    #: True from the time on at which no move begins any more.
    is_late: Callable[[], bool] = field(default=lambda: False)

    def free_slots(self, host: str, moving: int, wanted: int) -> int:
        """How many of the ``wanted`` moves may begin beside the ``moving`` in progress."""
        room = min(wanted, self.at_once - moving)
        return room if self.total is None else self.total.grant(host, moving, max(0, room))

    def give_back(self, host: str) -> None:
        """Leave the moves of a host that has ended to the other hosts."""
        if self.total is not None:
            self.total.grant(host, moving=0, wanted=0)

    def bound(self, servers: int) -> float:
        """Seconds for all servers: each round and each attempt may take its time, one to spare."""
        rounds = -(-servers // self.at_once) + 1
        return rounds * MOVE_ATTEMPTS * self.move_timeout


def too_late(host: str, left: int) -> WaitTimeoutError:
    """The error of a host on which so many servers are left, and no move begins any more."""
    return WaitTimeoutError(
        f"{host}: {counted(left, 'server')} not moved, as it is later than --until; the host "
        "stays disabled",
        "run the same command again to move them",
    )
