# SPDX-License-Identifier: Apache-2.0
"""Registrar network-agents."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any, ClassVar

from nova_decom.errors import MissingRightError
from nova_decom.model.api_call import ABSENT, ApiCall
from nova_decom.model.change import Change
from nova_decom.model.guard import Guard
from nova_decom.model.host import HostFacts
from nova_decom.model.names import removal
from nova_decom.model.plan import Kept, Leftover, counted
from nova_decom.model.registrar import Access, Checked, Ghost, Registrar
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.model.step import Step
from nova_decom.registrars.agent_hosting import (
    RescheduleAgents,
    agents_hosting,
    cure_of_dead_agent,
    stranded,
    takers,
    with_targets,
)
from nova_decom.registrars.agent_records import (
    NAME,
    AgentReading,
    Agents,
    Hosted,
    NetworkAgent,
    agents_of,
    with_agents,
)
from nova_decom.registrars.ovn_agents import (
    GHOST_HOST,
    AwaitAgents,
    cure_of_ghost,
    ghosts_of,
    in_order,
    is_deletable,
)

#: The client exits with 0 also where neutron refuses, and without the last option it asks nothing.
MOVE = {
    "l3-routers": "to move it to agent NEW: openstack network agent remove router --l3 OLD ID; "
    "openstack network agent add router --l3 NEW ID; openstack network agent list --router ID",
    "dhcp-networks": "to move it to agent NEW: openstack network agent remove network --dhcp OLD "
    "ID; openstack network agent add network --dhcp NEW ID; openstack network agent list "
    "--network ID",
}
GHOST = "only Chassis_Private is left of it: neutron lists its agents under no host"


def delete_agent(agent: str) -> ApiCall:
    """Delete a network agent; neutron refuses for some kinds (OVN before 18.0)."""
    return ApiCall("network", "DELETE", f"/agents/{agent}", is_optional=True)


class DeleteAgents(Step):
    """Delete the host's network agents that are not alive.

    Neutron would delete one that is alive too, and it would come back with its next report:
    those are named instead, to be stopped first. Agents of an OVN chassis are deleted when all
    of them are dead.
    """

    name: ClassVar[str] = "delete-agents"
    reads: ClassVar[frozenset[str]] = frozenset({NAME})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each dead agent of exactly this host or its aliases."""
        if facts.request.keep_agents:
            return
        own = agents_of(facts).own
        for agent in in_order(own):
            if is_deletable(agent, own):
                call = delete_agent(agent.id)
                detail = f"{call.text} ({agent.agent_type} on {agent.host})"
                yield Change(self.name, "delete", agent.id, detail, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the agent."""
        known = agents_of(facts)
        left = replace(known, own=tuple(a for a in known.own if a.id != change.target))
        return with_agents(facts, left)


class NetworkAgents(Registrar[AgentReading, Agents]):
    """Neutron has a record of each agent of a host, and schedules on those that report.

    Agents report under the value of ``host`` in neutron's configuration, which may be the host's
    name, a hypervisor hostname, or another name (``--host-alias``).
    """

    name: ClassVar[str] = NAME
    check_name: ClassVar[str] = "right to list network agents"
    rights: ClassVar[str] = "admin in neutron (`get_agent`, `delete_agent`, `get_dhcp-networks`)"
    guards: ClassVar[tuple[Guard, ...]] = (Guard("agents-hosting", agents_hosting),)
    after_delete: ClassVar[tuple[Step, ...]] = (
        AwaitAgents(),
        RescheduleAgents(),
        DeleteAgents(),
    )
    journal = ("agents", "network-agent", ("agent_type", "binary", "id"))

    def read(
        self, access: Access, names: Collection[str] | None, before: AgentReading | None
    ) -> AgentReading:
        """Read all agents, or those of a single host under all its names, by one list.

        Agents of OVN that lost their chassis are of no host: they are read each time.
        """
        if not access.has("network"):
            return AgentReading(None)
        known = {a.id: a for a in (before and before.agents) or ()}
        hosted = before.hosted if before else ()
        asked = None if names is None else {*names, GHOST_HOST}
        found = [_with_moves(agent, known) for agent in _listed(access, asked)]
        if not (found or (before and before.is_allowed)):
            _raise_if_hidden(access)
        others = [a for a in known.values() if asked is not None and a.host not in asked]
        return AgentReading((*others, *found), hosted, is_allowed=True)

    def of_run(
        self, access: Access, reading: AgentReading, names: Collection[str]
    ) -> AgentReading:
        """Read what dead agents of these names alone serve, and which agents could."""
        before = [h for h in reading.hosted if h.host in names]
        others = [h for h in reading.hosted if h.host not in names]
        found = stranded(access, (a for n in names for a in reading.of.get(n, ())), before)
        hosted = (*others, *found)
        return replace(reading, hosted=hosted, takers=takers(access, {h.kind for h in hosted}))

    def facts(self, reading: AgentReading | None, facts: HostFacts, view: CloudSnapshot) -> Agents:
        """The agents of the host and its aliases, and the dead ones of its hypervisors."""
        reading = reading or AgentReading()
        aliases = facts.request.aliases - {facts.host}
        others = facts.identity.names - aliases - {facts.host}
        own = [a for h in (facts.host, *sorted(aliases)) for a in reading.of.get(h, ())]
        names = {facts.host, *aliases}
        hosted = [h for h in reading.hosted if h.host in names]
        ghosts = tuple(ghosts_of(reading.of.get(GHOST_HOST, ())))
        all_names = names | facts.identity.names
        return Agents(
            tuple(replace(a, refused=a.id in view.refused) for a in own),
            tuple(
                a
                for name in sorted(others)
                if not _is_of_another(view, name, facts.host)
                for a in reading.of.get(name, ())
                if not a.alive
            ),
            hosted=tuple(with_targets(hosted, reading.takers, names | facts.request.leaving))
            if hosted
            else (),
            ghosts=tuple(g for g in ghosts if g in all_names),
            other_ghosts=tuple(g for g in ghosts if g not in all_names),
            is_read=reading.agents is not None,
        )

    def check(self, access: Access) -> Checked:
        """List the agents."""
        if not access.has("network"):
            return Checked("no network service in the catalogue; agents are not checked")
        found = tuple(_listed(access, None))
        if not found:
            _raise_if_hidden(access)
        return Checked(counted(len(found), "agent"))

    def names_of(self, facts: HostFacts) -> Iterator[Ghost]:
        """Each agent; one that is alive is not to be deleted."""
        for agent in agents_of(facts).own:
            alone = "" if agent.alive else cure_of_dead_agent(agent)
            text = f"network agent {agent.id}"
            yield Ghost(agent.host, "network-agent", agent.id, text, alone)

    def leftovers(self, facts: HostFacts) -> Iterator[Leftover]:
        """Every agent, the living ones to be stopped first."""
        if facts.request.keep_agents:
            return
        remove = removal(facts.host)
        own = agents_of(facts).own
        for agent in own:
            state, cure = "not alive", remove
            if agent.alive:
                state, cure = "still alive", f"stop it on the host, then: {remove}"
            elif not is_deletable(agent, own) and not agent.refused:
                state = "not alive, but another agent of its chassis is"
                cure = f"stop ovn-controller on the host, then: {remove}"
            elif agent.refused:
                state, cure = "neutron refuses to delete it", "remove its OVN chassis"
            detail = f"{agent.agent_type} ({agent.binary}), {state}"
            yield Leftover("network-agent", agent.id, detail, cure)
        for agent in agents_of(facts).by_hypervisor:
            detail = f"{agent.agent_type} ({agent.binary}) on {agent.host}, not alive"
            cure = removal(facts.host, "--host-alias", quote(agent.host))
            yield Leftover("network-agent", agent.id, detail, cure)
        for chassis in agents_of(facts).ghosts:
            yield Leftover("ovn-chassis", chassis, GHOST, cure_of_ghost(chassis))

    def kept(self, facts: HostFacts) -> Iterator[Kept]:
        """Every agent with ``--keep-agents``."""
        if facts.request.keep_agents:
            yield from (Kept(a.binary, a.host, "--keep-agents") for a in agents_of(facts).own)

    def unchecked(self, facts: HostFacts) -> Iterator[str]:
        """The agents, where there is no network service."""
        if not agents_of(facts).is_read:
            yield "network agents: no network service"
        for chassis in agents_of(facts).other_ghosts:
            yield (
                f"whether OVN chassis {chassis} was of this host: {GHOST}; "
                f"if it was: {cure_of_ghost(chassis)}"
            )

    def records(self, facts: HostFacts) -> tuple[NetworkAgent, ...]:
        """The agents of the host, with what they alone serve."""
        known = agents_of(facts)
        return tuple(
            replace(a, serves=tuple(h for h in known.hosted if h.agent == a.id)) for a in known.own
        )

    def lost(
        self, saved: Sequence[Mapping[str, Any]], begun: Collection[str], facts: HostFacts
    ) -> Iterator[str]:
        """The agents that were deleted and are not there again, and what others serve instead."""
        known = {a.id for a in agents_of(facts).own}
        for agent in saved:
            if agent["id"] in begun and agent["id"] not in known:
                yield f"{agent['binary']} on {agent['host']} registers again when it is started"
            for hosted in (Hosted(**h) for h in agent.get("serves", ())):
                if hosted.id in begun:
                    move = MOVE[hosted.kind].replace("ID", hosted.id)
                    yield f"{hosted.text} was given to another agent, OLD, and stays there; {move}"

    def ghosts(self, reading: AgentReading, gone: Collection[str]) -> Iterator[Ghost]:
        """The dead agents of these names, and chassis of which only a part is left."""
        for chassis in ghosts_of(reading.of.get(GHOST_HOST, ())):
            cure = cure_of_ghost(chassis)
            yield Ghost(chassis, "ovn-chassis", chassis, GHOST, cure, stays=True)
        for agent in reading.agents or ():
            if not agent.alive and agent.host in gone:
                detail = f"{agent.agent_type} of a host that nova does not know, not alive"
                alone = cure_of_dead_agent(agent)
                yield Ghost(agent.host, "network-agent", agent.id, detail, alone)


def _listed(access: Access, names: Collection[str] | None) -> Iterator[NetworkAgent]:
    """All agents, or those of exactly these hosts."""
    params = {} if names is None else {"host": sorted(names)}
    for entry in access.list("network", "/agents", "agents", None, **params):
        if names is None or entry["host"] in names:
            yield NetworkAgent(
                id=entry["id"],
                binary=entry["binary"],
                agent_type=entry["agent_type"],
                host=entry["host"],
                alive=bool(entry["alive"]),
                chassis=(entry.get("configurations") or {}).get("chassis_name"),
                heartbeat=entry.get("heartbeat_timestamp"),
            )


def _raise_if_hidden(access: Access) -> None:
    """Prove that no agent is hidden: neutron leaves those out that a token may not see.

    It refuses the networks of an agent before it looks for the agent (neutron 29.0.0).

    :raises MissingRightError: neutron refuses them, and lists no agent of any host.
    """
    try:
        access.find("network", f"/agents/{ABSENT}/dhcp-networks")
    except MissingRightError as error:
        if not any(_listed(access, None)):
            raise MissingRightError(
                f"GET /agents of network: no agent, and neutron hides agents without an error "
                f"from a token without rights ({error})",
                "give the token the rights get_agent, delete_agent and get_dhcp-networks",
            ) from error


def _with_moves(agent: NetworkAgent, known: Mapping[str, NetworkAgent]) -> NetworkAgent:
    """The agent; it has moved if its heartbeat is another than at an earlier reading."""
    before = known.get(agent.id)
    has_moved = before is not None and (before.has_moved or before.heartbeat != agent.heartbeat)
    return replace(agent, has_moved=has_moved)


def _is_of_another(view: CloudSnapshot, name: str, host: str) -> bool:
    """True when a name is another host's, or the hypervisor hostname of one."""
    return name in view.services_of or any(
        n.hypervisor_hostname == name and n.host != host for n in view.compute_nodes
    )
