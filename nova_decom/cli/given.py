# SPDX-License-Identifier: Apache-2.0
"""The options as given, on the command line or in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from nova_decom.model.cloud_identity import CloudIdentity

#: The command line beats the environment.
_RANK = {ParameterSource.ENVIRONMENT: 1, ParameterSource.COMMANDLINE: 2}


class GivenOptions:
    """The options given on the command line or in the environment, and the command."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, Any]] = {}
        self.resolved: Mapping[str, Any] | None = None
        self.command = "nova-decom"
        #: The cloud, once the command has connected to it.
        self.cloud: CloudIdentity | None = None

    def put(self, name: str, value: object, rank: int) -> None:
        """Keep the value unless one of a higher rank is known."""
        if rank >= self._found.get(name, (0, None))[0]:
            self._found[name] = (rank, value)

    @property
    def values(self) -> Mapping[str, Any]:
        """The values by the Python name of the option."""
        return {name: value for name, (_, value) in self._found.items()}

    @property
    def known(self) -> Mapping[str, Any]:
        """All settings once they are resolved, before that the values given."""
        return self.values if self.resolved is None else self.resolved

    def from_command_line(self, name: str) -> bool:
        """True for a value on the command line, which every user of the machine can see."""
        return self._found.get(name, (0, None))[0] == _RANK[ParameterSource.COMMANDLINE]


def collect(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep the value of an option unless it is only its default; the callback of each option."""
    name = parameter.name or ""
    source = context.get_parameter_source(name)
    if source in _RANK:
        context.ensure_object(GivenOptions).put(name, value, _RANK[source])
