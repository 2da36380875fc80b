# SPDX-License-Identifier: Apache-2.0
"""Guards: pure functions that decide from the facts of a host whether a run may begin.

Each returns ``None`` when it has nothing against it, else a :class:`Verdict` with what was
seen and what would resolve it. :func:`judge` turns them into findings, in the order of
:data:`GUARDS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from nova_decom.exit_codes import ExitCode
from nova_decom.guards.claim import foreign_disable, own_disable
from nova_decom.guards.database import database_access, node_owner
from nova_decom.guards.fleet import blast_radius, cells_answering, fleet_healthy, last_host
from nova_decom.guards.host import host_exact, host_known, ironic
from nova_decom.guards.servers import (
    capacity,
    local_disks,
    migrations_active,
    pci_allocated,
    servers_arriving,
    servers_movable,
    servers_present,
    servers_returning,
)
from nova_decom.guards.service import machine_identity, service_alive
from nova_decom.model.guard import Guard
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Finding, Verdict, summary
from nova_decom.registrars import REGISTRARS


def judge(facts: HostFacts, guards: Iterable[Guard] | None = None) -> tuple[Finding, ...]:
    """One finding for each of the guards, by default of all; a skipped guard only warns."""
    return tuple(_finding(guard, facts) for guard in guards or GUARDS)


def _finding(guard: Guard, facts: HostFacts) -> Finding:
    objection = guard.ask(facts)
    if objection is None:
        return _agreed(guard)
    request, remedy = facts.request, objection.remedy
    if objection.verdict is Verdict.BLOCKED:
        if guard.skippable and guard.name in request.skip_guards:
            return Finding(guard.name, Verdict.WARNING, f"skipped: {objection.message}")
        if objection.is_partial and request.partial:
            return Finding(guard.name, Verdict.WARNING, objection.message, remedy)
        if objection.is_partial and request.may_be_partial:
            remedy += "; --partial moves the others, and leaves and names these"
    return Finding(guard.name, objection.verdict, objection.message, remedy)


@cache
def _agreed(guard: Guard) -> Finding:
    """The finding of a guard without objection: one for all hosts."""
    return Finding(guard.name, Verdict.OK, summary(guard.ask))


FOREIGN_DISABLE = Guard("foreign-disable", foreign_disable, exit_code=ExitCode.BUSY)
GUARDS: tuple[Guard, ...] = (
    Guard("host-known", host_known, skippable=False),
    Guard("host-exact", host_exact, skippable=False),
    Guard("cells-answering", cells_answering, skippable=False),
    Guard("fleet-healthy", fleet_healthy),
    Guard("last-host", last_host),
    Guard("blast-radius", blast_radius),
    FOREIGN_DISABLE,
    Guard("servers-present", servers_present),
    Guard("servers-arriving", servers_arriving, skippable=False),
    Guard("local-disks", local_disks, skippable=False),
    Guard("servers-movable", servers_movable),
    Guard("capacity", capacity),
    Guard("migrations-active", migrations_active),
    Guard("service-alive", service_alive, skippable=False),
    Guard("machine-identity", machine_identity, skippable=False),
    Guard("node-owner", node_owner, skippable=False),
    Guard("ironic", ironic),
    Guard("pci-allocated", pci_allocated, skippable=False),
    *(guard for registrar in REGISTRARS for guard in registrar.guards),
    Guard("database-access", database_access, skippable=False, exit_code=ExitCode.UNAVAILABLE),
)
#: Asked by ``enable`` only.
OF_ENABLE = (
    Guard("own-disable", own_disable, skippable=False),
    Guard("servers-returning", servers_returning, skippable=False),
)


def refusal_code(blocked: Iterable[Finding]) -> ExitCode:
    """The exit code of a host that these findings block: the only guard's own, else 4."""
    names = {finding.guard for finding in blocked}
    codes = [guard.exit_code for guard in GUARDS if {guard.name} == names]
    return codes[0] if codes else ExitCode.REFUSED
