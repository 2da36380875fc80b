# SPDX-License-Identifier: Apache-2.0
"""One change of the cloud as a value, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from nova_decom.model.api_call import ApiCall
from nova_decom.model.sql import Transaction


class Status(StrEnum):
    """The state of a change; one that is in progress goes on in nova when the run has ended."""

    PLANNED = "planned"
    DONE = "done"
    NOT_NEEDED = "not-needed"
    FAILED = "failed"
    PENDING = "pending"
    IN_PROGRESS = "in-progress"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the cloud as a value: the plan shows exactly what runs.

    ``label`` says in a few words what it is about, where that is not plain by its step.
    """

    step: str
    action: str
    target: str
    detail: str
    rows: int | None = None
    transaction: Transaction | None = field(default=None, compare=False)
    call: ApiCall | None = field(default=None, compare=False)
    only_waits: bool = field(default=False, compare=False)
    label: str | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str, str, int | None]:
        """The identity of the change: two changes with one key are the same change."""
        return (self.step, self.action, self.target, self.rows)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change and its status; ``begun`` when it was made, or may have been.

    ``seconds`` is how long it took, ``to`` the host on which a server has arrived.
    """

    change: Change
    status: Status
    request_id: str | None = None
    error: str | None = None
    begun: bool = False
    seconds: float | None = None
    to: str | None = None
