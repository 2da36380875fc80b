# SPDX-License-Identifier: Apache-2.0
"""The lines that name what a run waits for, when a signal asks it to stop."""

from __future__ import annotations

import io

import pytest

from nova_decom.model.change import Change
from nova_decom.output.console import console
from nova_decom.output.in_hand import NAMED, InHand

DELETE = Change("delete-service", "delete", "uuid", "service")
AGENT = Change("delete-agents", "delete", "agent", "agent")


def move(number):
    """A move of a server."""
    return Change("move-servers", "move", f"s{number}", "web", label=f"live-migrate 'web{number}'")


@pytest.fixture
def shown():
    """What is shown, and the stream to which it goes."""
    stream = io.StringIO()
    return InHand(console(stream, "never")), stream


def test_only_changes_that_have_begun_and_not_ended_are_named(shown):
    """Of every host of the run."""
    in_hand, stream = shown
    in_hand.change("node1", DELETE, "started")
    in_hand.change("node2", DELETE, "started")
    in_hand.change("node2", DELETE, "done")
    in_hand.change("node2", AGENT, "started")

    in_hand.announce("SIGTERM")

    assert stream.getvalue().splitlines() == [
        "SIGTERM: no further change begins; the run waits for",
        "    node1: delete-service delete",
        "    node2: delete-agents delete",
    ]


def test_between_two_changes_the_run_ends(shown):
    """Without a list."""
    in_hand, stream = shown
    in_hand.announce("SIGHUP")

    assert stream.getvalue() == "SIGHUP: no change is in hand; the run ends\n"


def test_moves_are_waited_for_until_the_second_signal(shown):
    """And a long list is cut."""
    in_hand, stream = shown
    for number in range(NAMED + 2):
        in_hand.change("node1", move(number), "started")

    in_hand.announce("SIGINT")
    first = stream.getvalue().splitlines()
    in_hand.announce("SIGINT")
    *_, last = stream.getvalue().splitlines()

    assert first[1] == "    node1: live-migrate 'web0'"
    assert first[-2:] == ["    and 2 more", "    a second SIGINT leaves servers that move to nova"]
    assert last == "SIGINT: the run ends; nova goes on with the moves"
