# SPDX-License-Identifier: Apache-2.0
"""Looks at one host: each is as good as a new one until something is done, or it gets old.

The look that shows that a change was made is the look before the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.clock import LONG_AGO, Clock
from nova_decom.model.claim import EFFECTIVE_AFTER
from nova_decom.model.host import HostFacts
from nova_decom.model.request import PLANNED_PARTS, Part
from nova_decom.steps import Cloud

#: Seconds for which a look is good. A claim is to stand for longer than a run takes between its
#: look at the service and its own claim; this takes half of that.
FRESH = EFFECTIVE_AFTER / 2


#: Who is asked for these alone asks the host itself, by a connection of its own.
ALONE = frozenset({Part.UNIT})


#: The heartbeats are heard whenever these are read.
HEARD = frozenset({Part.SERVICES, Part.DATABASE})


#: What the rows of all cells tell too, and in one moment: the API tells migrations by one
#: status at a time, or host by host.
IN_ROWS = frozenset({Part.MIGRATIONS})


@dataclass(slots=True)
class FreshFacts:
    """The latest look at one host of a run."""

    cloud: Cloud
    clock: Clock
    together: WorkerSlots = field(default_factory=WorkerSlots)
    #: When the look began by which the plan was made, if the cloud still shows that one.
    planned: float = LONG_AGO
    _facts: HostFacts | None = None
    _parts: frozenset[Part] = frozenset()
    _begun: float = LONG_AGO
    _ended: float = LONG_AGO

    def __post_init__(self) -> None:
        """The plan's look is the first one."""
        if self.planned > LONG_AGO:
            self._begun = self._ended = self.planned
            self._parts = PLANNED_PARTS | {Part.HEARTBEATS}

    def anew(self, host: str, parts: frozenset[Part]) -> HostFacts:
        """The facts with these parts read now, by one reading for all hosts that ask for one.

        Who waits for a reading needs no slot.
        """
        if parts - ALONE:
            with self.together.slot_released():
                self._look(host, parts - ALONE)
        return self._ask(host, parts & ALONE)

    def latest(self, host: str, parts: frozenset[Part], since: float = LONG_AGO) -> HostFacts:
        """As :meth:`anew`, or the latest look if it shows these parts as we have left them.

        It does when nothing was done since, and it began no earlier than ``since``.
        """
        if self._lacks(parts, since):
            return self.anew(host, parts)
        return self._ask(host, parts - self._parts)

    def just_now(self, host: str, parts: frozenset[Part]) -> HostFacts:
        """As :meth:`latest`, of a look that began no longer than :data:`FRESH` ago, or a new one.

        A look at many hosts may take longer than that, and somebody else may have claimed the
        host since the services were read, which comes first.
        """
        return self.latest(host, parts, self.clock.now() - FRESH)

    def recent(self, host: str, parts: frozenset[Part], since: float = LONG_AGO) -> HostFacts:
        """As :meth:`latest`, for what is to be done next: ended no longer than :data:`FRESH` ago.

        Where a slot was waited for so long that the look got old, it is made again with the
        slot in hand.
        """
        if not self._is_fresh():
            self.spoil()
        facts = self.latest(host, parts, since)
        if self._is_fresh():
            return facts
        with self.together.looking():
            return self.poll(host, parts)

    def needed(self, parts: frozenset[Part]) -> frozenset[Part]:
        """Of these parts, those without which guards would miss something.

        Where the rows of every cell are read anew, guards see the migrations in them.
        """
        database = self._facts.database if self._facts else None
        by_rows = database is not None and database.all_cells and Part.DATABASE in parts
        return parts - IN_ROWS if by_rows else parts

    def poll(self, host: str, parts: frozenset[Part]) -> HostFacts:
        """As :meth:`anew`, for a host that waits already and has no slot to give back."""
        self._look(host, parts - ALONE)
        return self._ask(host, parts & ALONE)

    def spoil(self) -> None:
        """Something is done to the host: what was seen before counts no more."""
        self._parts = frozenset()

    def _look(self, host: str, parts: frozenset[Part]) -> None:
        self.spoil()
        begun = self.clock.now()
        self._facts = self.cloud.refresh(host, parts)
        self._begun, self._ended = begun, self.clock.now()
        self._parts = parts | ({Part.HEARTBEATS} if parts >= HEARD else frozenset())

    def _ask(self, host: str, parts: frozenset[Part]) -> HostFacts:
        """What the host itself tells, if that is asked for, beside the latest look."""
        if parts or self._facts is None:
            self._facts = self.cloud.refresh(host, parts)
        return self._facts

    def _lacks(self, parts: frozenset[Part], since: float) -> bool:
        return self._begun < since or bool(parts - ALONE - self._parts)

    def _is_fresh(self) -> bool:
        return self.clock.now() - self._ended <= FRESH
