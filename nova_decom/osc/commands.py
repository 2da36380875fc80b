# SPDX-License-Identifier: Apache-2.0
"""The commands: their options are those of the command line, and so is what they do.

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
    """A command of ours; its first line in help is that of the command line."""

    #: The name of the command that it hands over to.
    ours: ClassVar[str]
    #: The client need not log in: our own session does.
    auth_required = False

    def get_description(self) -> str:
        """What the command line says."""
        return cli.commands[self.ours].help or ""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """All options of the command line's command, with its help."""
        parser = super().get_parser(prog_name)
        for parameter in cli.commands[self.ours].params:
            if isinstance(parameter, click.Argument):
                many = "+" if parameter.required else "*"
                parser.add_argument("hosts", nargs=many, metavar="HOST", help="Exact name.")
            elif isinstance(parameter, click.Option) and parameter.name not in THEIRS:
                parser.add_argument(*parameter.opts, **_argument(parameter))
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Hand over; the exit code is the command line's."""
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
    """Show every change that the removal of a compute host needs."""

    ours = "plan"


class Remove(_Command):
    """Take compute hosts out of the cloud and prove that they are gone."""

    ours = "remove"


class Verify(_Command):
    """Look whether anything is left of compute hosts."""

    ours = "verify"


class Audit(_Command):
    """Look for what removed compute hosts left anywhere in the cloud."""

    ours = "audit"


def _argument(option: click.Option) -> dict[str, Any]:
    """An option of click as one of argparse; the values are checked where they are used."""
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
    """What was given, as it would be typed to nova-decom."""
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
