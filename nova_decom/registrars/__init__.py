# SPDX-License-Identifier: Apache-2.0
"""The services beside nova that know compute hosts: one file each, and one line here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.registrar import Ghost, Registrar
from nova_decom.model.request import NOVA_PARTS
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.registrars.blazar import Blazar
from nova_decom.registrars.cinder import Cinder
from nova_decom.registrars.masakari import Masakari
from nova_decom.registrars.message_queue import MessageQueue
from nova_decom.registrars.network_agents import NetworkAgents

REGISTRARS: tuple[Registrar[Any, Any], ...] = (
    NetworkAgents(),
    MessageQueue(),
    Cinder(),
    Masakari(),
    Blazar(),
)

#: What planning reads: the parts of nova, and one of each registrar.
PLANNED_PARTS: frozenset[str] = NOVA_PARTS | {registrar.name for registrar in REGISTRARS}


def with_registrars(facts: HostFacts, view: CloudSnapshot) -> HostFacts:
    """The facts, with those of each registrar cut out of its reading."""
    found = {r.name: r.facts(view.registrars.get(r.name), facts, view) for r in REGISTRARS}
    facts = replace(facts, registrars=found)
    unread = [thing for r in REGISTRARS for thing in r.unchecked(facts)]
    return replace(facts, unchecked=(*unread, *facts.unchecked))


def names_of(facts: HostFacts) -> Iterator[Ghost]:
    """The records by which the name is a host's, of all registrars."""
    for registrar in REGISTRARS:
        yield from registrar.names_of(facts)
