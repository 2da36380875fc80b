# SPDX-License-Identifier: Apache-2.0
"""What holds for every step, over every state that a host may be in."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from nova_decom.model.plan import summary
from nova_decom.model.request import Part
from nova_decom.plan.jobs import ENABLE
from nova_decom.plan.leftovers import leftovers
from nova_decom.plan.planner import make_plan
from nova_decom.steps import PROCEDURE
from tests.unit.fake import FIELDS
from tests.unit.states import ALL_STATES

STEPS = pytest.mark.parametrize("step", PROCEDURE, ids=lambda step: step.name)
STATES = pytest.mark.parametrize("state", ALL_STATES.values(), ids=ALL_STATES)
#: What a step may not touch: it is of other hosts, of the operator, or of the past.
NOT_OURS = ("host", "request", "fleet", "identity", "was_known", "unchecked")


def before(step, state):
    """The facts as the steps that come earlier in the procedure leave them."""
    for earlier in PROCEDURE[: PROCEDURE.index(step)]:
        for change in tuple(earlier.changes(state)):
            state = earlier.after(change, state)
    return state


@STEPS
def test_a_step_is_named_and_described(step):
    """The name is in kebab-case; the first paragraph of the docstring is one sentence."""
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", step.name)
    assert re.fullmatch(r"[A-Z].*[^.]\.", summary(step))
    assert isinstance(step.reversible, bool)
    assert step.reads


def test_names_of_steps_are_unique():
    """Plans and journals tell changes apart by the name of the step."""
    assert len({step.name for step in PROCEDURE}) == len(PROCEDURE)


@STATES
@STEPS
def test_each_change_disappears_by_being_made(step, state):
    """``after`` answers ``changes``: what was made is not asked for again."""
    state = before(step, state)
    for change in tuple(step.changes(state)):
        state = step.after(change, state)

        assert change.key not in {c.key for c in step.changes(state)}


@STATES
@STEPS
def test_the_same_facts_give_the_same_changes(step, state):
    """A plan that is made twice is the same plan, in the same order."""
    state = before(step, state)

    assert list(step.changes(state)) == list(step.changes(state))


#: What is read anew before a change: what the step asks for, what that follows from (whose an
#: allocation is, by servers and migrations), what ``apply`` takes (providers), and what the guards
#: ask for again before the service is deleted.
READS = {
    "disable-service": {Part.SERVICES},
    "move-servers": {
        *(Part.SERVICES, Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS, Part.ROOM),
    },
    "await-arrivals": {Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS},
    "stop-service": {Part.HEARTBEATS, Part.UNIT},
    "clear-allocations": {Part.SERVERS, Part.MIGRATIONS, Part.PROVIDERS, Part.ALLOCATIONS},
    "repair-registration": {
        *(Part.SERVICES, Part.COMPUTE_NODES, Part.AGGREGATES, Part.DATABASE, Part.PROVIDERS),
        *(Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS),
    },
    "delete-service": {
        *(Part.SERVICES, Part.HEARTBEATS, Part.SERVERS, Part.MIGRATIONS, Part.DATABASE),
        Part.ALLOCATIONS,
    },
    "delete-providers": {Part.SERVICES, Part.PROVIDERS, Part.ALLOCATIONS},
    "pause-recovery": {"masakari", Part.SERVICES},
    "delete-segment-host": {"masakari"},
    "delete-reservable-host": {"blazar", Part.SERVICES},
    "await-agents": {"network-agents"},
    "reschedule-agents": {"network-agents"},
    "delete-agents": {"network-agents"},
    "delete-queues": {"message-queue"},
    "close-evacuations": {Part.SERVICES, Part.DATABASE},
    "purge-rows": {Part.SERVICES, Part.DATABASE},
    "purge-registration": {Part.SERVICES, Part.AGGREGATES, Part.DATABASE},
    "enable-service": {Part.SERVICES},
}
REVERSIBLE = {
    *("disable-service", "await-arrivals", "move-servers", "stop-service", "await-agents"),
    "pause-recovery",
    "enable-service",
}


def test_each_step_reads_what_decides_and_says_whether_there_is_a_way_back():
    """A part that is not read anew is as old as the plan; guards are asked again where none is."""
    steps = (*PROCEDURE, *ENABLE.steps)

    assert {step.name: step.reads | step.guarded for step in steps} == READS
    assert {step.name: step.guarded for step in steps if step.guarded} == {
        "repair-registration": {Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS},
        "delete-service": {Part.HEARTBEATS, Part.SERVERS, Part.MIGRATIONS, Part.ALLOCATIONS},
    }
    assert {step.name for step in steps if step.reversible} == REVERSIBLE


#: Services come with the heartbeats. Whether a host without a service is haunted may be as old as
#: the plan: to stop a nova-compute that nobody knows is right all the same.
READ_OTHERWISE = {
    "stop-service": {
        Part.SERVICES,
        Part.COMPUTE_NODES,
        Part.AGGREGATES,
        Part.PROVIDERS,
        Part.DATABASE,
    }
}


@STEPS
def test_a_step_asks_only_for_what_it_reads(step):
    """Everything else may be as old as the plan: it is not read anew before a change."""
    known = step.reads | READ_OTHERWISE.get(step.name, set())
    old = [field for part, field in FIELDS.items() if part not in known]
    states = tuple(ALL_STATES.values())
    for number, state in enumerate(states):
        for other in (*states[:number:3], *states[number % 5 :: 5]):
            stale = replace(state, **{field: getattr(other, field) for field in old})

            assert list(step.changes(stale)) == list(step.changes(state))


@STATES
@STEPS
def test_no_change_is_asked_for_twice(step, state):
    """Each has a key of its own, so that its outcome can be told."""
    keys = [change.key for change in step.changes(before(step, state))]

    assert len(keys) == len(set(keys))


@STATES
@STEPS
def test_a_change_says_what_it_does(step, state):
    """Step, action, target and the call or the statements that will run."""
    for change in step.changes(before(step, state)):
        assert change.step == step.name
        assert all((change.action, change.target, change.detail))
        assert (change.rows is None) is (change.transaction is None)


@STATES
@STEPS
def test_no_step_touches_what_is_not_of_this_host(step, state):
    """Other hosts, and rows of this cell that name another host, stay as they are."""
    state = before(step, state)
    for change in tuple(step.changes(state)):
        later = step.after(change, state)

        assert {n: getattr(later, n) for n in NOT_OURS} == {n: getattr(state, n) for n in NOT_OURS}
        assert foreign_rows(later) == foreign_rows(state)
        assert later.kept_services == state.kept_services
        state = later


def foreign_rows(state):
    """Rows that name another host, in other spellings too."""
    if state.database is None:
        return ()
    rows = (*state.database.services, *state.database.compute_nodes)
    return tuple(row for row in rows if row.host != state.host)


@STATES
def test_after_the_plan_nothing_is_left_to_plan(state):
    """A plan brings the host to an end at which the same question has no answer any more."""
    assert make_plan(make_plan(state).result).changes == ()


@STATES
def test_where_something_is_to_be_done_something_is_to_be_seen(state):
    """Whatever a plan would change is shown as a leftover, so verify cannot overlook it."""
    if make_plan(state).changes:
        assert leftovers(state)


@STATES
def test_removable_states_are_not_blocked(state):
    """No guard forbids to begin in any of these states."""
    assert make_plan(state).blocked == ()


def test_facts_that_may_not_be_touched_are_facts():
    """The list of this test names fields that exist."""
    state = next(iter(ALL_STATES.values()))

    assert set(NOT_OURS) <= {field.name for field in fields(state)}
    assert replace(state) == state
