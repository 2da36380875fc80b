# SPDX-License-Identifier: Apache-2.0
"""Neutron's agents, and the step delete-agents: dead agents of exactly this host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.errors import MissingRightError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.host_slice import Memory, host_facts
from nova_decom.model.report import Result
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.registrars import with_registrars
from nova_decom.registrars.network_agents import DeleteAgents, NetworkAgents, agents_of
from tests.unit.build import AGENT, agent, agent_reading, agents, facts, ghost, request
from tests.unit.fake import FakeCloud
from tests.unit.world import World

STEP = DeleteAgents()
KEEP = request(keep_agents=True)
METADATA = agent(id="metadata", binary="neutron-metadata-agent", agent_type="Metadata agent")


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (facts(), []),
        (facts(agents=(agent(),)), [AGENT]),
        (ghost(agents=(agent(),)), [AGENT]),
        (facts(agents=(agent(), METADATA)), [AGENT, "metadata"]),
        (facts(agents=(agent(alive=True),)), []),
        (facts(agents=(agent(alive=True), METADATA)), ["metadata"]),
        (facts(agents=(agent(refused=True), METADATA)), ["metadata"]),
        (facts(agents=(agent(),), request=KEEP), []),
    ],
    ids=[
        "none",
        "one",
        "one of a ghost",
        "two",
        "alive",
        "one of them alive",
        "one that neutron keeps",
        "all to stay",
    ],
)
def test_dead_agents_are_deleted(state, found):
    """One that lives would come back; one that neutron keeps is not asked for again."""
    assert [(c.action, c.target) for c in STEP.changes(state)] == [("delete", a) for a in found]


def test_the_plan_says_which_agent():
    """By its type, which people know, and the host that it is of."""
    (change,) = STEP.changes(facts(agents=(agent(host="node1.example.org"),)))

    assert change.detail == f"DELETE /agents/{AGENT} (Open vSwitch agent on node1.example.org)"


def test_only_the_agent_goes():
    """The others stay for their own changes."""
    state = facts(agents=(agent(), METADATA))
    change, _ = STEP.changes(state)

    assert STEP.after(change, state) == replace(state, registrars=agents(METADATA))


def test_the_agent_is_deleted_by_one_call():
    """With a request id to look for."""
    world = World(facts(agents=(agent(), METADATA)))
    change, _ = STEP.changes(world.truth)

    assert STEP.apply(change, FakeCloud(world), world.truth) == "req-1"
    assert (world.writes, agents_of(world.truth).own) == (["agent"], (METADATA,))


@pytest.mark.parametrize(
    ("aliases", "found"),
    [((), ["node1"]), (("node1.example.org",), ["node1", "node1.example.org"])],
)
def test_agents_of_other_names_are_the_hosts_only_by_an_alias(aliases, found):
    """Neutron may know the host by another name; nobody guesses it."""
    hosts = ("node1", "node1.example.org", "NODE1", "node11")
    view = CloudSnapshot(registrars=agent_reading(*(agent(id=host, host=host) for host in hosts)))

    asked = request(aliases=frozenset(aliases))
    state = with_registrars(host_facts(view, "node1", asked, Memory()), view)

    assert [c.target for c in STEP.changes(state)] == found


def test_an_agent_that_neutron_does_not_delete_is_told_with_what_does(run):
    """The host is otherwise removed; nothing waits for what will not happen."""
    world = World(facts(agents=(agent(),)))
    world.has_chassis = True

    report = run(world).go()

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.CHANGES)
    assert [(trace.kind, trace.target) for trace in report.leftovers] == [("network-agent", AGENT)]
    assert report.remedy == "remove its OVN chassis"
    assert world.writes == ["disable", "stop", "delete", "purge"]
    (told,) = [o for o in report.outcomes if o.change.step == "delete-agents"]
    assert (told.status, told.error) == (Status.FAILED, "HTTP 400: a chassis has it")


def test_asking_again_for_what_neutron_does_not_do_changes_nothing(run):
    """Only what was deleted counts as a change; the answer is the same as before."""
    world = World(ghost(providers=(), database=None, agents=(agent(),), was_known=True))
    world.has_chassis = True

    first, second = run(world).go(), run(world).go()

    assert (first.changed, second.changed) == (False, False)
    assert (first.exit_code, second.exit_code) == (ExitCode.CHANGES, ExitCode.CHANGES)
    assert first.leftovers == second.leftovers


class Neutron:
    """Lists agents, also of hosts that were not asked for; or is not in the catalogue."""

    def __init__(self, *hosts, refuses=False):
        """One agent of each host; ``refuses`` the lists of what an agent serves."""
        self.hosts, self.refuses, self.probes = hosts, refuses, 0

    def has(self, _service):
        """Without agents it is not there."""
        return bool(self.hosts)

    def list(self, *_asked, **_params):
        """Every agent, as a neutron that does not know the filter."""
        kind = {"binary": "neutron-dhcp-agent", "agent_type": "DHCP agent", "alive": False}
        return [{"id": f"of {host}", "host": host, **kind} for host in self.hosts]

    def find(self, _service, path):
        """No such agent, or the refusal that neutron gives before it looks."""
        self.probes += 1
        if self.refuses:
            raise MissingRightError(f"GET {path}: HTTP 403", "give the right")


class Hiding(Neutron):
    """A neutron that shows its agents to nobody."""

    def has(self, _service):
        """It is there."""
        return True

    def list(self, *_asked, **_params):
        """None."""
        return []


@pytest.mark.parametrize(
    ("api", "detail"),
    [(Neutron(), "no network service in the catalogue"), (Neutron("node1", "node2"), "2 agents")],
    ids=["no neutron", "two agents"],
)
def test_doctor_lists_the_agents(api, detail):
    """A cloud without neutron has none."""
    assert NetworkAgents().check(api).detail.startswith(detail)


def test_agents_of_other_hosts_are_left_out_though_neutron_lists_them():
    """The filter is compared again, exactly."""
    reading = NetworkAgents().read(Neutron("node1", "NODE1", "node10"), {"node1"}, None)

    assert [a.host for a in reading.agents] == ["node1"]


@pytest.mark.parametrize("names", [{"node1"}, None], ids=["of a host", "of all"])
def test_agents_that_neutron_hides_from_the_token_are_no_clean_host(names):
    """Neutron answers 200 and an empty list, as for a cloud without agents."""
    registrar, hiding = NetworkAgents(), Hiding("node1", refuses=True)

    with pytest.raises(MissingRightError, match="no agent, and neutron hides agents"):
        registrar.read(hiding, names, None)
    with pytest.raises(MissingRightError, match="HTTP 403"):
        registrar.check(hiding)
    assert registrar.check(Hiding()).detail == "0 agents"


def test_the_right_to_see_agents_is_asked_for_once_and_only_where_none_is_listed():
    """An agent of another host proves it too, where the token may not list what agents serve."""
    registrar, shown, other = NetworkAgents(), Neutron("node1"), Neutron("node2", refuses=True)
    registrar.read(shown, {"node1"}, None)
    empty = Neutron("node2")
    before = registrar.read(empty, {"node1"}, None)
    registrar.read(empty, {"node1"}, before)

    assert (shown.probes, empty.probes) == (0, 1)
    assert registrar.read(other, {"node1"}, None).of == {}
