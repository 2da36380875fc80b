# SPDX-License-Identifier: Apache-2.0
"""The record of each server that moves, and the progress of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nova_decom.apply.change_runner import ChangeRunner
from nova_decom.apply.observers import MoveProgress
from nova_decom.clock import Clock
from nova_decom.errors import ChangeFailedError
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.cloud import Server
from nova_decom.model.plan import counted
from nova_decom.moves.status import MoveInProgress


@dataclass(slots=True)
class MoveHistory:
    """One server over all attempts to move it; ``since`` is when the first one began.

    ``before`` is the server before that, ``avoid`` the host on which an attempt failed and
    ``why`` the reason; ``is_asked`` when a request was sent to nova.
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
    """The histories of the servers of one host; each begins once and ends once."""

    host: str
    changes: ChangeRunner
    clock: Clock
    since: float
    histories: dict[str, MoveHistory] = field(default_factory=dict)
    moved: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def history(self, change: Change) -> MoveHistory:
        """The history of the server; the first time, its change begins."""
        if change.target not in self.histories:
            self.histories[change.target] = MoveHistory(self.clock.now())
            self.changes.begin(change)
        return self.histories[change.target]

    def raise_if_failed(self) -> None:
        """Name the servers that could not be moved.

        :raises ChangeFailedError: there are any.
        """
        if self.failed:
            named = "; ".join(f"{server}: {why}" for server, why in self.failed.items())
            raise ChangeFailedError(
                f"{self.host}: {counted(len(self.failed), 'server')} could not be moved: {named}",
                "correct the cause for each server, then run again",
            )

    def end(
        self, change: Change, status: Status, *, to: str | None = None, error: str | None = None
    ) -> None:
        """End the history; when the server comes back, a new one begins."""
        history = self.histories.pop(change.target)
        seconds = self.clock.now() - history.since
        if status is Status.DONE:
            self.moved += 1
        if status is Status.FAILED and error is not None:
            self.failed[change.target] = error
        self.changes.end(
            Outcome(
                change,
                status,
                history.request_id,
                error,
                begun=history.is_asked,
                seconds=seconds,
                to=to,
            )
        )

    def fail(self, change: Change, why: str) -> None:
        """End the history of a server that could not be moved, with its earlier failure."""
        earlier = self.histories[change.target].why
        self.end(change, Status.FAILED, error=f"{earlier}; then: {why}" if earlier else why)

    def give_up(self, changes: Iterable[Change]) -> None:
        """End the histories that have begun as pending."""
        for change in changes:
            if change.target in self.histories:
                self.end(change, Status.PENDING)

    def note(self, server: str, what: str) -> None:
        """Write something about a server into the journal."""
        self.changes.journal.event("note", host=self.host, what=f"{server}: {what}")

    def show(self, moves: tuple[MoveInProgress, ...], queued: int) -> None:
        """Show the progress of all moves of the host."""
        left, now = queued + len(moves), self.clock.now()
        self.changes.progress.moves(
            MoveProgress(self.host, moves, self.moved, left, len(self.failed), now, self.since)
        )
