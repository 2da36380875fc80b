# SPDX-License-Identifier: Apache-2.0
"""Moves as they are shown: lines in a pipe, a table on a terminal."""

from __future__ import annotations

import io
import json
import sys
from datetime import datetime

import pytest

from nova_decom.apply.observers import MoveProgress
from nova_decom.model.change import Change
from nova_decom.model.cloud import Action, LiveProgress
from nova_decom.moves.status import MoveInProgress
from nova_decom.output import progress
from nova_decom.output.console import console
from tests.unit.build import migration, server

CHANGE = Change("move-servers", "move", "id-of-web", "POST", label="live-migrate 'web'")


def moves(*flights, moved=3, left=4, failed=1, now=1060.0):
    """How it stands a minute after it began."""
    return MoveProgress("node1", flights, moved, left, failed, now, since=1000.0)


def flight(**what):
    """A move that began five seconds ago."""
    known = {"server": server(), "began": 1055.0, "action": Action.LIVE}
    return MoveInProgress(CHANGE, "node1", **known | what)


def shown(standing, *events):
    """What the terminal shows last."""
    stream = io.StringIO()
    terminal = console(stream, "never")
    screen = progress.Screen(progress.Live(console=terminal, auto_refresh=False))
    screen.change("node1", CHANGE, "started")
    screen.moves(standing)
    for event in events:
        screen.change("node1", *event)
    stream.truncate(0)
    terminal.print(screen.render(), soft_wrap=True)
    return stream.getvalue()


def test_the_host_has_a_line_with_rate_and_time_left():
    """Three in a minute, four left."""
    text = shown(moves())

    assert "node1  3 moved, 4 left, 1 failed  3.0 a minute, about 1 min left  1 min" in text


def test_before_the_first_has_moved_nothing_is_foretold():
    """There is no rate yet."""
    text = shown(moves(moved=0, now=1030.0))

    assert "0 moved, 4 left, 1 failed  30 s" in text
    assert "minute" not in text


FLIGHTS = [
    ("begun", flight(), "web  live-migrate  node1 → ?  5 s"),
    ("going", flight(to="node2"), "web  live-migrate  node1 → node2  5 s"),
    ("landed", flight(to="node2", arriving_on="node3"), "node1 → node3"),
    ("waited for", flight(action=None, server=None), "id-of-web  wait  node1 → ?"),
    ("with a wild name", flight(server=server("a\x1b[2Jb")), "a\\x1b[2Jb"),
]


@pytest.mark.parametrize(("going", "text"), [pytest.param(f, t, id=c) for c, f, t in FLIGHTS])
def test_each_server_that_moves_has_a_line(going, text):
    """From, to, elapsed; its name is text, never a control of the terminal."""
    screen = shown(moves(going))

    assert text in screen
    assert "\x1b[2J" not in screen


@pytest.mark.parametrize("standing", [moves(left=0), moves()])
def test_the_table_goes_with_the_moves(standing):
    """When none is left, or the next step begins."""
    events = [] if standing.left == 0 else [(Change("stop-service", "stop", "x", "y"), "done")]

    assert "moved" not in shown(standing, *events)


def test_in_a_pipe_each_move_is_told_when_it_begins_and_ends():
    """And not at every poll."""
    stream = io.StringIO()
    lines = progress.Lines(console(stream, "never"))

    lines.change("node1", CHANGE, "started")
    lines.moves(moves(flight(), now=1010.0))
    lines.change("node1", CHANGE, "done", "to node2")

    assert [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()] == [
        "node1: live-migrate 'web': started",
        "node1: live-migrate 'web': done (to node2)",
    ]


def test_in_a_pipe_each_line_has_its_time_and_a_long_move_a_line_now_and_then():
    """Thirty seconds after the moves began, and again thirty later."""
    stream = io.StringIO()
    lines = progress.Lines(console(stream, "never"))

    for now in (1029.0, 1030.0, 1059.0, 1060.0):
        lines.moves(moves(flight(to="node2", began=1000.0), now=now))

    times, texts = zip(
        *(line.split(" ", 1) for line in stream.getvalue().splitlines()), strict=True
    )
    assert all(datetime.fromisoformat(time).tzinfo for time in times)
    assert [" ".join(text.split()) for text in texts] == [
        "node1 3 moved, 4 left, 1 failed 6.0 a minute, about 40 s left 30 s",
        "web live-migrate node1 → node2 30 s",
        "node1 3 moved, 4 left, 1 failed 3.0 a minute, about 1 min left 1 min",
        "web live-migrate node1 → node2 60 s",
    ]


def test_for_programs_each_event_is_one_json_object(capsys):
    """Whatever stderr is, and with --quiet; foreign text stays data."""
    with progress.progress(console(sys.stderr, "never"), quiet=True, style="json") as shown_by:
        shown_by.change("a\x1b[2J", CHANGE, "done", "to node2")
        shown_by.waiting("node1", "nothing may come back", 60.0)
        shown_by.moves(moves(flight()))

    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert all(datetime.fromisoformat(event.pop("at")).tzinfo for event in events)
    assert events == [
        {
            "event": "change",
            "host": "a\x1b[2J",
            "step": "move-servers",
            "action": "move",
            "target": "id-of-web",
            "detail": "POST",
            "status": "done",
            "note": "to node2",
        },
        {"event": "waiting", "host": "node1", "what": "nothing may come back", "seconds": 60.0},
        {
            "event": "moves",
            "host": "node1",
            "moved": 3,
            "left": 4,
            "failed": 1,
            "servers": ["id-of-web"],
            "progress": {},
        },
    ]


def test_what_a_live_migration_has_left_is_shown_and_later_how_to_end_it():
    """Its disk only where that is copied; the commands after a minute."""
    running = migration(7, status="running")
    young = flight(migration=running, progress=LiveProgress(8 << 30, 2 << 30))
    old = flight(migration=running, progress=LiveProgress(0, 0, 4 << 30, 1 << 30), began=999.0)

    first, second = shown(moves(young)), shown(moves(old))

    assert "left: memory 2.0 of 8.0 GiB  5 s" in first
    assert "force complete" not in first
    assert "left: disk 1.0 of 4.0 GiB  61 s" in second
    assert "to end it: openstack server migration force complete id-of-web 7" in second
