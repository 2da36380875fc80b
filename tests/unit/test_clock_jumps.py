# SPDX-License-Identifier: Apache-2.0
"""The time of day may jump: no wait, no proof and no journal depends on it."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import nova_decom
from nova_decom.exit_codes import ExitCode
from nova_decom.state import journal
from nova_decom.state.journal import RunJournal, new_run_id, request_id
from tests.unit.build import facts
from tests.unit.world import World

ROOT = Path(nova_decom.__file__).parent
#: They put a stamp on what is written for people, or compare one that a claim carries.
STAMPERS = {
    "journal.py",
    "bug_report.py",
    "metrics.py",
    "cloud.py",
    "progress_lines.py",
    # Ages of heartbeats, and the time of day of --until, as of the beginning.
    "render.py",
    "run.py",
}
WALL = {("datetime", "now"), ("datetime", "utcnow"), ("time", "time"), ("date", "today")}


def asks_the_wall(path):
    """The calls in the file that read the time of day."""
    tree = ast.parse(path.read_text("utf-8"))
    return [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in WALL
    ]


def test_only_stamps_are_of_the_time_of_day():
    """Whatever waits or compares does so by the monotonic clock."""
    asking = {p.name for p in ROOT.rglob("*.py") if asks_the_wall(p)}

    assert asking == STAMPERS


class Jumping(datetime):
    """Goes back a day each time it is asked."""

    days = 0

    @classmethod
    def now(cls, tz=None):
        """Earlier than before."""
        cls.days += 1
        return datetime(2026, 11, 24, tzinfo=UTC).astimezone(tz) - timedelta(days=cls.days)


def test_a_run_during_which_the_clock_goes_back(run, monkeypatch, tmp_path):
    """All is done; the journal is in the order in which things happened, under one run id."""
    monkeypatch.setattr(journal, "datetime", Jumping)
    name = new_run_id()
    process = run(World(facts()))
    with RunJournal(tmp_path / "state", name) as written:
        process.execution.journal = written
        report = process.go()

    assert report.exit_code == ExitCode.SUCCESS
    events = [json.loads(line) for line in written.path.read_text().splitlines()]
    stamps = [event["at"] for event in events]
    assert stamps == sorted(stamps, reverse=True)
    assert {event["run"] for event in events} == {name}
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["findings", "before"]
    assert kinds[-1] == "result"
    assert request_id(name) == request_id(name)


def test_two_runs_in_the_same_second(monkeypatch, tmp_path):
    """A clock that was set back gives the same second again; the journals stay apart."""
    now = datetime(2026, 11, 24, tzinfo=UTC)
    numbers = iter(["7f3a", "7f3b"])
    monkeypatch.setattr(journal.secrets, "token_hex", lambda _n: next(numbers))
    names = [new_run_id(now), new_run_id(now)]
    for name in names:
        with RunJournal(tmp_path / "state", name) as written:
            written.event("header")
    assert len({n.split("-")[0] for n in names}) == 1
    assert sorted(p.stem for p in (tmp_path / "state" / "runs").iterdir()) == sorted(names)


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_a_jump_of_the_wall_moves_no_bound(run, monkeypatch, jump):
    """A wait of five minutes is one of five minutes."""
    monkeypatch.setattr("time.time", lambda: jump)
    world = World(facts())
    world.obeys = False

    assert run(world).go().exit_code == ExitCode.TIMEOUT
    assert 300 <= world.time.now() - 1000 <= 301
