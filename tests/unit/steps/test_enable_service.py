# SPDX-License-Identifier: Apache-2.0
"""The step enable-service: nova-compute is enabled again, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.steps.enable_service import EnableService
from tests.unit import build
from tests.unit.build import SERVICE, facts, ghost, service
from tests.unit.fake import FakeCloud
from tests.unit.world import World

STEP = EnableService()
DISABLED = service(status="disabled", disabled_reason="nova-decom RUN by ops@jump: old")
OTHERS = (build.conductor(status="disabled", disabled_reason="theirs"), service("node2", id="two"))


@pytest.mark.parametrize(
    ("state", "services"),
    [
        (facts(), []),
        (ghost(), []),
        (facts(service=DISABLED), [SERVICE]),
        (facts(service=replace(DISABLED, disabled_reason=None)), [SERVICE]),
        (facts(service=replace(DISABLED, id=None)), []),
        (facts(service=None, other_services=OTHERS[:1]), []),
    ],
    ids=[
        "enabled",
        "no service",
        "disabled",
        "disabled without a reason",
        "of a silent cell",
        "another binary",
    ],
)
def test_a_disabled_service_is_enabled(state, services):
    """Nova-compute only, and once."""
    assert [(c.action, c.target) for c in STEP.changes(state)] == [("enable", s) for s in services]


def test_the_plan_shows_what_is_sent():
    """The call with its body."""
    (change,) = STEP.changes(facts(service=DISABLED))

    assert (change.step, change.detail) == (
        "enable-service",
        f'PUT /os-services/{SERVICE} {{"status": "enabled"}}',
    )


def test_the_reason_goes_and_the_other_services_stay_as_they_are():
    """Nova forgets the reason of a service that is enabled."""
    state = facts(service=DISABLED, other_services=OTHERS)
    (change,) = STEP.changes(state)

    after = STEP.after(change, state)

    assert after == replace(state, services=(service(), *OTHERS))
    assert list(STEP.changes(after)) == []


def test_a_binary_of_the_same_id_is_not_taken_for_nova_compute():
    """Both must fit."""
    other = build.conductor(id=SERVICE, status="disabled")
    state = facts(service=DISABLED, other_services=(other,))
    (change,) = STEP.changes(state)

    assert STEP.after(change, state).services == (service(), other)


def test_the_service_is_enabled_by_one_call():
    """With a request id to look for."""
    world = World(facts(service=DISABLED))
    state = world.truth
    (change,) = STEP.changes(state)

    assert STEP.apply(change, FakeCloud(world), state) == "req-1"
    assert (world.writes, world.truth) == (["enable"], STEP.after(change, state))
