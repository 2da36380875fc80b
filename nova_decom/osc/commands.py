# SPDX-License-Identifier: Apache-2.0
"""The commands for python-openstackclient: each calls the command of the same name.

Options that python-openstackclient has itself (cloud, region, verbosity) are taken from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import click
from osc_lib.command import command

from nova_decom.cli.commands import cli
from nova_decom.cli.main import run

#: The client's own, before the command.
THEIRS = {"os_cloud", "os_region_name", "verbose", "quiet", "debug", "log_file", "help"}


class _Command(command.Command):
    """A command of nova-decom under openstack; its help is that of the command line."""

    #: The name of the nova-decom command that it calls.
    ours: ClassVar[str]
    #: The client need not log in: nova-decom has a session of its own.
    auth_required = False

    def get_description(self) -> str:
        """The help of the nova-decom command."""
        return cli.commands[self.ours].help or ""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """A parser with all options of the nova-decom command."""
        parser = super().get_parser(prog_name)
        for parameter in cli.commands[self.ours].params:
            if isinstance(parameter, click.Argument):
                many = "+" if parameter.required else "*"
                parser.add_argument("hosts", nargs=many, metavar="HOST", help="Exact name.")
            elif isinstance(parameter, click.Option) and parameter.name not in THEIRS:
                parser.add_argument(*parameter.opts, **_argument(parameter))
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Run the nova-decom command; returns its exit code."""
        hosts = getattr(parsed_args, "hosts", [])
        given = [self.ours, *self._theirs(), *_words(self.ours, parsed_args)]
        return run([*given, "--", *hosts] if hosts else given)

    def _theirs(self) -> Iterator[str]:
        options = self.app.options
        if getattr(options, "cloud", None):
            yield f"--os-cloud={options.cloud}"
        if getattr(options, "region_name", None):
            yield f"--os-region-name={options.region_name}"
        if getattr(options, "log_file", None):
            yield f"--log-file={options.log_file}"
        if getattr(options, "debug", False):
            yield "--debug"
        elif options.verbose_level == 0:
            yield "--quiet"


class Plan(_Command):
    """Show every API call and SQL statement of the removal of a compute host."""

    ours = "plan"


class Remove(_Command):
    """Take compute hosts out of the cloud and prove that they are gone."""

    ours = "remove"


class Verify(_Command):
    """Check whether anything of a compute host remains."""

    ours = "verify"


class Audit(_Command):
    """Find leftovers of removed compute hosts in the whole cloud."""

    ours = "audit"


def _argument(option: click.Option) -> dict[str, Any]:
    """A click option as an argparse option; click checks the value later."""
    about: dict[str, Any] = {
        "dest": option.name,
        "default": None,
        "help": (option.help or "").replace("%", "%%"),
    }
    if option.is_flag:
        return about | {"action": "store_true"}
    if isinstance(option.type, click.Choice):
        about["choices"] = list(option.type.choices)
    else:
        about["metavar"] = option.metavar or option.type.name.split()[0].upper()
    return about | {"action": "append" if option.multiple else "store"}


def _words(name: str, parsed: argparse.Namespace) -> Iterator[str]:
    """The options given, as a command line of nova-decom."""
    for option in cli.commands[name].params:
        value = getattr(parsed, option.name or "", None)
        if not isinstance(option, click.Option) or value is None:
            continue
        long = next(word for word in option.opts if word.startswith("--"))
        if option.is_flag:
            yield long
        else:
            values: Sequence[str] = value if option.multiple else [value]
            yield from (f"{long}={one}" for one in values)
