# SPDX-License-Identifier: Apache-2.0
"""Step stop-service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.errors import RefusedError
from nova_decom.model.change import Change
from nova_decom.model.cloud import NOVA_COMPUTE
from nova_decom.model.copies import replace
from nova_decom.model.heartbeat import Heartbeat
from nova_decom.model.host import HostFacts
from nova_decom.model.machine import StopOrder, SystemdUnit
from nova_decom.model.ownership import objection_to_stop, units_to_stop
from nova_decom.model.plan import Verdict
from nova_decom.model.request import Part, Request, StopWith
from nova_decom.model.step import Cloud, Step

STOP, PROVE = "stop", "prove"


class StopService(Step):
    """Stop and disable nova-compute on the host, and prove by its heartbeat that it has ended.

    A nova-compute that still runs brings its compute node and its resource provider back
    seconds after the delete (nova 34.0.0 compute/resource_tracker.py:776). One reading of
    ``state`` proves nothing: it says *up* for a minute after the process died, and *down*
    while a message queue is slow. The counter and ``updated_at`` must not change either, for
    two report intervals, or longer than the longest gap between two beats that was seen. A
    machine that is proved to be the host, with its units off and no process of nova-compute,
    proves more than that: the heartbeat is not waited for. If the row of the service is gone,
    there is no heartbeat; the host is asked over ssh instead.
    A machine whose nova-compute belongs to another nova host is left alone.
    """

    name: ClassVar[str] = "stop-service"
    reversible: ClassVar[bool] = True
    on_host: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({Part.HEARTBEATS, Part.UNIT})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """Stop the unit unless it is known to be off; prove each heartbeat that goes."""
        request = facts.request
        if facts.stops_nova_compute:
            yield Change(self.name, STOP, facts.host, _how(facts))
        for service in facts.leaving_services:
            if service.id and not facts.is_silent(service):
                proof = _proof(service.binary, facts.silence_of(service), request)
                yield Change(self.name, PROVE, service.id, proof, only_waits=True)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts with the unit off, the service down and the heartbeat silent."""
        if change.action == STOP:
            return replace(
                facts, unit=SystemdUnit("nova-compute.service", active=False, enabled=False)
            )
        needed = max(facts.silence_of(s) for s in facts.leaving_services)
        silent = Heartbeat(change.target, "", "", since=0, until=needed)
        others = tuple(h for h in facts.heartbeats if h.service != change.target)
        services = tuple(
            replace(s, state="down") if s.id == change.target else s for s in facts.services
        )
        return replace(facts, heartbeats=(*others, silent), services=services)

    def apply(self, change: Change, cloud: Cloud, facts: HostFacts) -> str | None:
        """Stop the unit. A proof changes nothing: the readings after it prove the silence.

        :raises RefusedError: the machine that would be stopped is not proved to be the host's.
        """
        if change.action != STOP:
            return None
        objection = objection_to_stop(facts)
        if objection and objection.verdict is Verdict.BLOCKED:
            raise RefusedError(objection.message, objection.remedy)
        order = None
        if facts.machine is not None:
            units = tuple(u.unit.name for u in units_to_stop(facts))
            order = StopOrder(units, facts.machine.checksum)
        cloud.stop_unit(facts.host, order)
        return None


def _we_stop(request: Request) -> bool:
    return request.stop_with is not StopWith.NONE and not request.offline


def _how(facts: HostFacts) -> str:
    if facts.request.stop_with is StopWith.SSH:
        still = "" if facts.service else ", if it answers and nova-compute still runs there"
        unit = "the unit of nova-compute found there"
        return f"ssh {facts.host}: systemctl disable --now ({unit}){still}"
    return f"run the stop command for {facts.host}"


def _proof(binary: str, silence: float, request: Request) -> str:
    needed = (
        f"the heartbeat of {binary} must not change for {silence:g} s and nova must show it down"
    )
    if not _we_stop(request) and not request.offline:
        return f"{needed} (you stop it; this waits for you)"
    by_machine = request.asks_machines and binary == NOVA_COMPUTE
    return f"{needed}, or the host must show that its process has ended" if by_machine else needed
