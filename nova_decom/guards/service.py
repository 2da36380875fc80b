# SPDX-License-Identifier: Apache-2.0
"""Guards about nova-compute on the host."""

from __future__ import annotations

from nova_decom.model.host import HostFacts
from nova_decom.model.ownership import objection_to_stop
from nova_decom.model.plan import Objection, Verdict
from nova_decom.model.request import StopWith


def service_alive(facts: HostFacts) -> Objection | None:
    """If nova-compute is running, this run can stop it."""
    service, request = facts.service, facts.request
    heartbeat = facts.heartbeat_of(service) if service else None
    beats = heartbeat is not None and heartbeat.moved
    if service is None or not (service.is_up or beats) or facts.is_silent(service):
        return None
    sign = f"is {service.state}" + (", its heartbeat moves" if not service.is_up else "")
    if request.offline:
        return Objection(
            f"nova-compute on {facts.host} {sign}, but --offline says that the host is dead",
            "leave out --offline, or fence the host and wait until its service is down",
        )
    if request.stop_with is StopWith.NONE:
        return Objection(
            f"nova-compute on {facts.host} {sign}; you have to stop it",
            "stop and disable it there while this waits, or choose --stop-with ssh",
            Verdict.WARNING,
        )
    return None


def machine_identity(facts: HostFacts) -> Objection | None:
    """The nova-compute that the run would stop is not known to be another host's."""
    return objection_to_stop(facts)
