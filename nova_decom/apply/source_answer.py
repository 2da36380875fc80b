# SPDX-License-Identifier: Apache-2.0
"""Whether nova-compute on the host that is emptied answers, proved by its heartbeat.

Nova takes a dead nova-compute for up until its service_down_time is over. Until then it accepts a
cold migration, or a confirmation, that nobody carries out: the server stays in RESIZE for ever.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from nova_decom.apply.observers import Progress
from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.clock import LONG_AGO, Clock
from nova_decom.errors import ChangeFailedError, UnavailableError, WaitTimeoutError
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.retry import poll_until
from nova_decom.steps import Cloud

#: The parts that show whether nova-compute answers.
ANSWER = frozenset({Part.SERVICES, Part.HEARTBEATS})
#: Seconds within which nova takes a dead nova-compute for down: nova.conf's service_down_time is
#: 60 by default, and the last heartbeat may be as old as an interval.
DOWN_WITHIN = 75.0
#: Report intervals for which a beat proves that nova-compute answers.
PROVES_FOR = 3
REMEDY = (
    "start nova-compute, then run again; or, if the host is dead and fenced, give --offline; "
    "nova-decom enable takes the disabling back"
)


@dataclass(slots=True)
class SourceAnswer:
    """The latest proof that nova-compute on one host answers, by a monotonic clock.

    A value of the heartbeat that differs from that of an earlier reading proves a beat since then.
    """

    cloud: Cloud
    clock: Clock
    host: str
    proved: float = LONG_AGO
    _value: str = ""
    _read: float = LONG_AGO

    def observe(self, facts: HostFacts, begun: float) -> None:
        """Take in a reading that began at this time or later."""
        heartbeat = facts.heartbeat_of(facts.service) if facts.service else None
        value = (heartbeat.value or heartbeat.updated_at) if heartbeat else ""
        if self._value and value not in {"", self._value}:
            self.proved = self._read
        self._value, self._read = value, begun

    def forget(self) -> None:
        """Compare with no earlier reading: this run may have written the service since then."""
        self._value = ""

    def is_known(self, facts: HostFacts) -> bool:
        """True when it has answered lately, or nothing is asked of it: the host is dead.

        Its service is read again before the last proof is too old.

        :raises ChangeFailedError: nova marks it down.
        """
        if facts.request.evacuates:
            return True
        interval = facts.request.report_interval
        begun = self.clock.now()
        if begun - self.proved > (PROVES_FOR - 1) * interval:
            with suppress(UnavailableError):
                read = self.cloud.refresh(self.host, ANSWER)
                raise_if_down(read)
                self.observe(read, begun)
        return begun - self.proved <= PROVES_FOR * interval

    def wait_until_known(self, facts: HostFacts, slots: WorkerSlots, progress: Progress) -> None:
        """Wait until nova-compute is known to answer, before servers are moved by it.

        :raises ChangeFailedError: it is down, or silent.
        """
        if self.is_known(facts):
            return
        what = "nova-compute answers"
        progress.waiting(self.host, what, DOWN_WITHIN)
        try:
            with slots.slot_released():
                poll_until(
                    lambda: self.is_known(facts),
                    what=what,
                    timeout=DOWN_WITHIN,
                    every=1.0,
                    clock=self.clock,
                )
        except WaitTimeoutError:
            raise ChangeFailedError(
                f"{self.host}: nova shows nova-compute as up, but its heartbeat does not change; "
                "no server was moved",
                REMEDY,
            ) from None


def raise_if_down(facts: HostFacts) -> None:
    """Stop where nova takes nova-compute for down.

    :raises ChangeFailedError: it does.
    """
    if facts.service is None or not facts.service.is_up:
        raise ChangeFailedError(
            f"{facts.host}: nova-compute is down; no more servers are moved", REMEDY
        )
