# SPDX-License-Identifier: Apache-2.0
"""The step reschedule-agents: no router or network loses its last agent."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from nova_decom.errors import TransientError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Result
from nova_decom.registrars.agent_hosting import (
    RescheduleAgents,
    cure_of_dead_agent,
    stranded,
    takers,
    with_targets,
)
from nova_decom.registrars.agent_records import AgentReading, Hosted, agents_of
from nova_decom.registrars.network_agents import NetworkAgents
from tests.unit.build import agent, facts, hosted, request
from tests.unit.world import World

STEP = RescheduleAgents()
WANTED = request(reschedule_agents=True)
NETWORK = hosted("n1", "dhcp-networks")
TAKE, GIVE = ("take", "id-of-r1"), ("give", "id-of-r1")


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (facts(hosted=(hosted(),)), []),
        (facts(hosted=(hosted(),), request=WANTED), [TAKE, GIVE]),
        (facts(hosted=(hosted(is_bound=False),), request=WANTED), [GIVE]),
        (facts(hosted=(hosted(is_bound=False, target=None),), request=WANTED), []),
        (facts(hosted=(NETWORK,), request=WANTED), [("give", "id-of-n1")]),
        (
            facts(hosted=(NETWORK,), request=request(reschedule_agents=True, keep_agents=True)),
            [],
        ),
    ],
    ids=["not asked for", "router", "router taken", "no agent", "network", "agents kept"],
)
def test_each_gets_a_living_agent(state, changes):
    """A router has one agent, and a network may have several."""
    assert [(c.action, c.target) for c in STEP.changes(state)] == changes


def test_the_requests_are_those_of_the_plan():
    """With the name, which people know."""
    take, give = STEP.changes(facts(hosted=(hosted(agent="old", target="new"),), request=WANTED))

    assert take.detail == "DELETE /agents/old/l3-routers/id-of-r1 (router 'r1' id-of-r1, on node1)"
    assert give.detail == (
        'POST /agents/new/l3-routers {"router_id": "id-of-r1"} (router \'r1\' id-of-r1, on node1)'
    )


def test_all_are_given_away_before_the_agent_goes(run):
    """The agent is deleted last."""
    world = World(facts(agents=(agent(),), hosted=(hosted(), NETWORK), request=WANTED))

    report = run(world).go()

    assert report.result is Result.REMOVED
    assert world.writes == ["disable", "stop", "delete", "take", "give", "give", "agent", "purge"]


def test_an_answer_of_500_counts_for_nothing_when_a_living_agent_serves_the_router(run):
    """Neutron has scheduled the router, and its agent did not answer."""
    world = World(facts(agents=(agent(),), hosted=(hosted(),), request=WANTED))
    world.fail(5, TransientError("HTTP 500", "look"), answer_lost=True)

    report = run(world).go()

    assert report.result is Result.REMOVED
    assert (world.writes.count("give"), world.writes.count("agent")) == (1, 1)


def test_an_agent_is_not_deleted_while_no_other_takes_its_router(run):
    """The run ends there, and the next one gives the router away."""
    world = World(facts(agents=(agent(),), hosted=(hosted(),), request=WANTED))
    world.failures = {n: TransientError("HTTP 500", "look") for n in range(5, 9)}

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert "agent" not in world.writes
    assert agents_of(world.truth).hosted == (hosted(is_bound=False),)


class Neutron:
    """Answers these paths, and 404 to all others."""

    def __init__(self, answers):
        """Path -> body, or list."""
        self.answers, self.asked = answers, []

    def has(self, _service):
        """It is in the catalogue."""
        return True

    def find(self, _service, path):
        """The body, if there is one."""
        self.asked.append(path)
        return self.answers.get(path)

    def list(self, _service, path, _key, **params):
        """A list."""
        self.asked.append((path, params))
        return self.answers.get(path, ())


L3 = agent(id="a1", agent_type="L3 agent")
DHCP = agent(id="a2", agent_type="DHCP agent")
R1 = Hosted("l3-routers", "r1", "one", "a1", "node1")
DEAD, ALIVE = {"alive": False}, {"alive": True}
ANSWERS = {
    "/agents/a1/l3-routers": {"routers": [{"id": r, "name": "one"} for r in ("r1", "r2", "r3")]},
    "/agents/a2/dhcp-networks": {"networks": []},
    "/routers/r1/l3-agents": {"agents": [DEAD]},
    "/routers/r2/l3-agents": {"agents": [DEAD, ALIVE]},
    "/routers/old/l3-agents": {"agents": []},
}


def test_only_what_no_living_agent_serves_is_named():
    """r2 has another agent, and r3 was deleted meanwhile."""
    api = Neutron(ANSWERS)

    assert stranded(api, (L3, DHCP), ()) == (R1,)
    assert len(api.asked) == 5  # one for each agent, and one for each router


def test_agents_that_live_or_serve_nothing_by_their_kind_are_not_asked():
    """The usual host costs no request, and agents of other hosts cost none."""
    api = Neutron({})
    living = agent(id="a3", agent_type="L3 agent", alive=True)
    reading = AgentReading((agent(), living, agent(id="a4", agent_type="L3 agent", host="node9")))

    assert NetworkAgents().of_run(api, reading, {"node1"}) == reading
    assert api.asked == []


def test_a_router_that_was_taken_from_its_agent_is_named_until_another_has_it():
    """Between the two requests no agent has it."""
    old = Hosted("l3-routers", "old", "older", "gone", "node1")
    served = Hosted("l3-routers", "r2", "two", "gone", "node1")
    elsewhere = Hosted("l3-routers", "r9", "nine", "gone", "node9")
    reading = AgentReading((), (old, served, elsewhere))

    read = NetworkAgents().of_run(Neutron(ANSWERS), reading, {"node1"})

    assert read.hosted == (
        elsewhere,
        Hosted("l3-routers", "old", "older", "gone", "node1", is_bound=False),
    )


def test_agents_take_turns_and_the_one_that_serves_the_fewest_begins():
    """Living ones whose mode serves the whole cloud, of hosts that stay."""

    def entry(name, routers, **what):
        known = {"alive": True, "admin_state_up": True, "host": name, "agent_type": "L3 agent"}
        conf = {"routers": routers, "agent_mode": what.pop("mode", "legacy")}
        return {"id": name, "configurations": conf} | known | what

    api = Neutron(
        {
            "/agents": [
                entry("busy", 9),
                entry("idle", 1, mode="dvr_snat"),
                entry("dead", 0, alive=False),
                entry("off", 0, admin_state_up=False),
                entry("node1", 0),
                entry("local", 0, mode="dvr"),
                entry("other", 0, agent_type="DHCP agent"),
            ]
        }
    )
    routers = [Hosted("l3-routers", f"r{n}", "", "a1", "node1") for n in range(3)]

    found = with_targets(routers, takers(api, {"l3-routers"}), {"node1"})

    assert [h.target for h in found] == ["idle", "busy", "idle"]
    assert api.asked == [("/agents", {"agent_type": "L3 agent"})]


def test_where_no_agent_lives_there_is_no_target():
    """The guard says so."""
    assert tuple(with_targets([R1], takers(Neutron({}), {"l3-routers"}), ())) == (R1,)


def test_the_journal_has_what_the_agents_served_and_a_restore_names_what_moved():
    """Neutron forgets it with the agent."""
    state = facts(agents=(agent(),), hosted=(hosted(), NETWORK))
    registrar = NetworkAgents()
    saved = [asdict(record) for record in registrar.records(state)]

    assert [h["id"] for h in saved[0]["serves"]] == ["id-of-r1", "id-of-n1"]
    told = list(registrar.lost(saved, {"id-of-r1", "id-of-n1"}, state))
    assert [text.partition(", OLD, ")[0] for text in told] == [
        "router 'r1' id-of-r1 was given to another agent",
        "network 'n1' id-of-n1 was given to another agent",
    ]
    assert "openstack network agent add router --l3 NEW id-of-r1; " in told[0]
    assert "openstack network agent add network --dhcp NEW id-of-n1; " in told[1]
    assert list(registrar.lost(saved, {"id-of-r1"}, state)) == told[:1]


@pytest.mark.parametrize(
    ("dead", "cure"),
    [
        (L3, "give what it serves to another agent (openstack router list --agent a1), then: "),
        (DHCP, "give what it serves to another agent (openstack network list --agent a2), then: "),
        (agent(id="a3"), ""),
    ],
    ids=["L3", "DHCP", "another kind"],
)
def test_the_command_that_deletes_an_agent_comes_after_the_one_that_shows_what_it_serves(
    dead, cure
):
    """Neutron deletes one that serves routers without a word."""
    assert cure_of_dead_agent(dead) == f"{cure}openstack network agent delete {dead.id}"
