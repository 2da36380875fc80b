# SPDX-License-Identifier: Apache-2.0
"""Agents of ML2/OVN: neutron makes them of the records that a chassis has in OVN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from shlex import quote
from typing import ClassVar

from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.step import Step
from nova_decom.registrars.agent_records import NAME, NetworkAgent, agents_of, with_agents

#: The host and the chassis of agents whose ``Chassis`` is gone and whose ``Chassis_Private`` is
#: not (neutron 29.0.0 ovn/agent/neutron_agent.py, DeletedChassis).
GHOST_HOST = '("Chassis" register deleted)'
CONTROLLER = "OVN Controller"


def is_deletable(agent: NetworkAgent, others: Iterable[NetworkAgent]) -> bool:
    """True when the agent is dead, and of OVN all agents of its chassis.

    Neutron deletes the chassis with any of them, and that of a living ovn-controller would come
    back without what others have written into it.
    """
    if agent.alive or agent.refused:
        return False
    return not any(has_same_chassis(agent, other) and other.alive for other in others)


def has_same_chassis(agent: NetworkAgent, other: NetworkAgent) -> bool:
    """True when both are agents of one OVN chassis."""
    return agent.chassis is not None and agent.chassis == other.chassis


def in_order(agents: Iterable[NetworkAgent]) -> list[NetworkAgent]:
    """The agents, each ovn-controller before the other agents of its chassis."""
    return sorted(agents, key=lambda a: not a.agent_type.startswith(CONTROLLER))


def ghosts_of(agents: Iterable[NetworkAgent]) -> Iterator[str]:
    """The chassis of which only ``Chassis_Private`` is left, each once."""
    for agent in agents:
        if agent.host == GHOST_HOST and agent.agent_type.startswith(CONTROLLER):
            yield agent.id


def cure_of_ghost(chassis: str) -> str:
    """The commands that delete what is left in OVN, and then what neutron remembers of it.

    Neutron answers 204 to a DELETE alone and leaves the record; without a DELETE it goes on
    listing the agents (neutron 29.0.0).
    """
    name = quote(chassis)
    return f"ovn-sbctl destroy Chassis_Private {name}; openstack network agent delete {name}"


class AwaitAgents(Step):
    """Wait until neutron knows whether the OVN agents of a dead host are alive.

    With ``--offline``. Neutron asks a chassis for a sign of life only when its agents are listed,
    and calls an agent dead after two such signs that did not come: the first list after a silence
    shows a dead one as alive. One whose heartbeat moves is alive, and is named.
    """

    name: ClassVar[str] = "await-agents"
    reversible: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({NAME})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One for each OVN agent that is called alive and has not moved yet."""
        request = facts.request
        if not request.offline or request.keep_agents:
            return
        for agent in agents_of(facts).own:
            if agent.chassis and agent.alive and not agent.has_moved:
                detail = f"neutron must show the {agent.agent_type} dead, or its heartbeat move"
                yield Change(self.name, "prove", agent.id, detail, only_waits=True)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts with the agent dead, as the host is."""
        known = agents_of(facts)
        own = (replace(a, alive=False) if a.id == change.target else a for a in known.own)
        return with_agents(facts, replace(known, own=tuple(own)))
