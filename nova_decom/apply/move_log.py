# SPDX-License-Identifier: Apache-2.0
"""What is written down of each server that moves, and shown of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from nova_decom.apply.change_runner import ChangeRunner
from nova_decom.apply.observers import MoveProgress
from nova_decom.clock import Clock
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.cloud import Server
from nova_decom.moves.status import MoveInProgress


@dataclass(slots=True)
class MoveHistory:
    """One server over all attempts to move it.

    ``before`` is what it was when it first began to move, ``avoid`` the host on which that
    failed and ``why`` how; ``is_asked`` when nova was asked for anything.
    """

    since: float
    before: Server | None = None
    avoid: str | None = None
    why: str = ""
    refusals: int = 0
    is_asked: bool = False
    request_id: str | None = None


@dataclass(slots=True)
class MoveLog:
    """The stories of the servers of one host; each begins once and ends once."""

    host: str
    changes: ChangeRunner
    clock: Clock
    since: float
    stories: dict[str, MoveHistory] = field(default_factory=dict)
    moved: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def story(self, change: Change) -> MoveHistory:
        """The story of the server; the first time, it begins."""
        if change.target not in self.stories:
            self.stories[change.target] = MoveHistory(self.clock.now())
            self.changes.begin(change)
        return self.stories[change.target]

    def end(
        self, change: Change, status: Status, *, to: str | None = None, error: str | None = None
    ) -> None:
        """The story ends; when the server comes back, a new one begins."""
        story = self.stories.pop(change.target)
        seconds = self.clock.now() - story.since
        if status is Status.DONE:
            self.moved += 1
        if status is Status.FAILED and error is not None:
            self.failed[change.target] = error
        outcome = Outcome(
            change, status, story.request_id, error, begun=story.is_asked, seconds=seconds, to=to
        )
        self.changes.end(outcome)

    def fail(self, change: Change, why: str) -> None:
        """It could not be moved; an earlier failure is told with it."""
        earlier = self.stories[change.target].why
        self.end(change, Status.FAILED, error=f"{earlier}; then: {why}" if earlier else why)

    def give_up(self, changes: list[Change]) -> None:
        """What has begun is left as it is."""
        for change in changes:
            if change.target in self.stories:
                self.end(change, Status.PENDING)

    def note(self, server: str, what: str) -> None:
        """Something worth to be known of a server."""
        self.changes.journal.event("note", host=self.host, what=f"{server}: {what}")

    def show(self, flights: tuple[MoveInProgress, ...], queued: int) -> None:
        """Tell how all of them stand."""
        left, now = queued + len(flights), self.clock.now()
        self.changes.progress.moves(
            MoveProgress(self.host, flights, self.moved, left, len(self.failed), now, self.since)
        )
