# SPDX-License-Identifier: Apache-2.0
"""The jobs: the steps and guards of each command that changes hosts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nova_decom.guards import GUARDS, OF_ENABLE
from nova_decom.model.guard import Guard
from nova_decom.model.host import HostFacts
from nova_decom.model.report import Result
from nova_decom.steps import PROCEDURE, Step
from nova_decom.steps.enable_service import EnableService
from nova_decom.steps.move_servers import MoveServers


@dataclass(frozen=True, slots=True)
class Job:
    """A command as its steps and guards, and the result of a host on which all is done.

    ``asks``: the command needs a confirmation. ``deletes``: the host is gone afterwards, which
    is verified. ``checks_claim``: a claim of another run stops the command at any moment.
    ``elsewhere`` is the job of the hosts from which servers come back.
    """

    name: str
    steps: tuple[Step, ...]
    guards: tuple[Guard, ...]
    result: Result
    asks: bool = True
    deletes: bool = False
    checks_claim: bool = True
    elsewhere: Job | None = None

    def on(self, facts: HostFacts) -> Job:
        """The job of this host: this one, or that of a host from which servers come back."""
        is_elsewhere = facts.request.home not in {None, facts.host}
        return self.elsewhere if self.elsewhere and is_elsewhere else self


def _guards(*names: str) -> tuple[Guard, ...]:
    by_name = {guard.name: guard for guard in GUARDS}
    return tuple(by_name[name] for name in names)


REMOVE = Job("remove", PROCEDURE, GUARDS, Result.REMOVED, deletes=True)
#: The steps up to the moves of servers, for maintenance: nothing is deleted, so fewer guards are
#: asked.
DRAIN = Job(
    "drain",
    tuple(
        step
        for step in PROCEDURE[: [step.moves_servers for step in PROCEDURE].index(True) + 1]
        if not step.is_preparation
    ),
    _guards(
        *("host-known", "host-exact", "cells-answering", "fleet-healthy", "last-host"),
        *("blast-radius", "foreign-disable"),
        *("servers-present", "servers-arriving", "local-disks", "servers-movable", "capacity"),
        *("migrations-active", "service-alive", "ironic"),
    ),
    Result.DRAINED,
)
ENABLE = Job(
    "enable",
    (EnableService(),),
    (*_guards("host-known", "host-exact", "cells-answering"), *OF_ENABLE),
    Result.ENABLED,
    asks=False,
    # The guard own-disable asks for the claim once, before the only change.
    checks_claim=False,
)
#: Moves servers back to the host that they were drained from.
RETURN = Job(
    "enable",
    (MoveServers(),),
    _guards(
        *("host-known", "host-exact", "cells-answering"),
        *("servers-movable", "capacity", "migrations-active"),
    ),
    Result.RETURNED,
)
#: Enables a host, starts the servers that a drain has stopped there, and moves the others back.
BRING_BACK = replace(
    ENABLE,
    steps=(EnableService(), MoveServers()),
    guards=(*ENABLE.guards, *_guards("servers-movable")),
    asks=True,
    elsewhere=RETURN,
)
