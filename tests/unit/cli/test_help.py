# SPDX-License-Identifier: Apache-2.0
"""Finding one's way: help in groups, names that nearly fit, explanations."""

from __future__ import annotations

import ast
from pathlib import Path

import click
import pytest

import nova_decom
from nova_decom.cli.commands import cli
from nova_decom.cli.explain import texts
from nova_decom.cli.help import COMMANDS, EXAMPLES, GROUPS, OTHER_NAMES, UNUSED
from nova_decom.cli.main import run
from nova_decom.cli.options import OPTIONS
from nova_decom.exit_codes import ExitCode
from nova_decom.guards import GUARDS, OF_ENABLE
from nova_decom.steps import PROCEDURE
from nova_decom.verify.kinds import KINDS

pytestmark = pytest.mark.usefixtures("clean_environment")


def shown(capsys, *arguments):
    """What is printed on stdout."""
    assert run([*arguments]) == 0
    return capsys.readouterr().out


def test_each_option_is_in_one_group_and_each_command_in_one_section():
    """Otherwise --help would not show it, or would show it twice."""
    grouped = [name for group in GROUPS.values() for name in group.split()]
    assert sorted(grouped) == sorted([*OPTIONS, "version", "help"])
    assert sorted(name for names in COMMANDS.values() for name in names) == sorted(cli.commands)
    assert {*EXAMPLES, *UNUSED} <= {*cli.commands, "nova-decom"}
    assert {name for names in UNUSED.values() for name in names.split()} <= {*OPTIONS}


@pytest.mark.parametrize("command", [[], *([name] for name in cli.commands)], ids=str)
def test_help_fits_a_terminal_and_cuts_no_sentence(capsys, monkeypatch, command):
    """At 80 columns; each summary has a line of its own."""
    monkeypatch.setenv("COLUMNS", "80")

    out = shown(capsys, *command, "--help")

    assert max(map(len, out.splitlines())) <= 80
    assert "..." not in out.replace("[HOST]...", "").replace("[ARGS]...", "")
    if not command:
        for name, each in cli.commands.items():
            assert f"{name} " in out
            assert f" {each.get_short_help_str(200)}\n" in out


def test_help_leaves_out_what_a_command_does_not_use(capsys):
    """Verify stops nothing and moves nothing; completion needs no cloud."""
    assert "--max-moves" not in shown(capsys, "verify", "--help")
    help_of_completion = shown(capsys, "completion", "--help")
    for option in ("--os-cloud", "--rabbitmq-api-url", "--format"):
        assert option not in help_of_completion
    assert "--max-moves" in shown(capsys, "remove", "--help")


def test_help_and_version_are_commands_too(capsys):
    """As other programs have it."""
    assert shown(capsys, "help") == shown(capsys, "--help")
    assert shown(capsys, "help", "remove").startswith("Usage: nova-decom remove [OPTIONS]")
    assert shown(capsys, "version") == shown(capsys, "--version")
    assert run(["help", "remov"]) == ExitCode.USAGE
    assert "Did you mean remove?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["remov", "node1"], "remove"),
        *(([name], ours) for name, ours in OTHER_NAMES.items()),
        (["remove", "node1", "--reasn"], "--reason"),
        (["explain", "lasthost"], "last-host"),
    ],
    ids=str,
)
def test_the_nearest_name_is_suggested_and_no_other(capsys, typed, meant):
    """With the help to read next."""
    assert run(typed) == ExitCode.USAGE

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: ")
    assert first.endswith(f" Did you mean {meant}?")
    assert second.strip().startswith("→ nova-decom ")


def test_a_name_that_is_like_no_other_gets_no_suggestion(capsys):
    """A wrong hint is worse than none."""
    for typed in (["qqqq"], ["list", "--qqqq"], ["explain", "qqqq"]):
        assert run(typed) == ExitCode.USAGE
        assert "Did you mean" not in capsys.readouterr().err


NAMES = [
    *(guard.name for guard in (*GUARDS, *OF_ENABLE)),
    *(step.name for step in PROCEDURE),
    *(str(int(code)) for code in ExitCode),
    *(code.name for code in ExitCode),
    *KINDS,
]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_that_a_message_has_is_explained(capsys, name):
    """Its sentence, and the page with more."""
    out = shown(capsys, "explain", name)

    head, _, text = out.partition("\n\n")
    assert name in head
    assert "docs/" in text
    assert len(text.splitlines()) > 2


def test_the_kinds_of_leftovers_are_those_of_the_code():
    """A new kind has to be explained, and none is explained that the code does not know."""
    written = {
        node.args[0].value
        for path in Path(nova_decom.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Leftover"
        and isinstance(node.args[0], ast.Constant)
    }

    assert written == {*KINDS}


def test_names_are_completed():
    """Without the network: of explain, clouds, columns, and the newest run."""
    from click.shell_completion import ShellComplete

    from nova_decom.cli.given import GivenOptions

    Path("clouds.yaml").write_text("clouds: {lab: {}, live: {}, other: {}}\n")

    def completed(*words, text=""):
        shell = ShellComplete(cli, {"obj": GivenOptions()}, "nova-decom", "_NOVA_DECOM_COMPLETE")
        return [item.value for item in shell.get_completions([*words], text)]

    assert completed("explain", text="last") == ["last-host"]
    assert set(completed("explain")) == {*texts()}
    assert completed("list", "--os-cloud", text="l") == ["lab", "live"]
    assert completed("audit", "-c", text="t") == ["target"]
    assert completed("plan", "--skip-guard", text="last") == ["last-host"]
    assert completed("report", text="la") == []
    Path("state/runs").mkdir(parents=True)
    Path("state/runs/20261123T041500Z-7f3a.jsonl").touch()
    assert completed("report", text="la") == ["last"]
    Path("clouds.yaml").write_text("clouds: [\n")
    assert completed("list", "--os-cloud") == []


def test_a_command_has_the_options_of_its_group():
    """The class of the program makes its commands."""
    assert all(isinstance(command, click.Command) for command in cli.commands.values())
    assert {type(command) for command in cli.commands.values()} == {type(cli).command_class}
