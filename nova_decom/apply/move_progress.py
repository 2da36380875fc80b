# SPDX-License-Identifier: Apache-2.0
"""The progress of live migrations that take long, read one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from nova_decom.clock import Clock
from nova_decom.errors import UnavailableError
from nova_decom.model.step import Cloud
from nova_decom.moves.status import MoveInProgress

#: Seconds after which the progress of a live migration is read: most are over before.
SLOW_AFTER = 10.0


@dataclass(slots=True)
class ProgressReader:
    """Reads the progress of one live migration at each call: of the one that waits longest."""

    cloud: Cloud
    clock: Clock
    _read: dict[str, float] = field(default_factory=dict)

    def read_one(self, moves: Iterable[MoveInProgress]) -> None:
        """Keep the progress in the move; nova may have none, or not answer."""
        now = self.clock.now()
        slow = [m for m in moves if m.is_live and now - m.began > SLOW_AFTER]
        if slow:
            move = min(slow, key=lambda m: self._read.get(m.id, 0.0))
            self._read[move.id] = now
            with suppress(UnavailableError):
                move.progress = self.cloud.live_progress(move.id) or move.progress
