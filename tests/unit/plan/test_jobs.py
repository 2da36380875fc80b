# SPDX-License-Identifier: Apache-2.0
"""Jobs: which steps and guards each has, and what a plan makes of them."""

from __future__ import annotations

import pytest

from nova_decom.guards import GUARDS
from nova_decom.model.report import Result
from nova_decom.model.request import Servers
from nova_decom.plan.jobs import BRING_BACK, DRAIN, ENABLE, REMOVE, RETURN, _guards
from nova_decom.plan.planner import make_plan
from nova_decom.steps import PROCEDURE
from tests.unit import build
from tests.unit.build import facts
from tests.unit.moving_states import WEB, occupied

ALWAYS = "host-known host-exact cells-answering"
SERVERS = (
    "servers-present servers-arriving local-disks servers-movable capacity migrations-active "
    "service-alive"
)
JOBS = [
    (
        DRAIN,
        "disable-service await-arrivals move-servers",
        f"{ALWAYS} fleet-healthy last-host blast-radius foreign-disable {SERVERS} ironic",
    ),
    (ENABLE, "enable-service", f"{ALWAYS} own-disable servers-returning"),
    (
        BRING_BACK,
        "enable-service move-servers",
        f"{ALWAYS} own-disable servers-returning servers-movable",
    ),
    (RETURN, "move-servers", f"{ALWAYS} servers-movable capacity migrations-active"),
]


@pytest.mark.parametrize(
    ("job", "steps", "guards"), JOBS, ids=["drain", "enable", "bring back", "return"]
)
def test_a_job_has_its_steps_and_guards(job, steps, guards):
    """In this order; what deletes nothing needs fewer guards."""
    assert [step.name for step in job.steps] == steps.split()
    assert [guard.name for guard in job.guards] == guards.split()


def test_a_plan_asks_the_guards_of_its_job():
    """And of no other."""
    found = make_plan(facts(), DRAIN).findings

    assert [f.guard for f in found] == [guard.name for guard in DRAIN.guards]


def test_only_a_removal_foretells_what_is_left_and_what_stays():
    """A host that is drained or enabled is meant to stay as it is."""
    state = facts(other_services=[build.conductor()], agents=(build.agent(alive=True),))
    removed, drained = make_plan(state), make_plan(state, DRAIN)

    assert (len(removed.leftovers), len(removed.kept)) == (1, 1)
    assert (drained.leftovers, drained.kept) == ((), ())


@pytest.mark.parametrize(
    ("here", "steps"),
    [
        (build.service(), ["disable-service"]),
        (build.service(status="disabled", disabled_reason="broken fan"), []),
        (build.service(status="disabled"), []),
    ],
    ids=["enabled", "disabled by somebody", "disabled without a reason"],
)
def test_to_claim_a_host_is_no_work_by_itself(here, steps):
    """A host that is empty and disabled is drained, whoever disabled it."""
    state = facts(service=here)
    plan = make_plan(state, DRAIN)

    assert [c.step for c in plan.changes] == steps
    assert (plan.result == state) is (not steps)


def test_a_host_that_is_disabled_is_claimed_before_its_servers_move():
    """Then there is work, and another run must not begin with the same."""
    plan = make_plan(occupied(WEB, service=build.service(status="disabled")), DRAIN)

    assert [c.step for c in plan.changes] == ["disable-service", "move-servers"]


def test_removing_takes_all_steps_and_guards_and_asks_first():
    """Only enabling a host goes without a question."""
    assert (REMOVE.steps, REMOVE.guards) == (PROCEDURE, GUARDS)
    assert [(job.name, job.result, job.asks) for job in (REMOVE, DRAIN, ENABLE)] == [
        ("remove", Result.REMOVED, True),
        ("drain", Result.DRAINED, True),
        ("enable", Result.ENABLED, False),
    ]


@pytest.mark.parametrize(
    ("host", "service", "steps"),
    [
        ("node1", build.service(status="disabled"), ["enable-service", "move-servers"]),
        ("node2", build.service("node2", status="disabled"), ["move-servers"]),
    ],
)
@pytest.mark.parametrize("status", ["disabled", "enabled"])
def test_servers_come_back_to_a_host_that_is_enabled_first(host, service, steps, status):
    """Hosts from which they come stay as they are, and only the chosen servers leave."""
    asked = build.request(
        servers=Servers.AUTO,
        home="node1",
        target="node1",
        leaving=frozenset({"node1", "node2"}),
        only=frozenset({"id-of-web"}),
        stopped=frozenset({"id-of-web"}),
    )
    stopped = build.server(status="SHUTOFF" if host == "node1" else "ACTIVE", host=host)
    servers = (stopped, build.server("other", host=host))
    home = build.service(status=status, disabled_reason="nova-decom RUN by ops@jump: old")
    cloud = build.fleet(home, build.neighbour())
    state = facts(host, request=asked, service=service, servers=servers, fleet=cloud)

    plan = make_plan(state, BRING_BACK)

    assert [c.step for c in plan.changes] == steps
    assert plan.changes[-1].target == "id-of-web"
    assert not [f for f in plan.blocked if f.guard != "own-disable"]


def test_guards_are_chosen_by_name_and_keep_the_order_of_the_job():
    """A name that no guard has is an error of ours."""
    assert [guard.name for guard in _guards("ironic", "capacity")] == ["ironic", "capacity"]
    with pytest.raises(KeyError):
        _guards("iron")
