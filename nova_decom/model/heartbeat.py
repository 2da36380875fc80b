# SPDX-License-Identifier: Apache-2.0
"""The heartbeat of a service, as the readings of one run show it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Seconds between two beats above which the service was restarted meanwhile: that is no interval.
LONGEST_GAP = 240.0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The readings of one service's heartbeat; ``since`` and ``until`` of a monotonic clock.

    ``value`` is the counter of the database, ``updated_at`` the API's. ``gap`` is the longest
    time between two beats that the run has seen, of this or of any other living service.
    """

    service: str
    binary: str
    value: str
    since: float
    until: float
    moved: bool = False
    updated_at: str = ""
    gap: float = 0.0
    #: Beats from before the end of the process that readings may still show; None while it is not
    #: proved that the process has ended.
    late_beats: int | None = None
    #: The connection that reads the counters has shown a new one of another service since then.
    sees_new_rows: bool = True

    @property
    def still_for(self) -> float:
        """Seconds for which the values are proved not to have changed."""
        return self.until - self.since

    @property
    def has_ended(self) -> bool:
        """True when the process was proved to have ended, and no beat has contradicted it."""
        return self.late_beats is not None

    def noted(self, *, ended: bool) -> Heartbeat:
        """The heartbeat of a process that was just seen to have ended, or to run.

        One beat may have come between the last reading and its end.
        """
        return replace(self, late_beats=1 if ended else None)

    def seen(self, value: str, begun: float, ended: float, updated_at: str = "") -> Heartbeat:
        """The heartbeat after one more reading, which began and ended then."""
        if (value, updated_at) == (self.value, self.updated_at):
            return replace(self, until=max(begun, self.until))
        return replace(
            self,
            value=value,
            updated_at=updated_at,
            since=ended,
            until=ended,
            moved=True,
            late_beats=self.late_beats - 1 if self.late_beats else None,
            gap=max(self.gap, self.still_for if self.still_for <= LONGEST_GAP else 0.0),
        )
