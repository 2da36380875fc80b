# SPDX-License-Identifier: Apache-2.0
"""Commands in remedies, against the openstack client that is installed: none asks a question."""

from __future__ import annotations

import ast
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

import nova_decom

#: The client warns of its own libraries.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROOT = Path(nova_decom.__file__).parent
COMMAND = re.compile(r"openstack((?: --?[\w-]+| [\d.]+| [a-z][\w-]*)+)")
#: Options of the client itself, each with a value.
GLOBAL = {"--os-compute-api-version", "--os-volume-api-version"}
CLIENT = {
    tuple(entry.name.split("_")): entry
    for distribution in distributions()
    for entry in distribution.entry_points
    if entry.group.startswith("openstack.")
}


def texts():
    """The string literals of the program, docstrings aside."""
    for path in sorted(set(ROOT.rglob("*.py")) - set(ROOT.glob("osc/*"))):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and node not in docstrings:
                yield str(node.value)


def commands():
    """The words behind "openstack" of each command that a text of the program names."""
    for text in texts():
        for match in COMMAND.finditer(text):
            words = match[1].split()
            yield words[2:] if words[0] in GLOBAL else words


NAMED = sorted({" ".join(words) for words in commands()})


def known(words):
    """The command with which the words begin, the longest one; None where there is none."""
    starts = (tuple(words[:length]) for length in range(len(words), 1, -1))
    return next((CLIENT[start] for start in starts if start in CLIENT), None)


def test_remedies_name_commands():
    """The tests below look at something."""
    assert any(text.startswith("server set --state") for text in NAMED)
    assert len(NAMED) > 10


@pytest.mark.parametrize("text", NAMED)
def test_the_client_has_the_command_and_its_options(text):
    """Resetting a state asks a question, unless it is approved with the command."""
    words = text.split()
    command = known(words)
    assert command is not None, text
    parser = command.load()(None, None).get_parser("openstack")

    options = {word for word in words if word.startswith("--")}

    assert options <= {name for action in parser._actions for name in action.option_strings}
    assert ("--state" in options) == ("--auto-approve" in options)
