# SPDX-License-Identifier: Apache-2.0
"""``runs --follow``: a run in another process, from its journal."""

from __future__ import annotations

import pytest

from nova_decom.cli.follow import SILENT_READINGS, follow
from nova_decom.cli.main import run as run_command
from nova_decom.clock import Clock
from nova_decom.state.host_lock import host_lock
from nova_decom.state.journal import RunJournal
from tests.unit.state.test_journal_reader import CHANGE, RUN, begin, end

MOVE = {"step": "move-servers", "action": "move", "target": "s1", "rows": None}


class Shown:
    """Keeps what is shown."""

    def __init__(self):
        self.lines = []

    def change(self, host, change, status, note=""):
        """A change, by its label where it has one."""
        self.lines.append((host, change.label or change.step, status, note))


@pytest.fixture
def journal(tmp_path):
    """The journal of a run that has begun."""
    with RunJournal(tmp_path, RUN) as opened:
        begin(opened, "node1")
        yield opened


def test_each_event_is_shown_once_when_it_comes(journal, tmp_path):
    """Until the run has written its exit code; a move is shown by its server."""
    shown, moves = Shown(), "live-migrate 'web' (s1): POST /servers/s1/action"
    later = [
        lambda: journal.event("started", host="node1", **MOVE, detail=moves),
        lambda: journal.event("failed", host="node1", **MOVE, detail=moves, error="no room"),
        lambda: end(journal, "node1"),
        lambda: journal.event("exit", exit_code=0),
    ]

    record = follow(tmp_path, RUN, shown, Clock(lambda: 0.0, lambda _: later.pop(0)()))

    assert shown.lines == [
        ("node1", "live-migrate 'web' (s1)", "started", ""),
        ("node1", "live-migrate 'web' (s1)", "failed", "no room"),
    ]
    assert record.events[-1]["event"] == "exit"


@pytest.mark.usefixtures("journal")
def test_a_run_that_was_killed_is_not_followed_for_ever(tmp_path):
    """While it holds its host, it is waited for."""
    sleeps = []
    with host_lock(tmp_path, "node1", RUN, "") as _lock:

        def sleep(_):
            sleeps.append(1)
            if len(sleeps) > 2 * SILENT_READINGS:
                raise TimeoutError

        with pytest.raises(TimeoutError):
            follow(tmp_path, RUN, Shown(), Clock(lambda: 0.0, sleep))

    sleeps.clear()
    follow(tmp_path, RUN, Shown(), Clock(lambda: 0.0, sleep))
    assert len(sleeps) == SILENT_READINGS


def test_the_run_is_shown_as_a_whole_afterwards(clean_environment, capsys):
    """Its events on stderr, its report on stdout; a run must be named."""
    with RunJournal(clean_environment / "state", RUN) as journal:
        begin(journal, "node1")
        journal.event("done", host="node1", **CHANGE, detail="x")
        end(journal, "node1")
        journal.event("exit", exit_code=0)

    assert run_command(["runs", "last", "--follow"]) == 0
    streams = capsys.readouterr()
    assert streams.err.split(" ", 1)[1] == "node1: purge-rows delete: done\n"
    assert RUN in streams.out
    assert run_command(["runs", "--follow"]) == 2
