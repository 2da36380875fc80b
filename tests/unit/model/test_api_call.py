# SPDX-License-Identifier: Apache-2.0
"""Requests that change something: body, microversion, the text that a plan shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nova_decom.model.api_call import (
    ApiCall,
    create_provider,
    delete_provider,
    delete_service,
    disable_service,
    enable_service,
    server_action,
)
from nova_decom.model.claim import new_claim
from nova_decom.model.cloud import Action
from nova_decom.steps import PROCEDURE
from tests.unit.states import ALL_STATES

BODIES = [
    (Action.LIVE, None, {"os-migrateLive": {"host": None, "block_migration": "auto"}}),
    (Action.LIVE, "node2", {"os-migrateLive": {"host": "node2", "block_migration": "auto"}}),
    (Action.COLD, None, {"migrate": None}),
    (Action.COLD, "node2", {"migrate": {"host": "node2"}}),
    (Action.EVACUATE, None, {"evacuate": {}}),
    (Action.EVACUATE, "node2", {"evacuate": {"host": "node2"}}),
    (Action.CONFIRM, "node2", {"confirmResize": None}),
    (Action.OFFLOAD, None, {"shelveOffload": None}),
    (Action.START, None, {"os-start": None}),
    (Action.STOP, None, {"os-stop": None}),
]


@pytest.mark.parametrize(("action", "target", "body"), BODIES)
def test_bodies_of_requests(action, target, body):
    """As nova's API takes them."""
    call = server_action("id", action, target)

    assert (call.service, call.method, call.path) == ("compute", "POST", "/servers/id/action")
    assert call.body == body


@pytest.mark.parametrize(
    ("action", "leave_stopped", "version"),
    [
        (Action.LIVE, False, "2.68"),
        (Action.LIVE, True, "2.68"),
        (Action.COLD, False, "2.56"),
        (Action.EVACUATE, False, "2.94"),
        (Action.EVACUATE, True, "2.95"),
        (Action.CONFIRM, True, "2.1"),
    ],
)
def test_the_microversion_decides_what_nova_does(action, leave_stopped, version):
    """From 2.95 an evacuated server stays stopped."""
    assert server_action("id", action, leave_stopped=leave_stopped).version == version


def test_the_text_is_method_path_and_body():
    """As a script would send it."""
    assert delete_service("u").text == "DELETE /os-services/u"
    assert enable_service("u").text == 'PUT /os-services/u {"status": "enabled"}'
    text = 'POST /resource_providers {"uuid": "u", "name": "n"}'
    assert create_provider("u", "n").text == text


def test_a_service_is_disabled_without_a_reason():
    """Nova refuses an empty reason; a body without reason removes the present one."""
    assert disable_service("u", "").body == {"status": "disabled"}


def test_a_claim_gets_its_end_when_it_is_sent():
    """The plan shows the place of the time; other requests stay as they are."""
    call = disable_service("u", new_claim("RUN", "ops@jump", "old"))
    sent = call.with_expiry(datetime(2026, 1, 2, tzinfo=UTC))

    assert "until TIME: old" in call.text
    assert "until 2026-01-02T00:00:00Z: old" in sent.text
    assert sent.body["status"] == "disabled"
    assert delete_provider("u").with_expiry(datetime.now(UTC)) == delete_provider("u")
    assert enable_service("u").with_expiry(datetime.now(UTC)) == enable_service("u")


def test_a_reason_is_cut_to_what_nova_keeps():
    """255 characters."""
    sent = disable_service("u", "x" * 300).with_expiry(datetime.now(UTC))

    assert len(sent.body["disabled_reason"]) == 255


def test_what_is_deleted_in_placement_is_saved_before():
    """The provider; of a compute service the trees of its compute nodes."""
    assert delete_provider("u").saved == ("/resource_providers?uuid=u",)
    trees = tuple(f"/resource_providers?in_tree={node}" for node in "nm")
    assert delete_service("s", "nm").saved == trees
    assert delete_service("s").saved == ()
    assert ApiCall("network", "DELETE", "/agents/a").saved == ()


@pytest.mark.parametrize("state", ALL_STATES.values(), ids=ALL_STATES)
def test_the_text_of_a_change_contains_the_request_that_is_sent(state):
    """As for SQL: one value, shown and sent."""
    facts = state
    for step in PROCEDURE:
        for change in tuple(step.changes(facts)):
            assert change.call is None or change.call.text in change.detail
            assert change.call is None or change.transaction is None
            facts = step.after(change, facts)


def test_a_reason_is_shown_as_it_was_typed():
    """In the plan, the journal and the report; the request itself is encoded by its client."""
    call = disable_service("s1", new_claim("R", "ops@jump", "机架七, Größe"))

    assert '机架七, Größe"' in call.text
