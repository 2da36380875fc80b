# SPDX-License-Identifier: Apache-2.0
"""Whether the nova-compute that a run would stop is the host's own. No I/O."""

from __future__ import annotations

from shlex import quote

from nova_decom.model.host import HostFacts
from nova_decom.model.machine import UnitIdentity
from nova_decom.model.names import same_machine
from nova_decom.model.plan import Objection, Verdict
from nova_decom.model.request import StopWith

STOP_YOURSELF = (
    "if nova-compute of {host} runs nowhere or you stop it yourself: --stop-with none; if the "
    "machine is dead and fenced: --offline"
)


def own_units(facts: HostFacts) -> tuple[UnitIdentity, ...]:
    """The units of the machine that are proved to be this host's."""
    units = facts.machine.units if facts.machine else ()
    return tuple(u for u in units if not _why_other(u, facts) and _is_proved(u, facts))


def has_ended(facts: HostFacts) -> bool:
    """True when the machine is proved to be the host, and no nova-compute runs or starts on it."""
    machine, own = facts.machine, own_units(facts)
    if machine is None or machine.processes != 0 or not own:
        return False
    return all(u.unit.is_off for u in machine.units)


def units_to_stop(facts: HostFacts) -> tuple[UnitIdentity, ...]:
    """The units that stop-service stops: the host's own, else the one that may be its own."""
    units = own_units(facts)
    if not units and facts.machine:
        units = tuple(u for u in facts.machine.units if not _why_other(u, facts))
        units = tuple(u for u in units if u.unit.active) or units
    return tuple(u for u in units if not u.unit.is_off)


def objection_to_stop(facts: HostFacts) -> Objection | None:
    """The reason why nova-compute must not be stopped for this host, or what is not known."""
    if not facts.stops_nova_compute:
        return None
    if facts.request.stop_with is StopWith.COMMAND:
        return _of_command(facts)
    machine = facts.machine
    if machine is None:
        return None
    if machine.problem:
        return Objection(
            f"the machine could not be asked which host it is: {machine.problem}",
            machine.cure,
            Verdict.WARNING,
        )
    return _of_machine(facts)


def _of_machine(facts: HostFacts) -> Objection | None:
    units = [u for u in (facts.machine.units if facts.machine else ()) if not u.unit.is_off]
    own = own_units(facts)
    possible = own or tuple(u for u in units if not _why_other(u, facts))
    if units and not possible:
        return _refusal(facts, "; ".join(f"{u.unit.name}: {_why_other(u, facts)}" for u in units))
    active = [u for u in possible if u.unit.active]
    if len(active) > 1:
        names = ", ".join(u.unit.name for u in active)
        return _refusal(facts, f"{len(active)} active units may be meant: {names}")
    if own or not units:
        return None
    doubt = "; ".join(f"{u.unit.name}: {_why_not_proved(u)}" for u in possible)
    if active and not (facts.service and facts.service.is_up):
        state = "down" if facts.service else "not registered"
        return _refusal(
            facts, f"{doubt}; it is active, and nova-compute of {facts.host} is {state} in nova"
        )
    return Objection(
        f"nothing proves that nova-compute on the machine is {facts.host}'s: {doubt}",
        "let the user of ssh read its configuration (as root, or by sudo -n sh), or make sure of "
        f"it: ssh {quote(facts.host)} hostname",
        Verdict.WARNING,
    )


def _refusal(facts: HostFacts, why: str) -> Objection:
    names = ", ".join(facts.machine.names if facts.machine else ()) or "without a name"
    return Objection(
        f"'ssh {facts.host}' leads to a machine ({names}) whose nova-compute is not proved to be "
        f"{facts.host}'s: {why}",
        STOP_YOURSELF.format(host=facts.host),
    )


def _of_command(facts: HostFacts) -> Objection:
    """A command tells nothing about the machine on which it stops nova-compute."""
    if not (facts.service and facts.service.is_up):
        living = [
            s.host
            for s in facts.fleet.services
            if s.is_up and s.host != facts.host and same_machine(facts.host, s.host)
        ]
        if living:
            return Objection(
                f"nova-compute of {facts.host} is down in nova, and the stop command could stop "
                f"that of {', '.join(dict.fromkeys(living))}",
                STOP_YOURSELF.format(host=facts.host),
            )
    return Objection(
        f"nothing proves that the stop command stops nova-compute of {facts.host}",
        "make sure that it does, or let ssh ask the machine: --stop-with ssh",
        Verdict.WARNING,
    )


def _why_other(unit: UnitIdentity, facts: HostFacts) -> str:
    """The sign that the unit belongs to another nova host, or an empty text."""
    known = facts.fleet.computes_by_host
    if unit.host is not None and unit.host != facts.host and unit.host in known:
        return f"its configuration has host = {unit.host}"
    others = sorted(unit.node_hosts - {facts.host})
    if others:
        return f"its compute_id is the compute node of {', '.join(others)}"
    if unit.host == facts.host:
        return ""
    names = facts.machine.names if facts.machine else ()
    living = [n for n in names if n != facts.host and any(s.is_up for s in known.get(n, ()))]
    return f"the machine is called {living[0]}, which is a nova host that is up" if living else ""


def _is_proved(unit: UnitIdentity, facts: HostFacts) -> bool:
    return unit.host == facts.host or bool(unit.node_uuids & facts.identity.node_uuids)


def _why_not_proved(unit: UnitIdentity) -> str:
    if unit.host is None:
        return "its configuration cannot be read"
    return f"its configuration has host = {unit.host}"
