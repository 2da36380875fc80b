# SPDX-License-Identifier: Apache-2.0
"""Programs of the operator's: when they are called, with what, and what they cannot do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nova_decom.apply.hooks import FAILURE, NAMES, START, STEP, SUCCESS, Hooks, no_hooks
from nova_decom.apply.observers import MoveProgress, NullProgress, Observers
from nova_decom.cli.settings import inherited
from nova_decom.clients.host.hook_runner import HookDirectory
from nova_decom.errors import ConfigurationError, RefusedError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Change
from nova_decom.model.report import HostReport, Result
from tests.unit.build import facts
from tests.unit.world import World

ABOUT = {"RUN": "20261123T041500Z-7f3a", "REASON": "rack 7"}
CHANGE = Change("delete-service", "delete", "9b2c", "DELETE /os-services/9b2c")


class Recorder:
    """A hook directory that remembers, and answers as it was told."""

    def __init__(self, **problems):
        """Nothing was called yet."""
        self.problems = {name.replace("_", "-"): text for name, text in problems.items()}
        self.calls, self.warnings = [], []
        self.hooks = Hooks(self.call, self.warnings.append, ABOUT)

    def call(self, name, variables):
        """One hook."""
        self.calls.append((name, variables))
        return self.problems.get(name)

    @property
    def names(self):
        """The hooks in the order in which they were called."""
        return [name for name, _ in self.calls]


def test_each_change_is_told_once_when_it_has_ended(run):
    """As the observer of an execution, beside the progress that people see."""
    recorder = Recorder(on_step="exit code 1")
    process = run(World(facts()))
    process.execution.progress = Observers((NullProgress(), recorder.hooks, process))

    report = process.go()

    assert report.result is Result.REMOVED
    steps = [(v["NOVA_DECOM_STEP"], v["NOVA_DECOM_STATUS"]) for _, v in recorder.calls]
    assert recorder.names == [STEP] * 5
    assert steps[0] == ("disable-service", "done")
    assert steps[-1] == ("purge-rows", "done")
    assert len(recorder.warnings) == 5
    assert [told for told in process.told if told[0] == "waiting"]


def test_what_a_hook_is_told():
    """The run, the host, the change, and which hook it is."""
    recorder = Recorder()

    recorder.hooks.change("node1", CHANGE, "started")
    recorder.hooks.change("node1", CHANGE, "done")

    assert recorder.calls == [
        (
            STEP,
            {
                "NOVA_DECOM_RUN": "20261123T041500Z-7f3a",
                "NOVA_DECOM_REASON": "rack 7",
                "NOVA_DECOM_HOOK": "on-step",
                "NOVA_DECOM_HOST": "node1",
                "NOVA_DECOM_STEP": "delete-service",
                "NOVA_DECOM_ACTION": "delete",
                "NOVA_DECOM_TARGET": "9b2c",
                "NOVA_DECOM_DETAIL": "DELETE /os-services/9b2c",
                "NOVA_DECOM_STATUS": "done",
                "NOVA_DECOM_NOTE": "",
            },
        )
    ]


@pytest.mark.parametrize(
    ("code", "result", "name"),
    [
        (0, Result.REMOVED, SUCCESS),
        (1, Result.FAILED, FAILURE),
        (3, Result.LEFTOVERS, FAILURE),
        (ExitCode.INTERRUPTED, Result.INTERRUPTED, FAILURE),
    ],
)
def test_the_end_of_a_host_is_told(code, result, name):
    """A failing hook there is a warning."""
    recorder = Recorder(on_success="exit code 7", on_failure="exit code 7")

    recorder.hooks.end(HostReport("node1", result, error="why", exit_code=code))

    ((called, told),) = recorder.calls
    assert called == name
    assert (told["NOVA_DECOM_STATUS"], told["NOVA_DECOM_EXIT_CODE"]) == (result, str(int(code)))
    assert told["NOVA_DECOM_ERROR"] == "why"
    assert recorder.warnings == [f"the hook {name} failed: exit code 7"]


def test_only_on_start_can_refuse():
    """Before anything is done, with what it said."""
    with pytest.raises(RefusedError, match="on-start refuses: exit code 1: not on a friday"):
        Recorder(on_start="exit code 1: not on a friday").hooks.start("node1")

    recorder = Recorder()
    recorder.hooks.start("node1")
    assert recorder.names == [START]


def test_nobody_is_told_where_there_are_no_hooks():
    """And nothing is said of it."""
    hooks = no_hooks()
    assert hooks.are_none
    hooks.start("node1")
    hooks.change("node1", CHANGE, "done")
    hooks.waiting("node1", "x", 1)
    hooks.end(HostReport("node1", Result.REMOVED))


@pytest.fixture
def directory(tmp_path):
    """A directory of hooks; ``write`` puts one in."""
    path = tmp_path / "hooks.d"
    path.mkdir(mode=0o755)
    return path


def write(directory, name, script, mode=0o755):
    """A hook of shell."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
    return path


def test_a_hook_has_its_variables_no_input_and_no_terminal(directory, tmp_path, monkeypatch):
    """Beyond what is told it has what its caller has, and nothing more."""
    monkeypatch.setenv("MINE", "7")
    out = tmp_path / "out"
    write(directory, STEP, f'env >{out}; cat >>{out}; test -t 0 || echo "no terminal" >>{out}')

    assert (
        HookDirectory(directory, NAMES, inherited()).call(STEP, {"NOVA_DECOM_HOST": "a b\nc"})
        is None
    )

    text = out.read_text()
    assert "NOVA_DECOM_HOST=a b\nc\n" in text
    assert "MINE=7\n" in text
    assert text.endswith("no terminal\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\0b", "ab"),
        ("\ud800", "\\ud800"),
        ("rack 7 → rack 8", "rack 7 → rack 8"),
        ("x" * 200_000, "x" * 32 * 1024),
    ],
    ids=["zero", "surrogate", "arrow", "long"],
)
def test_a_text_that_no_variable_can_hold_stops_no_hook(directory, tmp_path, text, told):
    """Names and statements are other people's."""
    out = tmp_path / "out"
    write(directory, STEP, f'printf %s "$NOVA_DECOM_DETAIL" >{out}')

    hooks = HookDirectory(directory, NAMES, {"PATH": "/usr/bin:/bin", "LC_ALL": "C"})

    assert hooks.call(STEP, {"NOVA_DECOM_DETAIL": text}) is None
    assert out.read_text("utf-8") == told


def test_a_hook_that_is_not_there_is_not_called(directory):
    """Any of the four may be missing."""
    assert HookDirectory(directory, NAMES, inherited()).call(START, {}) is None


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "on-step: exit code 3"),
        ("echo one; echo 'not \033[2Jnow' >&2; exit 1", "exit code 1: not  [2Jnow"),
        ("kill -9 $$", "exit code -9"),
    ],
)
def test_a_hook_that_fails_is_told_with_its_last_line(directory, script, says):
    """What it says steers no terminal."""
    write(directory, STEP, script)

    problem = HookDirectory(directory, NAMES, inherited()).call(STEP, {})

    assert problem is not None
    assert problem.endswith(says)


def test_a_hook_that_cannot_be_started_is_told(directory):
    """An interpreter that is not there."""
    (directory / STEP).write_text("#!/no/such/interpreter\n")
    (directory / STEP).chmod(0o755)

    assert "No such file" in (HookDirectory(directory, NAMES, inherited()).call(STEP, {}) or "")


def test_a_hook_that_does_not_end_is_ended_with_its_children(directory, tmp_path):
    """The run goes on when the time is over."""
    pid = tmp_path / "pid"
    write(directory, STEP, f"sleep 600 & echo $! >{pid}.new; mv {pid}.new {pid}; wait")
    begin = time.monotonic()

    problem = HookDirectory(directory, NAMES, inherited(), seconds=1.0).call(STEP, {})

    assert "not done after 1 s, ended" in (problem or "")
    assert time.monotonic() - begin < 30
    child = Path(f"/proc/{pid.read_text().strip()}/stat")
    until = time.monotonic() + 10
    while child.exists() and child.read_text().split()[2] not in {"Z", "X"}:
        assert time.monotonic() < until


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda d: d.chmod(0o775), "can be written by others"),
        (lambda d: d.chmod(0o777), "can be written by others"),
        (lambda d: write(d, STEP, "", 0o757), "can be written by others"),
        (lambda d: write(d, STEP, "", 0o644), "cannot be executed"),
        (lambda d: (d / STEP).mkdir(), "is no file"),
        (lambda d: (d / STEP).symlink_to("nowhere"), "No such file"),
        (lambda d: d.rmdir(), "No such file"),
    ],
)
def test_what_somebody_else_could_change_is_not_run(directory, spoil, says):
    """It would run with the rights of whoever removes hosts."""
    spoil(directory)

    with pytest.raises(ConfigurationError, match=says):
        HookDirectory(directory, NAMES, inherited())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_somebody_else_is_not_run(directory):
    """Neither the directory nor a hook."""
    os.chown(write(directory, STEP, ""), 12345, -1)
    with pytest.raises(ConfigurationError, match="belongs to uid 12345"):
        HookDirectory(directory, NAMES, inherited())

    os.chown(directory, 12345, -1)
    with pytest.raises(ConfigurationError, match=r"hooks.d belongs to uid 12345"):
        HookDirectory(directory, NAMES, inherited())


def test_how_moves_stand_is_told_to_all_observers():
    """The display wants to know; hooks are told of each move when it has ended."""
    told = []

    class Screen(NullProgress):
        def moves(self, moves):
            told.append(moves)

    moves = MoveProgress("node1", (), moved=1, left=0, failed=0, now=2.0, since=1.0)
    Observers((Screen(), Recorder().hooks)).moves(moves)

    assert told == [moves]
