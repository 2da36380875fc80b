# SPDX-License-Identifier: Apache-2.0
"""Completion at the prompt: what may stand there, from files; no network, no SDK."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from nova_decom.cli.given import GivenOptions
from nova_decom.cli.settings import cloud_name, state_dir_of
from nova_decom.errors import NovaDecomError
from nova_decom.state.host_name_cache import HostNames

SHELLS = ("bash", "zsh", "fish")


def hosts(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of hosts as last seen in the cloud that is meant, but those typed already."""
    given = context.ensure_object(GivenOptions).values
    try:
        names = HostNames(state_dir_of(given.get("state_dir")))
    except NovaDecomError:
        return []
    typed = context.params.get(parameter.name or "") or ()
    known = names.known(cloud_name(given.get("os_cloud")))
    return [host for host in known if host.startswith(incomplete) and host not in typed]


def runs(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Ids of the runs in the state directory, the newest first."""
    given = context.ensure_object(GivenOptions).values
    try:
        directory = state_dir_of(given.get("state_dir")) / "runs"
    except NovaDecomError:
        return []
    names = (path.name.removesuffix(".jsonl") for path in directory.glob("*.jsonl"))
    return sorted((name for name in names if name.startswith(incomplete)), reverse=True)


def script(command: click.Command, shell: str) -> str:
    """What a shell sources so that it completes this program."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    return found(command, {}, "nova-decom", "_NOVA_DECOM_COMPLETE").source()
