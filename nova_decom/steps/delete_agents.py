# SPDX-License-Identifier: Apache-2.0
"""Step delete-agents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from nova_decom.model.api_call import delete_agent
from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.steps.base import Step


class DeleteAgents(Step):
    """Delete the host's network agents that are not alive.

    Neutron would delete one that is alive too, and it would come back with its next report:
    those are named instead, to be stopped first.
    """

    name: ClassVar[str] = "delete-agents"
    reads: ClassVar[frozenset[Part]] = frozenset({Part.AGENTS})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each dead agent of exactly this host or its aliases."""
        if facts.request.keep_agents:
            return
        for agent in facts.agents:
            if not agent.alive and not agent.refused:
                call = delete_agent(agent.id)
                detail = f"{call.text} ({agent.agent_type} on {agent.host})"
                yield Change(self.name, "delete", agent.id, detail, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the agent."""
        return replace(facts, agents=tuple(a for a in facts.agents if a.id != change.target))
