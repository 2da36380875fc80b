# SPDX-License-Identifier: Apache-2.0
"""The facts of one host during a run: kept until something is changed or they are too old.

The reading that shows that a change was made also serves the next change.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.clock import LONG_AGO, Clock
from nova_decom.model.claim import EFFECTIVE_AFTER
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.registrars import PLANNED_PARTS
from nova_decom.steps import Cloud

#: Seconds for which facts may be acted on. A claim waits EFFECTIVE_AFTER before it counts, which
#: must be longer than another run takes from reading the service to writing its own claim.
FRESH = EFFECTIVE_AFTER / 2
#: Parts that are asked of the host itself, by a connection of its own.
ALONE = frozenset({Part.UNIT})
#: Heartbeats are read together with these parts.
HEARTBEAT_SOURCES = frozenset({Part.SERVICES, Part.DATABASE})
#: Parts that the rows of all cells contain too, in one moment: the API lists migrations by one
#: status at a time, or host by host.
IN_ROWS = frozenset({Part.MIGRATIONS})


@dataclass(slots=True)
class FreshFacts:
    """The facts of one host as they were last read, and when that was."""

    host: str
    cloud: Cloud
    clock: Clock
    slots: WorkerSlots = field(default_factory=WorkerSlots)
    #: When the reading of the plan began, if the cloud still holds it.
    planned: float = LONG_AGO
    _facts: HostFacts | None = None
    _parts: frozenset[str] = frozenset()
    _begun: float = LONG_AGO
    _ended: float = LONG_AGO

    def __post_init__(self) -> None:
        """Count the reading of the plan as the first one."""
        if self.planned > LONG_AGO:
            self._begun = self._ended = self.planned
            self._parts = PLANNED_PARTS | {Part.HEARTBEATS}

    def get(self, parts: frozenset[str], newer_than: float | None = None) -> HostFacts:
        """The facts, with these parts not older than the last change of the run.

        ``newer_than`` is given where a change follows: the reading began at that moment or
        later, and ended no longer than FRESH ago. Its age counts from its end, else a cloud that
        answers slowly would be read for ever. A reading serves all hosts that ask meanwhile, so
        the slot is given back; where that took too long, the host is read again with its slot.
        """
        self._ask_host_itself(parts & ALONE)
        shared = parts - ALONE
        is_old = newer_than is not None and (self._begun < newer_than or not self._is_fresh())
        if shared and (is_old or shared - self._parts):
            with self.slots.slot_released():
                self._read(shared)
            if newer_than is not None and not self._is_fresh():
                with self.slots.slot_kept():
                    self._read(shared)
        return self._read_already()

    def poll(self, parts: frozenset[str]) -> HostFacts:
        """The facts with these parts read now, for a host that has given its slot back."""
        self._read(parts - ALONE)
        if parts & ALONE:
            self._facts = self.cloud.refresh(self.host, parts & ALONE)
        return self._read_already()

    def invalidate(self) -> None:
        """Forget what was read: the host is about to be changed."""
        self._parts = frozenset()

    def needed(self, parts: frozenset[str]) -> frozenset[str]:
        """These parts without those that the rows of every cell, read with them, contain."""
        database = self._facts.database if self._facts else None
        by_rows = database is not None and database.all_cells and Part.DATABASE in parts
        return parts - IN_ROWS if by_rows else parts

    def _read(self, parts: frozenset[str]) -> None:
        self.invalidate()
        begun = self.clock.now()
        self._facts = self.cloud.refresh(self.host, parts)
        self._begun, self._ended = begun, self.clock.now()
        heard = parts >= HEARTBEAT_SOURCES
        self._parts = parts | ({Part.HEARTBEATS} if heard else frozenset())

    def _ask_host_itself(self, parts: frozenset[str]) -> None:
        """Ask for the parts that only the host itself knows, each time, and without a slot.

        It comes before the other readings, which would grow old meanwhile.
        """
        if parts:
            with self.slots.slot_released():
                self._facts = self.cloud.refresh(self.host, parts)

    def _read_already(self) -> HostFacts:
        if self._facts is None:
            self._facts = self.cloud.refresh(self.host, frozenset())
        return self._facts

    def _is_fresh(self) -> bool:
        return self.clock.now() - self._ended <= FRESH
