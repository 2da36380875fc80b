# SPDX-License-Identifier: Apache-2.0
"""The man pages: one for each command, all that the command line says, nothing that warns."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from nova_decom.cli.commands import cli
from nova_decom.exit_codes import ExitCode


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages that ``completion install`` writes."""
    target = tmp_path_factory.mktemp("man")
    install = [sys.executable, "-m", "nova_decom", "completion", "install", str(target)]
    subprocess.run(install, check=True)
    return target / "share" / "man" / "man1"


def shown(page: Path) -> str:
    """The page as man shows it, in one line without hyphenation."""
    done = _run("mandoc", "-Tutf8", "-Owidth=500", str(page))
    return " ".join(re.sub(".\b", "", done.stdout).replace("\N{MINUS SIGN}", "-").split())


def test_each_command_has_its_page(pages: Path) -> None:
    """And the program has one."""
    names = {f"nova-decom-{name}.1" for name in cli.commands} | {"nova-decom.1"}

    assert {p.name for p in pages.iterdir()} == names


def test_nobody_warns(pages: Path) -> None:
    """Neither mandoc nor groff, which is behind man."""
    files = [str(p) for p in sorted(pages.iterdir())]
    lint = _run("mandoc", "-Tlint", "-Wwarning", *files)
    complaints = [line for line in lint.stdout.splitlines() if "missing date" not in line]
    assert complaints == []

    for file in files:
        done = _run("man", "--warnings", "--local-file", file)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["", *cli.commands])
def test_a_page_says_what_help_says(pages: Path, name: str) -> None:
    """Every option with its help and its name in the environment, every exit code."""
    command = cli.commands[name] if name else cli
    text = shown(pages / (f"nova-decom-{name}.1" if name else "nova-decom.1"))

    for option in command.params:
        if isinstance(option, click.Option):
            assert max(option.opts, key=len) in text
            assert option.help is None or " ".join(option.help.split()) in text
            assert option.envvar is None or str(option.envvar) in text
    for code in ExitCode:
        assert f" {int(code)} {code.meaning}" in text
    first = " ".join((command.help or "").split("\n\n")[0].split()).removesuffix(".")
    assert f" - {first} " in text


def test_a_line_that_begins_with_a_quote_is_shown(pages: Path) -> None:
    """roff takes a quote or a full stop at the beginning of a line for a macro."""
    assert "'nova-decom --dry-run' alone is" in shown(pages / "nova-decom.1")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.fail(f"{command[0]} is missing: make packages")
    return subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
