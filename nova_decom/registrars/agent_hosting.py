# SPDX-License-Identifier: Apache-2.0
"""Routers and networks that only dead agents of a host serve: reading, guard and step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import ClassVar

from nova_decom.model.api_call import ApiCall
from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Objection, Verdict, some
from nova_decom.model.registrar import Access
from nova_decom.model.step import Step
from nova_decom.registrars.agent_records import (
    KINDS,
    NAME,
    Hosted,
    NetworkAgent,
    Taker,
    agents_of,
    with_agents,
)

#: Type of agent -> its list of what it serves, the list's key, the path of one thing's agents.
SERVING = {
    "L3 agent": ("l3-routers", "routers", "/routers/{}/l3-agents"),
    "DHCP agent": ("dhcp-networks", "networks", "/networks/{}/dhcp-agents"),
}
#: Type of agent -> the command that shows what an agent serves.
SHOWS = {
    "L3 agent": "openstack router list --agent",
    "DHCP agent": "openstack network list --agent",
}
#: The modes of an L3 agent that serves routers of the whole cloud.
CENTRAL_MODES = {"legacy", "dvr_snat"}


def stranded(
    access: Access, agents: Iterable[NetworkAgent], before: Iterable[Hosted]
) -> tuple[Hosted, ...]:
    """The routers and networks of dead L3 and DHCP agents that no living agent serves.

    One request for each agent, and one for each router or network. Those of ``before`` that an
    agent no longer has are among them until a living agent has them.
    """
    found: dict[str, Hosted] = {}
    for agent in agents:
        if agent.agent_type in SERVING and not agent.alive:
            kind, key, _ = SERVING[agent.agent_type]
            body = access.find("network", f"/agents/{agent.id}/{kind}") or {}
            found |= {
                e["id"]: Hosted(kind, e["id"], e["name"], agent.id, agent.host)
                for e in body.get(key, ())
            }
    for hosted in before:
        found.setdefault(hosted.id, replace(hosted, is_bound=False))
    return tuple(h for h in found.values() if _is_stranded(access, h))


def _is_stranded(access: Access, hosted: Hosted) -> bool:
    """True when the router or network exists and no living agent has it."""
    path = next(path for kind, _, path in SERVING.values() if kind == hosted.kind)
    body = access.find("network", path.format(hosted.id))
    return body is not None and not any(a["alive"] for a in body["agents"])


def takers(access: Access, kinds: Collection[str]) -> dict[str, tuple[Taker, ...]]:
    """For each of these kinds the living agents that may serve it, the least busy one first."""
    return {
        kind: tuple(_takers(access, agent_type, key))
        for agent_type, (kind, key, _) in SERVING.items()
        if kind in kinds
    }


def _takers(access: Access, agent_type: str, key: str) -> Iterator[Taker]:
    takes = [
        a
        for a in access.list("network", "/agents", "agents", agent_type=agent_type)
        if a["agent_type"] == agent_type
        and a["alive"]
        and a["admin_state_up"]
        and a["configurations"].get("agent_mode", "legacy") in CENTRAL_MODES
    ]
    for agent in sorted(takes, key=lambda a: (a["configurations"].get(key, 0), a["host"])):
        yield agent["id"], agent["host"]


def with_targets(
    hosted: Sequence[Hosted], of_kind: Mapping[str, Sequence[Taker]], leaving: Collection[str]
) -> Iterator[Hosted]:
    """Each with the agent that would serve it: those of hosts that stay take turns."""
    for number, one in enumerate(hosted):
        staying = [agent for agent, host in of_kind.get(one.kind, ()) if host not in leaving]
        yield replace(one, target=staying[number % len(staying)] if staying else None)


def take_from_agent(agent: str, kind: str, target: str) -> ApiCall:
    """Take a router or a network (``kind`` is the agent's list) from a network agent."""
    return ApiCall("network", "DELETE", f"/agents/{agent}/{kind}/{target}")


def give_to_agent(agent: str, kind: str, target: str) -> ApiCall:
    """Let a network agent serve a router or a network; neutron answers 409 if one does already."""
    body = {f"{KINDS[kind]}_id": target}
    return ApiCall("network", "POST", f"/agents/{agent}/{kind}", None, body)


def agents_hosting(facts: HostFacts) -> Objection | None:
    """No router and no network is served by dead agents of the host alone.

    Neutron does not reschedule what a deleted agent served, and no longer tells what it was.
    """
    if facts.request.keep_agents or not agents_of(facts).hosted:
        return None
    number = len(agents_of(facts).hosted)
    text = (
        f"dead agents of the host are the only ones of {number} router{'s' if number > 1 else ''} "
        f"or network{'s' if number > 1 else ''}: {some(h.text for h in agents_of(facts).hosted)}"
    )
    if not facts.request.reschedule_agents:
        return Objection(
            text,
            "--reschedule-agents gives them to living agents first; or --keep-agents",
        )
    lost = [h.text for h in agents_of(facts).hosted if h.target is None]
    if lost:
        return Objection(
            f"no living agent of another host can take {some(lost)}",
            "start one, or --keep-agents; openstack network agent list shows all",
        )
    return Objection(text, "they are given to living agents first", Verdict.WARNING)


def cure_of_dead_agent(agent: NetworkAgent) -> str:
    """The command that deletes one agent; before it, the one that shows what it serves."""
    name = quote(agent.id)
    delete = f"openstack network agent delete {name}"
    shows = SHOWS.get(agent.agent_type)
    if shows is None:
        return delete
    return f"give what it serves to another agent ({shows} {name}), then: {delete}"


TAKE, GIVE = "take", "give"


class RescheduleAgents(Step):
    """Give routers and networks that only dead agents of the host serve to living agents.

    Only with ``--reschedule-agents``. Neutron takes a router from its agent first: it refuses one
    that another agent has (409). It waits for the answer of the agent that is to serve a router,
    and answers 500 without one, though the router is scheduled then: what counts is the reading
    after it.
    """

    name: ClassVar[str] = "reschedule-agents"
    reads: ClassVar[frozenset[str]] = frozenset({NAME})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """For a router two changes, for a network one, while no living agent serves it."""
        request = facts.request
        if request.keep_agents or not request.reschedule_agents:
            return
        for hosted in agents_of(facts).hosted:
            if hosted.is_bound and KINDS[hosted.kind] == "router":
                call = take_from_agent(hosted.agent, hosted.kind, hosted.id)
                yield self._change(TAKE, hosted, call)
            if hosted.target is not None:
                call = give_to_agent(hosted.target, hosted.kind, hosted.id)
                yield self._change(GIVE, hosted, call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts with the router taken from its agent, or served by a living one."""
        known = agents_of(facts)
        if change.action == TAKE:
            hosted = tuple(
                replace(h, is_bound=False) if h.id == change.target else h for h in known.hosted
            )
        else:
            hosted = tuple(h for h in known.hosted if h.id != change.target)
        return with_agents(facts, replace(known, hosted=hosted))

    def _change(self, action: str, hosted: Hosted, call: ApiCall) -> Change:
        detail = f"{call.text} ({hosted.text}, on {hosted.host})"
        return Change(self.name, action, hosted.id, detail, call=call)
