# SPDX-License-Identifier: Apache-2.0
"""The servers that a drain moves: all, or those that are chosen by project, name or UUID."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from nova_decom.cli.context import Context
from nova_decom.errors import ConfigurationError
from nova_decom.model.cloud import Server
from nova_decom.model.host import HostFacts

#: The ids of the projects of a name.
Projects = Callable[[str], Sequence[str]]


def with_chosen(
    app: Context, facts: tuple[HostFacts, ...], projects: Projects
) -> tuple[HostFacts, ...]:
    """The facts with the servers that are to move; the context keeps them for the run.

    :raises ConfigurationError: an option matches no server of the hosts, or several.
    """
    settings = app.settings
    if app.command != "drain" or not (settings.project or settings.server):
        return facts
    found = [s for f in facts for s in f.servers]
    app.chosen = {"only": chosen(found, settings.project, settings.server, projects)}
    return tuple(replace(f, request=replace(f.request, **app.chosen)) for f in facts)


def chosen(
    servers: Iterable[Server], of: Sequence[str], named: Sequence[str], projects: Projects
) -> frozenset[str]:
    """The ids of the servers of the projects ``of``, and among them of those that are ``named``.

    :raises ConfigurationError: one of these matches no server, or several.
    """
    found = list(servers)
    if of:
        found = [s for project in of for s in _of_project(found, project, projects)]
    if named:
        found = [_one(found, name) for name in named]
    return frozenset(s.id for s in found)


def _of_project(servers: Sequence[Server], project: str, projects: Projects) -> list[Server]:
    own = [s for s in servers if s.project == project]
    ids = () if own else projects(project)
    if len(ids) > 1:
        raise ConfigurationError(
            f"--project {project} is the name of {len(ids)} projects: {', '.join(ids)}",
            "give the id of one",
        )
    return own or _matching("--project", project, [s for s in servers if s.project in ids])


def _one(servers: Sequence[Server], name: str) -> Server:
    own = [s for s in servers if s.id == name] or [s for s in servers if s.name == name]
    if len(own) > 1:
        raise ConfigurationError(
            f"--server {name} is the name of {len(own)} servers: {', '.join(s.id for s in own)}",
            "give the UUID of one, or --project too",
        )
    return _matching("--server", name, own)[0]


def _matching(option: str, value: str, servers: list[Server]) -> list[Server]:
    if not servers:
        raise ConfigurationError(
            f"{option} {value} matches no server on these hosts; nothing was changed",
            "an empty match never means all; openstack server list --all-projects --host HOST",
        )
    return servers
