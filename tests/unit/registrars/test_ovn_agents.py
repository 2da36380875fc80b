# SPDX-License-Identifier: Apache-2.0
"""Agents of ML2/OVN: a chassis goes with the first of them, and its records may outlive it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Result
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.registrars import with_registrars
from nova_decom.registrars.agent_records import NAME, AgentReading, agents_of
from nova_decom.registrars.network_agents import DeleteAgents, NetworkAgents
from nova_decom.registrars.ovn_agents import GHOST_HOST, AwaitAgents
from nova_decom.verify import audit
from tests.unit.audit_clouds import clean
from tests.unit.build import agent, facts, ghost, request
from tests.unit.world import World

OFFLINE = request(offline=True)
CONTROLLER = agent(id="c", agent_type="OVN Controller Gateway agent", chassis="ch1")
METADATA = agent(id="m", agent_type="OVN Metadata agent", chassis="ch1")
LIVING = replace(CONTROLLER, alive=True)
CURE = "ovn-sbctl destroy Chassis_Private {0}; openstack network agent delete {0}"


@pytest.mark.parametrize(
    ("agents", "deleted"),
    [
        ((METADATA, CONTROLLER), ["c", "m"]),
        ((METADATA, LIVING), []),
        ((METADATA, replace(LIVING, chassis="ch2")), ["m"]),
        ((METADATA, agent(id="x", alive=True)), ["m"]),
    ],
    ids=["controller first", "its controller lives", "another chassis", "an agent of OVS"],
)
def test_the_agents_of_a_chassis_go_together(agents, deleted):
    """Neutron deletes the chassis with any of them."""
    state = facts(agents=agents)

    assert [c.target for c in DeleteAgents().changes(state)] == deleted


def test_what_keeps_a_dead_agent_is_named():
    """With what is to be stopped."""
    left = {x.target: x for x in NetworkAgents().leftovers(facts(agents=(METADATA, LIVING)))}

    assert "not alive, but another agent of its chassis is" in left["m"].detail
    assert left["m"].remedy == "stop ovn-controller on the host, then: nova-decom remove node1"


@pytest.mark.parametrize(
    ("found", "asked", "waits"),
    [
        (LIVING, OFFLINE, True),
        (replace(LIVING, has_moved=True), OFFLINE, False),
        (CONTROLLER, OFFLINE, False),
        (LIVING, request(), False),
        (LIVING, request(offline=True, keep_agents=True), False),
        (agent(alive=True), OFFLINE, False),
    ],
    ids=["called alive", "has answered", "dead", "not offline", "kept", "an agent of OVS"],
)
def test_only_an_agent_of_ovn_that_may_be_dead_is_waited_for(found, asked, waits):
    """The first list after a silence shows it alive."""
    assert bool(list(AwaitAgents().changes(facts(agents=(found,), request=asked)))) is waits


def dead_host(*agents):
    """A host of which only these agents are left."""
    known = {"providers": (), "database": None, "was_known": True, "request": OFFLINE}
    return ghost(agents=agents, **known)


def test_an_agent_that_is_shown_dead_late_is_deleted_in_the_same_run(run):
    """Neutron shows it dead when its agents were listed often enough."""
    world = World(dead_host(LIVING))
    world.time.at(20, lambda: world.change(registrars=dead_host(CONTROLLER).registrars))

    report = run(world).go()

    assert report.result is Result.REMOVED
    assert "agent" in world.writes


def test_an_agent_that_answers_is_left_and_named(run):
    """The host was not dead after all."""
    world = World(dead_host(LIVING))
    moved = replace(LIVING, has_moved=True)
    world.time.at(5, lambda: world.change(registrars=dead_host(moved).registrars))

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.CHANGES)
    assert "agent" not in world.writes


class Neutron:
    """Lists these entries, filtered by host."""

    def __init__(self, *entries):
        """In this order."""
        self.entries, self.asked = entries, []

    def has(self, _service):
        """It is in the catalogue."""
        return True

    def list(self, _service, path, _key, _version, host=None):
        """Those of the hosts."""
        self.asked.append((path, host))
        return [e for e in self.entries if host is None or e["host"] in host]

    def find(self, _service, _path):
        """No such agent."""


def entry(name, host, beat="1", kind="OVN Controller agent"):
    """An agent as neutron lists it."""
    return {
        "id": name,
        "binary": "ovn-controller",
        "agent_type": kind,
        "host": host,
        "alive": True,
        "configurations": {"chassis_name": host if host == GHOST_HOST else name},
        "heartbeat_timestamp": beat,
    }


def test_a_heartbeat_that_differs_between_two_readings_has_moved():
    """And so it stays at the readings after it; one list serves all names of the host."""
    neutron = Neutron(entry("ch1", "node1"))
    read = NetworkAgents().read
    first = read(neutron, {"node1"}, None)
    still = read(neutron, {"node1"}, first)
    neutron.entries = (entry("ch1", "node1", "2"),)
    moved = read(neutron, {"node1"}, still)
    later = read(neutron, {"node1"}, moved)

    found = [r.agents[0].has_moved for r in (first, still, moved, later)]
    assert found == [False, False, True, True]
    assert neutron.asked == [("/agents", sorted({"node1", GHOST_HOST}))] * 4


GHOSTS = Neutron(
    entry("node1", GHOST_HOST),
    entry("meta", GHOST_HOST, kind="OVN Metadata agent"),
    entry("9d3f", GHOST_HOST),
)


def test_a_chassis_of_which_a_part_is_left_is_named_once_with_its_cure():
    """By its name it may be the host's; another one cannot be told."""
    reading = NetworkAgents().read(GHOSTS, {"node1"}, None)
    view = CloudSnapshot(registrars={NAME: reading})
    state = with_registrars(facts(), view)

    (left,) = NetworkAgents().leftovers(state)
    assert (left.kind, left.target) == ("ovn-chassis", "node1")
    assert left.remedy == CURE.format("node1")
    (unchecked,) = NetworkAgents().unchecked(state)
    assert f"if it was: {CURE.format('9d3f')}" in unchecked
    assert agents_of(state).own == ()


def test_an_audit_names_each_such_chassis_and_no_removal_cures_it():
    """A DELETE of its agents is answered with 204, and leaves it."""
    cloud = clean()
    reading = NetworkAgents().read(GHOSTS, None, AgentReading())
    cloud = replace(cloud, view=replace(cloud.view, registrars={NAME: reading}))

    found = {t.leftover.target: t.leftover.remedy for t in audit.records_of_registrars(cloud)}

    assert found == {name: CURE.format(name) for name in ("node1", "9d3f")}
