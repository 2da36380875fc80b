# SPDX-License-Identifier: Apache-2.0
"""The environment: the variables of the options, and the others that are read."""

from __future__ import annotations

from collections.abc import Iterator

import click

from nova_decom.cli.commands import cli
from pages.markdown import code, page, table

TEXT = """\
Every option has a variable of its own; [commands and options](commands.md) has them in place.
A variable that is set and empty counts as not set."""

#: What else is read, by nova-decom itself or by what it is made of; tests hold os.environ to it.
OTHERS = {
    "OS_CLOUD": "the cloud of clouds.yaml, when `--os-cloud` is not given (openstacksdk)",
    "OS_CLIENT_CONFIG_FILE": "another clouds.yaml (openstacksdk)",
    "OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, …": "credentials without clouds.yaml (openstacksdk)",
    "OS_API_DATABASE__CONNECTION, OS_DATABASE__CONNECTION": (
        "win over the same options of the file of `--nova-conf`, as for nova itself (oslo.config)"
    ),
    "STATE_DIRECTORY": "the state directory, when `--state-dir` is not given; systemd sets it",
    "XDG_STATE_HOME": "where the state directory of a user other than root is (platformdirs)",
    "SUDO_USER": "who is named in disabled_reason and journal, instead of root",
    "NO_COLOR, TERM, COLUMNS": "colour and width of text on a terminal (rich)",
    "SSH_AUTH_SOCK, …": "whatever your ssh client reads: it is called as you would call it",
}


def environment() -> str:
    """The page of the environment."""
    others = table(("variable", "for"), ((_names(n), text) for n, text in OTHERS.items()))
    options = table(("variable", "option"), sorted(_of_options()))
    return page("Environment", TEXT, "## Other variables", others, "## Of the options", options)


def _names(names: str) -> str:
    return ", ".join(n if n == "…" else code(n) for n in names.split(", "))


def _of_options() -> Iterator[tuple[str, str]]:
    found = {
        str(option.envvar): max(option.opts, key=len)
        for command in (cli, *cli.commands.values())
        for option in command.params
        if isinstance(option, click.Option) and option.envvar
    }
    return ((code(variable), code(option)) for variable, option in found.items())
