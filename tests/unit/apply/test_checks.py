# SPDX-License-Identifier: Apache-2.0
"""Rights to change are asked for before anything is changed."""

import pytest

from nova_decom.apply.checks import raise_if_forbidden
from nova_decom.errors import MissingRightError
from nova_decom.model.api_call import (
    TRY_TO_DELETE_SERVICE,
    TRY_TO_SET_ALLOCATIONS,
    TRY_TO_UPDATE_SERVICE,
)
from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Plan
from nova_decom.model.sql import Transaction
from nova_decom.plan.jobs import DRAIN, REMOVE

BY_SQL = Transaction("cell1", "node1", ())


def plan(host, *changes):
    return Plan(host, (), changes, kept=(), result=HostFacts(host), leftovers=())


def change(step, transaction=None):
    return Change(step, "any", "any", "any", transaction=transaction)


PLANS = (
    plan("node1", change("delete-service"), change("disable-service"), change("purge-rows")),
    plan("node2", change("disable-service"), change("delete-providers", BY_SQL)),
)


def test_each_right_is_asked_for_once():
    """For the requests that any host's plan has; the statements of a database need no token."""
    asked = []
    raise_if_forbidden(REMOVE, PLANS, asked.append)
    assert asked == [TRY_TO_UPDATE_SERVICE, TRY_TO_DELETE_SERVICE]


def test_a_job_asks_for_the_rights_of_its_own_steps():
    asked = []
    raise_if_forbidden(DRAIN, PLANS, asked.append)
    assert asked == [TRY_TO_UPDATE_SERVICE]


def test_all_rights_that_are_missing_are_named():
    reasons = {TRY_TO_UPDATE_SERVICE.text: "no update", TRY_TO_SET_ALLOCATIONS.text: "no PUT"}
    plans = [*PLANS, plan("node3", change("clear-allocations"))]
    with pytest.raises(MissingRightError, match="remove needs: no update; no PUT") as caught:
        raise_if_forbidden(REMOVE, plans, lambda call: reasons.get(call.text))
    assert "doctor" in caught.value.remedy
