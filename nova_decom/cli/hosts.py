# SPDX-License-Identifier: Apache-2.0
"""The hosts of a command: named, or selected by file, aggregate, zone or glob."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from nova_decom.cli.context import Context
from nova_decom.cli.settings import expanded
from nova_decom.errors import ConfigurationError
from nova_decom.model.cloud import NOVA_COMPUTE, Aggregate, ComputeService
from nova_decom.model.plan import counted, some
from nova_decom.output.console import console, line

#: nova keeps host names in 255 characters of MySQL's three-byte utf8.
MAX_HOST_NAME = 255
LAST_CHARACTER = "\uffff"
#: Up to this many selected hosts are all named on stderr.
LISTED = 100


def named(hosts: Iterable[str]) -> tuple[str, ...]:
    """The hosts, each once, in the order given.

    :raises ConfigurationError: nova cannot have a host of one of these names.
    """
    found = tuple(dict.fromkeys(hosts))
    for host in found:
        is_text = all(c <= LAST_CHARACTER and not "\ud800" <= c <= "\udfff" for c in host)
        if not host or len(host) > MAX_HOST_NAME or "\0" in host or not is_text:
            raise ConfigurationError(
                f"{host!r} cannot be the name of a host: nova takes 1 to {MAX_HOST_NAME} "
                "characters of the basic multilingual plane",
                "nova-decom list shows the names",
            )
    return found


def raise_if_aliases_of_several(app: Context, hosts: Sequence[str]) -> None:
    """An alias is a name of one host: deleting by it for each of several would hit the others.

    :raises ConfigurationError: ``--host-alias`` is given, and not exactly one host.
    """
    if app.settings.host_alias and len(hosts) != 1:
        raise ConfigurationError(
            f"--host-alias names one host, and this run is about {len(hosts) or 'all'} hosts",
            "run once for each host, each with its own --host-alias",
        )


def selected(app: Context, hosts: Sequence[str]) -> tuple[str, ...]:
    """The hosts named and selected, each once; those selected are listed on stderr.

    :raises ConfigurationError: an option selects no host; an empty selection never means all.
    """
    settings = app.settings
    if not is_selecting(app):
        return named(hosts)
    found = list(hosts)
    if settings.hosts_file:
        found += _checked("--hosts-file", settings.hosts_file, _from_file(settings.hosts_file))
    if settings.aggregate or settings.zone or settings.match:
        app.selecting = app.reading()
        services, aggregates = app.selecting.hosts_of_the_cloud()
        for name in settings.aggregate:
            found += _checked("--aggregate", name, in_aggregate(name, aggregates))
        for name in settings.zone:
            found += _checked("--zone", name, in_zone(name, services))
        for glob in settings.match:
            found += _checked("--match", glob, matching(glob, services))
    chosen = named(found)
    err = console(sys.stderr, settings.color)
    names = ", ".join(chosen) if len(chosen) <= LISTED else some(chosen)
    err.print(line(f"{counted(len(chosen), 'host')} selected: {names}"))
    return chosen


def is_selecting(app: Context) -> bool:
    """True when an option selects hosts."""
    settings = app.settings
    return bool(settings.hosts_file or settings.aggregate or settings.zone or settings.match)


def in_aggregate(name: str, aggregates: Iterable[Aggregate]) -> list[str]:
    """The hosts of the aggregates of exactly this name, also those that nova no longer has."""
    return sorted({h for a in aggregates if a.name == name for h in a.hosts})


def in_zone(name: str, services: Iterable[ComputeService]) -> list[str]:
    """The compute hosts of exactly this availability zone."""
    return sorted(s.host for s in services if s.binary == NOVA_COMPUTE and s.zone == name)


def matching(glob: str, services: Iterable[ComputeService]) -> list[str]:
    """The compute hosts that a shell glob matches, case-sensitive."""
    hosts = (s.host for s in services if s.binary == NOVA_COMPUTE)
    return sorted(h for h in hosts if fnmatchcase(h, glob))


def _from_file(path: str) -> list[str]:
    """The hosts of a file, one per line, without empty lines and lines that begin with #."""
    try:
        text = sys.stdin.read() if path == "-" else expanded(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigurationError(
            f"cannot read --hosts-file {path}: {why}", "give a readable text file"
        ) from None
    lines = (part.strip() for part in text.splitlines())
    return [part for part in lines if part and not part.startswith("#")]


def _checked(option: str, value: str | Path, hosts: list[str]) -> list[str]:
    if not hosts:
        raise ConfigurationError(
            f"{option} {value} selects no host", "an empty selection never means all; correct it"
        )
    return hosts
