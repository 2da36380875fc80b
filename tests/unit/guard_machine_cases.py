# SPDX-License-Identifier: Apache-2.0
"""What the guard machine-identity makes of the machine that ssh reaches."""

from __future__ import annotations

from nova_decom.model.machine import Machine, SystemdUnit, UnitIdentity
from nova_decom.model.plan import Verdict
from nova_decom.model.request import StopWith
from tests.unit import build
from tests.unit.build import NODE, facts, fleet, neighbour, request, service

OK, WARNING, BLOCKED = Verdict.OK, Verdict.WARNING, Verdict.BLOCKED
FQDN = "node1.example.org"
UNIT = "nova-compute.service"
DOWN = service(state="down")
BY_COMMAND = request(stop_with=StopWith.COMMAND)


def unit(host=None, *, uuids=(), of=(), name=UNIT, active=True, enabled=True):
    """A unit with the host of its configuration, its compute_id, and whose node that is."""
    state = SystemdUnit(name, active=active, enabled=enabled)
    return UnitIdentity(state, host, frozenset(uuids), frozenset(of))


def machine(*units, names=("node1",)):
    """What the machine behind ssh says of itself."""
    return Machine(tuple(names), units, "1-2")


def reached(*units, names=("node1",), **what):
    """A host whose name leads to this machine; node1.example.org is another nova host."""
    others = what.pop("others", (neighbour(), neighbour(FQDN)))
    known = {"machine": machine(*units, names=names)}
    here = what.get("service", service())
    known["fleet"] = fleet(*([here] if here else []), *others)
    return facts(**known | what)


def ghost(*units, names=("node1",), **what):
    """Traces of a host without a service."""
    return reached(*units, names=names, service=None, database=build.database(services=()), **what)


def of_command(here, *others):
    """A host that the operator's command stops."""
    return facts(service=here, fleet=fleet(here, *others), request=BY_COMMAND)


_CASES = [
    ("its configuration has the name", reached(unit("node1")), OK, ""),
    ("a hung one of this very name", reached(unit("node1"), service=DOWN), OK, ""),
    ("a hung one, by its compute_id", reached(unit(uuids=[NODE]), service=DOWN), OK, ""),
    (
        "a hung one whose configuration was changed, by its compute_id",
        reached(unit("new-name", uuids=[NODE], of=["node1"]), service=DOWN),
        OK,
        "",
    ),
    ("a ghost that runs under this name", ghost(unit("node1")), OK, ""),
    ("the machine was not asked", facts(), OK, ""),
    ("nothing is stopped", reached(unit(FQDN), request=request(offline=True)), OK, ""),
    ("you stop it", reached(unit(FQDN), request=request(stop_with=StopWith.NONE)), OK, ""),
    (
        "it is off",
        reached(unit(FQDN), unit=SystemdUnit(UNIT, active=False, enabled=False)),
        OK,
        "",
    ),
    ("every unit is off", reached(unit(FQDN, active=False, enabled=False)), OK, ""),
    (
        "a second unit serves another host",
        reached(unit("node1"), unit("node2", name="kolla-nova_compute_ironic-container.service")),
        OK,
        "",
    ),
    (
        "its own is off, another host's runs",
        reached(unit("node1", active=False, enabled=False), unit("node2", name="second")),
        OK,
        "",
    ),
    (
        "renamed: the old service is down, the machine serves the new one",
        reached(unit(FQDN), service=DOWN),
        BLOCKED,
        "nova-compute.service: its configuration has host = node1.example.org",
    ),
    (
        "renamed, and the new service is down too",
        reached(unit(FQDN), service=DOWN, others=(neighbour(), neighbour(FQDN, state="down"))),
        BLOCKED,
        "host = node1.example.org",
    ),
    (
        "only leftovers, and the machine lives under another spelling",
        ghost(unit(FQDN)),
        BLOCKED,
        "'ssh node1' leads to a machine (node1)",
    ),
    (
        "another host's, that is stopped and would come back",
        ghost(unit("node2", active=False)),
        BLOCKED,
        "host = node2",
    ),
    (
        "another host's compute_id",
        reached(unit("node1", uuids=["other"], of=["node2"])),
        BLOCKED,
        "its compute_id is the compute node of node2",
    ),
    (
        "a compute_id that was ours and is another host's now",
        reached(unit(uuids=[NODE], of=["node2"])),
        BLOCKED,
        "its compute_id is the compute node of node2",
    ),
    (
        "the machine has the name of a host that lives",
        reached(unit(), names=(FQDN, "node1")),
        BLOCKED,
        "the machine is called node1.example.org, which is a nova host that is up",
    ),
    (
        "the machine has the name of a host that lives, and its configuration ours",
        reached(unit("node1"), names=(FQDN,)),
        OK,
        "",
    ),
    (
        "down in nova, and nothing proves it",
        reached(unit(), service=DOWN),
        BLOCKED,
        "its configuration cannot be read; it is active, and nova-compute of node1 is down in",
    ),
    (
        "down in nova, and configured for a host that nova does not know",
        reached(unit("new-name"), service=DOWN),
        BLOCKED,
        "its configuration has host = new-name; it is active",
    ),
    (
        "not registered, and nothing proves it",
        ghost(unit()),
        BLOCKED,
        "nova-compute of node1 is not registered in nova",
    ),
    ("down in nova and stopped, enabled", reached(unit(active=False), service=DOWN), WARNING, ""),
    (
        "two active units of this host",
        reached(unit("node1"), unit("node1", name="second")),
        BLOCKED,
        "2 active units may be meant: nova-compute.service, second",
    ),
    (
        "two active units that cannot be told apart",
        reached(unit(), unit(name="second")),
        BLOCKED,
        "2 active units may be meant",
    ),
    (
        "one of this host, one that is stopped",
        reached(unit("node1"), unit("node1", name="second", active=False)),
        OK,
        "",
    ),
    (
        "its configuration cannot be read",
        reached(unit()),
        WARNING,
        "machine is node1's: nova-compute.service: its configuration cannot be read",
    ),
    (
        "the machine cannot be asked",
        facts(machine=Machine(problem="ssh failed", cure="mend it")),
        WARNING,
        "the machine could not be asked which host it is: ssh failed",
    ),
    (
        "by a command",
        of_command(service(), neighbour()),
        WARNING,
        "nothing proves that the stop command stops nova-compute of node1",
    ),
    ("by a command, down", of_command(DOWN, neighbour()), WARNING, "nothing proves that the stop"),
    (
        "by a command, down, and another spelling lives",
        of_command(DOWN, neighbour(FQDN)),
        BLOCKED,
        "the stop command could stop that of node1.example.org",
    ),
    (
        "by a command, down, as the other spelling is",
        of_command(DOWN, neighbour(FQDN, state="down")),
        WARNING,
        "nothing proves",
    ),
]
MACHINE_CASES = [("machine-identity", *case) for case in _CASES]
