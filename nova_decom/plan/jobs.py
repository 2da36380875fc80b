# SPDX-License-Identifier: Apache-2.0
"""The jobs: which steps and guards a command has."""

from __future__ import annotations

from dataclasses import dataclass

from nova_decom.guards import GUARDS, OWN_DISABLE, Guard
from nova_decom.model.report import Result
from nova_decom.steps import PROCEDURE, Step
from nova_decom.steps.enable_service import EnableService


@dataclass(frozen=True, slots=True)
class Job:
    """What a command does to a host: its steps and guards, and how a host ends that is done.

    ``asks`` when nothing may happen that nobody has confirmed.
    """

    name: str
    steps: tuple[Step, ...]
    guards: tuple[Guard, ...]
    result: Result
    asks: bool = True


def _guards(*names: str) -> tuple[Guard, ...]:
    by_name = {guard.name: guard for guard in GUARDS}
    return tuple(by_name[name] for name in names)


REMOVE = Job("remove", PROCEDURE, GUARDS, Result.REMOVED)


#: Steps 1 and 2 only, for maintenance: nothing is deleted, so fewer guards have a say.
DRAIN = Job(
    "drain",
    PROCEDURE[:2],
    _guards(
        *("host-known", "host-exact", "cells-answering", "fleet-healthy", "last-host"),
        *("blast-radius", "foreign-disable"),
        *("servers-present", "servers-movable", "capacity", "migrations-active"),
        *("service-alive", "ironic"),
    ),
    Result.DRAINED,
)


ENABLE = Job(
    "enable",
    (EnableService(),),
    (*_guards("host-known", "host-exact", "cells-answering"), OWN_DISABLE),
    Result.ENABLED,
    asks=False,
)
