# SPDX-License-Identifier: Apache-2.0
"""A removal whose display, output or code fails: what was done is told, and other hosts go on."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace

import jsonschema
import pytest

from nova_decom.apply.hooks import no_hooks
from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.worker_slots import WorkerSlots
from nova_decom.cli import remove as command
from nova_decom.cli import run as run_module
from nova_decom.cli.bug_report import unexpected
from nova_decom.cli.main import run
from nova_decom.clock import LONG_AGO
from nova_decom.exit_codes import ExitCode
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.report import HostReport, Result
from nova_decom.output.json_envelope import schema
from nova_decom.output.progress import Guarded
from nova_decom.plan.planner import make_plan
from nova_decom.state.journal_reader import read_records
from nova_decom.state.run_summary import summary_of
from tests.unit import build
from tests.unit.fake import FakeCloud
from tests.unit.world import World

REMOVE = ["remove", "node1", "--yes", "-f", "json", "--settle", "1"]
LOST = OSError(errno.EIO, "Input/output error")


class Cloud(FakeCloud):
    """The fake cloud as the command line reads it."""

    gathered = LONG_AGO
    clients = SimpleNamespace(compute=SimpleNamespace(newest_microversion=lambda: "2.96"))

    def read_hosts(self, hosts, _parts=None):
        """One host."""
        return tuple(self.facts(host) for host in hosts)

    def continue_from(self, _other):
        """Nothing to take over."""


@pytest.fixture
def world(clean_environment, monkeypatch):
    """A cloud with node1, in the place of the real one; time passes when somebody sleeps."""
    found = World(build.facts())

    class Context(command.Context):
        cloud = CloudIdentity()

        def reading(self):
            """Unable to write."""
            return Cloud(found)

        def changing(self, *_):
            """Able to write."""
            return Cloud(found)

    monkeypatch.setattr(command, "Context", Context)
    monkeypatch.setattr(Interrupts, "clock", lambda _self: found.time.clock)
    found.state_dir = clean_environment / "state"
    return found


def document(out):
    """The one document on stdout; it fits the schema."""
    loaded = json.loads(out)
    jsonschema.validate(loaded, schema(), cls=jsonschema.Draft202012Validator)
    return loaded


def recorded(world):
    """The journal of the run, and its row in the list of runs."""
    (record,) = read_records(world.state_dir)
    return record, summary_of(record, world.state_dir)


class Broken(io.StringIO):
    """A stream of a terminal that is gone."""

    def write(self, _text):
        """Fail."""
        raise LOST

    def flush(self):
        """Fail."""
        raise LOST


def test_a_removal_without_any_failure(world, capsys):
    """What the others are compared with."""
    assert run(REMOVE) == 0

    told = document(capsys.readouterr().out)
    assert (told["changed"], told["hosts"][0]["result"]) == (True, "removed")
    assert recorded(world)[1]["exit_code"] == 0


@pytest.mark.parametrize("stream", ["/dev/full", "terminal"])
def test_a_stderr_that_takes_nothing_ends_no_run(world, capsys, monkeypatch, stream):
    """A full disk below a log, a terminal that is gone."""
    broken = Broken() if stream == "terminal" else open(stream, "w", buffering=1)  # noqa: PTH123, SIM115
    monkeypatch.setattr(sys, "stderr", broken)

    code = run([*REMOVE, "--debug"])

    with suppress(OSError):
        broken.close()
    assert code == 0
    assert document(capsys.readouterr().out)["hosts"][0]["result"] == "removed"
    assert recorded(world)[1]["exit_code"] == 0


def test_a_progress_that_fails_ends_no_run(capsys, monkeypatch, world):
    """It is a bug, and shows nothing more; the removal goes on."""
    monkeypatch.setattr(Guarded, "__init__", lambda self, _shown: setattr(self, "_shown", None))

    assert run(REMOVE) == 0

    shown = capsys.readouterr()
    assert document(shown.out)["hosts"][0]["result"] == "removed"
    assert shown.err.count("the progress cannot be shown any more") == 1
    assert recorded(world)[1]["exit_code"] == 0


@pytest.mark.parametrize("number", range(1, 5))
def test_a_bug_in_a_change_is_the_report_of_its_host(world, capsys, number):
    """With what was done before it; the change in hand may have been made."""
    world.fail(number, KeyError("the impossible"))

    assert run(REMOVE) == ExitCode.BUG

    told = document(capsys.readouterr().out)
    (host,) = told["hosts"]
    assert (told["changed"], told["exit_code"], host["result"]) == (True, 70, "failed")
    assert host["error"]["message"] == "unexpected KeyError: 'the impossible'"
    assert list(world.state_dir.glob("bug-*.txt"))
    assert {c["status"] for c in host["changes"]} <= {"done", "pending"}
    record, row = recorded(world)
    assert (record.last("node1", "result")["result"], row["exit_code"]) == ("failed", 70)


def test_a_bug_before_any_change_has_changed_nothing(world, capsys, monkeypatch):
    """The second reading fails."""
    monkeypatch.setattr(Cloud, "refresh", _failing_from(2))

    assert run(REMOVE) == ExitCode.BUG

    told = document(capsys.readouterr().out)
    assert (told["changed"], told["hosts"][0]["result"]) == (False, "failed")
    assert world.writes == []


def _failing_from(number):
    count = iter(range(1, 1000))

    def refresh(self, host, parts):
        if next(count) >= number:
            raise KeyError("the impossible")
        return FakeCloud.refresh(self, host, parts)

    return refresh


@pytest.mark.parametrize(
    ("on_failure", "result"), [("continue", "removed"), ("stop", "interrupted")]
)
def test_a_bug_on_one_host_is_a_failure_of_that_host(tmp_path, on_failure, result):
    """The next one goes on, or is not begun, as --on-failure says."""
    app = SimpleNamespace(
        holding=_holding_fails_for("node1"),
        settings=SimpleNamespace(on_failure=on_failure),
    )
    executor = SimpleNamespace(
        slots=WorkerSlots(),
        on_bug=lambda error: unexpected(error, {"state_dir": str(tmp_path)}),
        run=lambda plan: HostReport(plan.host, Result.REMOVED),
    )
    plans = [make_plan(build.facts(host=host)) for host in ("node1", "node2")]

    first, second = (run_module._one(app, "RUN", no_hooks(), executor, plan) for plan in plans)

    assert (first.result, first.exit_code) == (Result.FAILED, ExitCode.BUG)
    assert first.error == "unexpected KeyError: 'the impossible'"
    assert second.result == result


def _holding_fails_for(name):
    class Holding:
        def __init__(self, host, _run):
            self.host = host

        def __enter__(self):
            if self.host == name:
                raise KeyError("the impossible")

        def __exit__(self, *_):
            pass

    return Holding


@pytest.mark.parametrize(
    ("arguments", "streams", "code"),
    [
        (["steps"], {"stdout": "/dev/full"}, 1),
        (["steps", "-f", "json"], {"stdout": "/dev/full"}, 1),
        (["--help"], {"stdout": "/dev/full"}, 1),
        (["completion", "bash"], {"stdout": "/dev/full"}, 1),
        (["steps"], {"stderr": "/dev/full"}, 0),
        (["no-such-command"], {"stderr": "/dev/full"}, 2),
        (["list", "--os-cloud", "nowhere"], {"stderr": "/dev/full"}, 2),
        (["list", "--os-cloud", "nowhere"], {"stdout": "/dev/full", "stderr": "/dev/full"}, 2),
        (["list", "--os-cloud", "nowhere", "-f", "json"], {"stdout": "/dev/full"}, 2),
    ],
    ids=str,
)
@pytest.mark.usefixtures("clean_environment")
def test_a_full_disk_is_no_success_and_no_bug(arguments, streams, code):
    """A result that is lost is a failure; a message that is lost changes no exit code."""
    opened = {name: open(path, "w") for name, path in streams.items()}  # noqa: PTH123, SIM115
    try:
        done = subprocess.run(
            [sys.executable, "-m", "nova_decom", *arguments],
            check=False,
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | opened,
        )
    finally:
        for file in opened.values():
            file.close()

    assert done.returncode == code
    if "stderr" not in streams:
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert "the result cannot be written to stdout: No space left on device" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_stdout_that_cannot_encode_gets_plain_letters(world, monkeypatch, encoding):
    """An arrow becomes ->, and a foreign letter its escape."""
    binary = io.BytesIO()
    stdout = io.TextIOWrapper(binary, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    world.change(servers=(build.server(name="\N{SNOWMAN}"),))

    assert run(["remove", "node1", "--dry-run"]) == 0

    text = binary.getvalue().decode(encoding)
    assert "-> " in text
    assert "\\u2603" in text
