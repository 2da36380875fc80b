# SPDX-License-Identifier: Apache-2.0
"""The machine that ssh reaches by a host's name, as it describes itself. No I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemdUnit:
    """A nova-compute unit as the service manager of its machine reports it.

    Not ``reached``: the host did not answer, and nothing else says that it lives.
    """

    name: str
    active: bool
    enabled: bool
    reached: bool = True

    @property
    def is_off(self) -> bool:
        """Neither running nor coming back at the next boot."""
        return not self.active and not self.enabled


@dataclass(frozen=True, slots=True)
class UnitIdentity:
    """A nova-compute unit and the nova host that it serves.

    ``host`` is the option of that name in the configuration that the unit reads, or nova's default
    for it, the machine's host name; None when the configuration could not be read.
    ``node_uuids`` are the contents of its compute_id files (nova 27), and ``node_hosts`` the hosts
    whose compute nodes have these uuids in nova.
    """

    unit: SystemdUnit
    host: str | None = None
    node_uuids: frozenset[str] = frozenset()
    node_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Machine:
    """The host names and nova-compute units of a machine.

    ``checksum`` changes when the machine would describe itself otherwise. ``processes`` is the
    number of processes of nova-compute, of any unit or of none; None when it is not known.
    ``problem`` says why the machine could not be asked, and ``cure`` what helps.
    """

    names: tuple[str, ...] = ()
    units: tuple[UnitIdentity, ...] = ()
    checksum: str = ""
    processes: int | None = None
    problem: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class StopOrder:
    """Names of units to stop on a machine, as long as the machine has this checksum."""

    units: tuple[str, ...]
    checksum: str
