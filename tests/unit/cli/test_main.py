# SPDX-License-Identifier: Apache-2.0
"""Exit codes: the one place where exceptions become messages and numbers."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from contextlib import suppress

import click
import pytest
import yaml

from nova_decom import errors
from nova_decom.cli.commands import cli
from nova_decom.cli.main import main, run
from nova_decom.errors import NovaDecomError, RunInterruptedError
from nova_decom.exit_codes import ExitCode
from nova_decom.guards import GUARDS
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.plan.plan_file import save_plans
from nova_decom.plan.planner import make_plan
from nova_decom.steps import PROCEDURE
from tests.envelope import validate
from tests.unit.build import facts
from tests.unit.output.test_reading import Terminal

pytestmark = pytest.mark.usefixtures("clean_environment")

ERRORS = [
    e
    for e in vars(errors).values()
    if isinstance(e, type) and issubclass(e, NovaDecomError) and e is not RunInterruptedError
]
USAGE = [
    ([], "Missing command"),
    (["no-such-command"], "No such command"),
    (["--no-such-option"], "No such option"),
    (["remove"], "Missing argument 'HOST...'"),
    (["verify"], "Missing argument 'HOST...'"),
    (["remove", "--dry-run"], "Missing argument 'HOST...'"),
    (["completion"], "Choose from: bash, zsh, fish, install"),
    (["remove", "node1", "--rows", "burn"], "'burn' is not one of"),
    (["remove", "node1", "--settle", "-1"], "-1"),
    (["plan", "node1", "--report-interval", "0"], "0"),
    (["remove", "--plan", "no-such-file"], "no-such-file"),
    (["plan", "node1", "--skip-guard", "last_host"], "last_host"),
    (["plan", "node1", "--skip-guard", "host-known"], "host-known"),
    (["remove", "node1", "--yes", "-f", "csv"], "csv"),
    (["-f", "value", "remove", "node1", "--yes"], "value"),
    (["-f", "csv", "--dry-run"], "csv"),
    (["remove", "node1", "--yes", "--timeout", "nan"], "nan"),
    (["remove", "node1", "node2", "--yes", "--host-alias", "node1.lan"], "run is about 2 hosts"),
    (["remove", "node1", "node2", "--dry-run", "--host-alias", "x"], "run is about 2 hosts"),
    (["verify", "node1", "node2", "--host-alias", "node1.lan"], "run is about 2 hosts"),
    (["plan", "node1", "node2", "--host-alias", "node1.lan"], "run is about 2 hosts"),
    (["plan", "--host-alias", "node1.lan"], "run is about all hosts"),
]


@pytest.fixture
def failing():
    """A command of ours that does what it is told."""

    def install(action):
        params = list(cli.commands["steps"].params)
        cli.add_command(click.Command("act", callback=action, params=params))

    yield install
    cli.commands.pop("act", None)


def raising(error):
    """An action that fails in this way."""

    def action():
        raise error

    return action


def document(out):
    """The one JSON document on stdout; it fits the schema."""
    loaded = json.loads(out)
    validate(loaded)
    return loaded


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["--version"], ["steps"], ["list", "-h"]]
)
def test_looking_at_the_program_is_success(capsys, arguments):
    """Help goes to stdout."""
    assert run(arguments) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "words"), USAGE)
def test_a_command_line_that_makes_no_sense_is_2(capsys, arguments, words):
    """It is said what is wrong, on stderr; nothing else happens."""
    assert run(arguments) == ExitCode.USAGE

    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["-f", "json", "remove"],
        ["remove", "-f", "json"],
        ["-f", "json", "no-such-command"],
        ["remove", "--no-such-option", "-f", "json"],
        ["remove", "--no-such-option", "--format=json"],
        ["remove", "--no-such-option", "-fjson"],
    ],
)
def test_a_usage_error_is_a_document_too(capsys, arguments):
    """A script that asked for JSON gets JSON, wherever the mistake stands."""
    assert run(arguments) == ExitCode.USAGE

    told = document(capsys.readouterr().out)
    assert (told["exit_code"], told["changed"]) == (2, False)
    assert told["error"]["message"]


def test_a_usage_error_as_yaml(capsys):
    """The same document."""
    assert run(["remove", "--format", "yaml"]) == ExitCode.USAGE

    assert yaml.safe_load(capsys.readouterr().out)["exit_code"] == 2


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: e.__name__)
@pytest.mark.parametrize("style", ["table", "json"])
def test_each_error_has_its_exit_code(capsys, failing, error, style):
    """Message and remedy go to stderr, or into the document."""
    failing(raising(error("what was seen", "what to type")))

    assert run(["act", "-f", style]) == error.exit_code

    shown = capsys.readouterr()
    if style == "json":
        told = document(shown.out)
        assert told["exit_code"] == error.exit_code
        assert told["command"] == "act"
        assert told["error"] == {"message": "what was seen", "remedy": "what to type"}
        assert shown.err == ""
    else:
        assert shown.out == ""
        assert [line.strip() for line in shown.err.splitlines()] == [
            "error: what was seen",
            "→ what to type",
        ]


def kill():
    """Be told to end by the system."""
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("action", "code", "name"),
    [
        (raising(KeyboardInterrupt()), 130, "SIGINT"),
        (raising(click.Abort()), 130, "SIGINT"),
        (raising(RunInterruptedError(ExitCode.INTERRUPTED)), 130, "SIGINT"),
        (raising(RunInterruptedError(ExitCode.TERMINATED)), 143, "SIGTERM or SIGHUP"),
        (kill, 143, "SIGTERM or SIGHUP"),
    ],
    ids=["ctrl-c", "abort", "sigint in a run", "sigterm in a run", "sigterm"],
)
def test_an_interrupt_is_128_and_the_signal(capsys, failing, action, code, name):
    """Shells and systemd know these numbers."""
    failing(action)

    assert run(["-f", "json", "act"]) == code

    told = document(capsys.readouterr().out)
    assert told["exit_code"] == code
    assert told["command"] == "act"
    assert told["error"]["message"] == f"interrupted by {name}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_that_goes_on_after_errors(failing, number):
    """As doctor does after each check that fails."""

    def check():
        with suppress(NovaDecomError):
            os.kill(os.getpid(), number)

    failing(check)

    assert run(["act"]) == ExitCode.TERMINATED


@pytest.mark.parametrize("style", ["table", "json"])
def test_a_bug_is_70_with_a_report(capsys, failing, style, clean_environment):
    """The report is in the state directory, and the message says where; no traceback is shown."""
    failing(raising(ValueError("the impossible")))

    assert run(["act", "-f", style]) == ExitCode.BUG

    (report,) = (clean_environment / "state").glob("bug-*.txt")
    assert "ValueError: the impossible" in report.read_text("utf-8")
    shown = capsys.readouterr()
    said = document(shown.out)["error"] if style == "json" else {"message": shown.err}
    assert "unexpected ValueError: the impossible" in said["message"]
    assert str(report) in str(said)
    assert "Traceback" not in shown.out + shown.err


def test_a_bug_with_a_name_that_is_no_text_is_still_reported(capsys, failing):
    """Nothing gets out of main but an exit code."""
    failing(raising(ValueError("host \udcff")))

    assert run(["act"]) == ExitCode.BUG
    assert "\\udcff" in capsys.readouterr().err


def test_main_exits_with_the_code_of_the_run():
    """It is what the entry point calls."""
    with pytest.raises(SystemExit) as raised:
        main(["no-such-command"])

    assert raised.value.code == 2


@pytest.mark.parametrize("arguments", [["plan", "node1"], ["list"], ["--dry-run"], ["doctor"]])
def test_without_a_cloud_it_is_said_how_to_name_one(capsys, arguments):
    """As one document when that was asked for, and exit 2."""
    assert run([*arguments, "--os-cloud", "nowhere", "-f", "json"]) == ExitCode.USAGE

    told = document(capsys.readouterr().out)
    assert told["command"] == arguments[0].replace("--dry-run", "plan")
    assert "nowhere" in told["error"]["message"]
    assert "--os-cloud" in told["error"]["remedy"]


def test_nothing_is_removed_without_a_yes_or_a_terminal(capsys):
    """Cron never hangs: it is refused at once, with the command that would do it."""
    assert run(["remove", "node1", "-f", "json"]) == ExitCode.UNCONFIRMED

    told = document(capsys.readouterr().out)
    assert told["error"]["remedy"] == "nova-decom remove node1 --yes"


@pytest.mark.parametrize("given", ["option before", "option after", "environment", "section"])
def test_a_dry_run_never_asks(capsys, monkeypatch, clean_environment, given):
    """Wherever it was asked for, remove only plans: here it fails for want of a cloud."""
    arguments = ["remove", "node1", "--os-cloud", "nowhere"]
    if given == "section":
        (clean_environment / "clouds.yaml").write_text(
            "clouds: {other: {}}\nnova-decom: {dry_run: true}\n"
        )
    elif given == "environment":
        monkeypatch.setenv("NOVA_DECOM_DRY_RUN", "1")
    elif given == "option before":
        arguments = ["--dry-run", *arguments]
    else:
        arguments = [*arguments, "--dry-run"]

    assert run(arguments) == ExitCode.USAGE
    assert "nowhere" in capsys.readouterr().err


def test_a_plan_that_names_no_host_is_refused(capsys, clean_environment):
    """There is nothing to carry out."""
    (clean_environment / "plan").write_text('{"schema": "nova-decom-plan/1", "hosts": []}')

    assert run(["remove", "--plan", "plan", "--yes"]) == ExitCode.USAGE
    assert "names no host" in capsys.readouterr().err


def test_a_saved_plan_and_hosts_beside_it_are_refused(capsys, clean_environment):
    """Nobody reviewed what would be done to the others."""
    save_plans(clean_environment / "plan", [make_plan(facts())], CloudIdentity())

    assert run(["remove", "--plan", "plan", "node2", "--yes"]) == ExitCode.USAGE

    shown = capsys.readouterr().err
    assert "plan names its hosts; the plan of other hosts was not reviewed" in shown
    assert "leave out HOST and the options that select hosts, or leave out --plan" in shown


def test_steps_tells_the_procedure_and_the_guards(capsys):
    """In order, with a sentence each, as text and as a document."""
    assert run(["steps"]) == 0
    text = capsys.readouterr().out
    assert run(["steps", "-f", "json"]) == 0
    told = document(capsys.readouterr().out)

    assert [s["name"] for s in told["steps"]] == [s.name for s in PROCEDURE]
    assert [g["name"] for g in told["guards"]] == [g.name for g in GUARDS]
    for entry in (*told["steps"], *told["guards"]):
        assert entry["summary"].endswith(".")
        assert entry["summary"] in text


LOOKS = ["list", "plan node3", "verify node3", "audit", "remove node3 --yes", "drain node3 --yes"]


@pytest.mark.parametrize("typed", LOOKS)
def test_the_first_line_names_the_cloud_that_is_meant(capsys, cloud, typed):
    """With its auth URL, its region and the databases, before anything is read."""
    run(typed.split())

    first = capsys.readouterr().err.splitlines()[0]
    url = f"{cloud.base}/identity"
    assert first == f"Cloud  scripted, {url} region R; databases: none, so only the API is used"


@pytest.mark.usefixtures("cloud")
def test_the_first_line_stands_above_what_is_shown_while_the_cloud_is_read(monkeypatch):
    """Not behind it on the same line."""

    class Elapsed(threading.Timer):
        def start(self):
            self.function(refresh=True)

        def join(self, timeout=None):
            """It never ran in a thread."""

    monkeypatch.setattr("nova_decom.output.reading.Timer", Elapsed)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    run(["list"])

    before, _, _ = terminal.getvalue().partition("Cloud  ")
    on_its_line = re.split(r"\n|\x1b\[2K", before)[-1]
    assert re.sub(r"\x1b\[[?0-9;]*[a-z]", "", on_its_line) == ""


@pytest.mark.usefixtures("cloud")
def test_a_host_that_guards_block_has_a_result_of_its_own(capsys):
    """A plan is no refusal: the exit code is that of success."""
    assert run(["plan", "node4", "-f", "json"]) == 0

    (host,) = document(capsys.readouterr().out)["hosts"]
    assert (host["result"], host["changes"]) == ("blocked", [])
