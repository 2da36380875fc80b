# SPDX-License-Identifier: Apache-2.0
"""What is really there, with its own idea of what nova does, and the time in which it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nova_decom.clock import Clock
from nova_decom.errors import TransientError
from nova_decom.model.cloud import NOVA_COMPUTE, ResourceProvider
from nova_decom.model.host import HostFacts
from nova_decom.model.machine import Machine, SystemdUnit, UnitIdentity
from tests.unit.nova import Nova

UNIT = "nova-compute.service"


class Kill(BaseException):
    """The process dies here."""


@dataclass
class Time:
    """A clock that stands still until somebody sleeps; events happen at their time."""

    seconds: float = 1000.0
    events: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def at(self, later: float, event: Callable[[], object]) -> None:
        """Let something happen so many seconds from now."""
        self.events.append((self.seconds + later, event))
        self.events.sort(key=lambda entry: entry[0])

    def now(self) -> float:
        """The time."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        end = self.seconds + seconds
        while self.events and self.events[0][0] <= end:
            self.seconds, event = self.events.pop(0)
            event()
        self.seconds = end

    @property
    def clock(self) -> Clock:
        """What the code under test takes."""
        return Clock(self.now, self.sleep)


class World:
    """What is really there. Changes happen to it, by us or by others."""

    def __init__(self, truth: HostFacts) -> None:
        """Start with these facts."""
        self.time = Time()
        self.truth = truth
        self.unit = SystemdUnit(UNIT, active=True, enabled=True)
        #: The option ``host`` of nova-compute on the machine that ssh reaches.
        self.configured: str | None = truth.host
        self.beating = bool(truth.service and truth.service.is_up)
        #: The user of ssh sees all processes of the machine.
        self.sees_processes = False
        #: The heartbeat moves between any two readings; else once in a report interval.
        self.beats_fast = bool(truth.servers)
        self._beats = 0
        self.obeys = True
        self.on_stop: Callable[[], object] | None = None
        self.has_chassis = False
        self.resets_mapped = False
        self.writes: list[str] = []
        self.failures: dict[int, BaseException] = {}
        self.answer_lost = False
        self._silent_since = self.time.now()
        self.nova = Nova(self)

    @property
    def machine(self) -> Machine:
        """What the machine says of itself."""
        unit = UnitIdentity(self.unit, self.configured)
        processes = int(self.beating) if self.sees_processes else None
        return Machine((self.truth.host,), (unit,), f"sum of {self.configured}", processes)

    def change(self, **what: object) -> None:
        """Something happens to the host."""
        self.truth = replace(self.truth, **what)

    def beat(self) -> str:
        """The counter of the heartbeat."""
        if self.beats_fast:
            self._beats += self.beating
            return f"count {self._beats}"
        moment = self.time.now() if self.beating else self._silent_since
        return f"count {int(moment / self.truth.request.report_interval)}"

    def fall_silent(self) -> None:
        """nova-compute ends, and nova notices."""
        if self.beating:
            self.beating, self._silent_since = False, self.time.now()
        self.change(
            services=tuple(
                replace(s, state="down") if s.binary == NOVA_COMPUTE else s
                for s in self.truth.services
            )
        )

    def write(self, name: str, effect: Callable[[], None]) -> str:
        """One write; it may fail or be the last thing that the process did."""
        self.writes.append(name)
        failure = self.failures.get(len(self.writes))
        if failure is None or self.answer_lost:
            effect()
        if failure is not None:
            raise failure
        return f"req-{len(self.writes)}"

    def fail(self, number: int, failure: BaseException, *, answer_lost: bool = False) -> None:
        """Plan a failure of the write with this number, before or after it took effect."""
        self.failures = {number: failure}
        self.answer_lost = answer_lost

    def delete_service(self, uuid: str) -> None:
        """What nova does on DELETE /os-services/UUID."""
        gone = next(s for s in self.truth.services if s.id == uuid)
        if gone.binary == NOVA_COMPUTE:
            self._assert_deletable()
        self.change(services=tuple(s for s in self.truth.services if s is not gone))
        base = self.truth.database
        if base is not None:
            deleted = tuple(
                replace(r, deleted=r.id) if r.uuid == uuid else r for r in base.services
            )
            self.change(database=replace(base, services=deleted))
        if gone.binary == NOVA_COMPUTE:
            self._forget_host()

    def _assert_deletable(self) -> None:
        """Nova answers HTTP 500 in these states, for ever."""
        truth = self.truth
        if not self._nodes() and not truth.fleet.deletes_without_node:
            raise TransientError("HTTP 500 ComputeHostNotFound", "look at nova's log")
        assert self._nodes() <= {p.uuid for p in truth.providers}
        assert self._nodes() or not truth.aggregates

    def _nodes(self) -> set[str | None]:
        """Nova reads its rows; the API shows none of them while the host is not mapped."""
        rows = self.truth.database.compute_nodes if self.truth.database else ()
        live = {r.uuid for r in rows if r.host == self.truth.host and not r.deleted}
        return live | {n.uuid for n in self.truth.compute_nodes}

    def _forget_host(self) -> None:
        truth, base = self.truth, self.truth.database
        self.change(aggregates=(), providers=self._providers_left(), compute_nodes=())
        if base is None:
            return
        nodes = tuple(
            replace(r, deleted=r.id, mapped=0 if self.resets_mapped else r.mapped)
            if r.host == truth.host and not r.deleted
            else r
            for r in base.compute_nodes
        )
        self.change(
            database=replace(
                self.truth.database, compute_nodes=nodes, aggregate_hosts=(), host_mapping=None
            )
        )

    def _providers_left(self) -> tuple[ResourceProvider, ...]:
        """Leaf by leaf, as far as placement allows."""
        left = list(self.truth.providers)
        trees = self._nodes()
        used = {a.provider for a in self.truth.allocations}
        while True:
            parents = {p.parent for p in left}
            leaf = next(
                (p for p in left if p.root in trees and p.uuid not in used | parents), None
            )
            if leaf is None:
                return tuple(left)
            left.remove(leaf)
