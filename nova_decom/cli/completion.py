# SPDX-License-Identifier: Apache-2.0
"""Shell completion of names, from files on this machine, without the network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from nova_decom.cli.given import GivenOptions
from nova_decom.cli.settings import cloud_name, clouds_files, state_dir_of
from nova_decom.errors import ConfigurationError, NovaDecomError
from nova_decom.state.name_cache import CachedNames

#: Each shell, and where below a prefix it finds the completion of a program.
SHELLS = {
    "bash": "share/bash-completion/completions/nova-decom",
    "zsh": "share/zsh/site-functions/_nova-decom",
    "fish": "share/fish/vendor_completions.d/nova-decom.fish",
}


def hosts(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The host names last read from the cloud, without those on the command line already."""
    typed = context.params.get(parameter.name or "") or ()
    return [host for host in _cached("hosts", context, incomplete) if host not in typed]


def aggregates(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of aggregates last read from the cloud."""
    return _cached("aggregates", context, incomplete)


def zones(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The availability zones of the compute services last read from the cloud."""
    return _cached("zones", context, incomplete)


def _cached(kind: str, context: click.Context, incomplete: str) -> list[str]:
    """The cached names of the cloud that is meant which begin with ``incomplete``."""
    given = context.ensure_object(GivenOptions).values
    try:
        cache = CachedNames(state_dir_of(given.get("state_dir")), kind)
    except NovaDecomError:
        return []
    known = cache.known(cloud_name(given.get("os_cloud")))
    return [name for name in known if name.startswith(incomplete)]


def runs(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Ids of the runs in the state directory, the newest first."""
    given = context.ensure_object(GivenOptions).values
    try:
        directory = state_dir_of(given.get("state_dir")) / "runs"
    except NovaDecomError:
        return []
    names = (path.name.removesuffix(".jsonl") for path in directory.glob("*.jsonl"))
    found = sorted((name for name in names if name.startswith(incomplete)), reverse=True)
    is_any = incomplete and "last".startswith(incomplete) and any(directory.glob("*.jsonl"))
    return ["last"] if is_any else found


def names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names that ``explain`` knows."""
    from nova_decom.cli.explain import texts

    return sorted(name for name in texts() if name.startswith(incomplete))


def clouds(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The clouds of the first clouds.yaml that there is."""
    import yaml

    for path in clouds_files():
        try:
            found = yaml.safe_load(path.read_text("utf-8"))["clouds"]
            return sorted(name for name in found if str(name).startswith(incomplete))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError):
            break
    return []


def script(command: click.Command, shell: str) -> str:
    """The completion script of a shell, to be sourced by it."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    return found(command, {}, "nova-decom", "_NOVA_DECOM_COMPLETE").source()


def install(command: click.Group, prefix: str | None) -> Iterator[Path]:
    """Write completion and man pages below ``prefix``; yields each file.

    Without a prefix they go to /usr/local for root, else to ~/.local.

    :raises ConfigurationError: a file cannot be written.
    """
    from nova_decom.cli.man import pages

    below = Path(prefix or ("/usr/local" if os.geteuid() == 0 else Path.home() / ".local"))
    texts = {path: script(command, shell) for shell, path in SHELLS.items()}
    texts |= {f"share/man/man1/{name}": text for name, text in pages(command).items()}
    for name, text in texts.items():
        path = below / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except OSError as problem:
            raise ConfigurationError(
                f"cannot write {path}: {problem.strerror}",
                "name another directory: nova-decom completion install DIR",
            ) from problem
        yield path
