# SPDX-License-Identifier: Apache-2.0
"""Records of neutron: agents, and the routers and networks that they serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from nova_decom.model.host import HostFacts
from nova_decom.model.snapshot import grouped

NAME = "network-agents"
#: List of an agent -> what is in it.
KINDS = {"l3-routers": "router", "dhcp-networks": "network"}

#: An agent (id) and its host.
Taker = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Hosted:
    """A router or a network of a dead agent that no living agent serves.

    ``kind`` is the list of the agent that has it. ``is_bound`` is False once it was taken from the
    agent; ``target`` is the agent (id) that would serve it, None where none lives.
    """

    kind: str
    id: str
    name: str
    agent: str
    host: str
    is_bound: bool = True
    target: str | None = None

    @property
    def text(self) -> str:
        """Its kind, name and id."""
        return f"{KINDS[self.kind]} {self.name!r} {self.id}"


@dataclass(frozen=True, slots=True)
class NetworkAgent:
    """A neutron agent of exactly this host; ``refused`` when neutron would not delete it.

    ``serves`` is what it alone serves, in the journal.
    """

    id: str
    binary: str
    agent_type: str
    host: str
    alive: bool
    refused: bool = False
    #: The OVN chassis of which neutron makes the agent, and when it answered last.
    chassis: str | None = None
    heartbeat: str | None = field(default=None, compare=False)
    #: An OVN agent that has answered between two readings; ``alive`` alone may be old.
    has_moved: bool = field(default=False, compare=False)
    serves: tuple[Hosted, ...] = ()


@dataclass(frozen=True)
class AgentReading:
    """The agents of the cloud; None where it has no network service."""

    agents: tuple[NetworkAgent, ...] | None = ()
    hosted: tuple[Hosted, ...] = ()
    #: Kind of what is served -> the living agents that may serve it.
    takers: Mapping[str, tuple[Taker, ...]] = field(default_factory=dict)
    #: Neutron has shown an agent, or that the token may see agents.
    is_allowed: bool = False

    @cached_property
    def of(self) -> Mapping[str, tuple[NetworkAgent, ...]]:
        """Host -> its agents."""
        return grouped((a.host, a) for a in self.agents or ())


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents of one host."""

    own: tuple[NetworkAgent, ...] = ()
    #: Dead agents under hypervisor hostnames of the host that are no other host's.
    by_hypervisor: tuple[NetworkAgent, ...] = field(default=(), compare=False)
    #: The routers and networks that only dead agents of the host serve.
    hosted: tuple[Hosted, ...] = field(default=(), compare=False)
    #: The chassis of the host, and other ones, of which only ``Chassis_Private`` is left.
    ghosts: tuple[str, ...] = field(default=(), compare=False)
    other_ghosts: tuple[str, ...] = field(default=(), compare=False)
    is_read: bool = field(default=True, compare=False)


def agents_of(facts: HostFacts) -> Agents:
    """The agents among the facts of a host."""
    found: Agents = facts.registrars.get(NAME, Agents())
    return found


def with_agents(facts: HostFacts, agents: Agents) -> HostFacts:
    """The facts with other agents."""
    return replace(facts, registrars={**facts.registrars, NAME: agents})
