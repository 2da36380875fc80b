# SPDX-License-Identifier: Apache-2.0
"""Registrars that are not read: only whether the catalogue has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import ClassVar

from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Condition, Met
from nova_decom.model.registrar import Access, Checked, Registrar
from nova_decom.model.snapshot import CloudSnapshot


class Unread(Registrar[bool, bool]):
    """A project that keeps records of hosts; ``harm`` and ``remedy`` name the host as HOST."""

    service: ClassVar[str]
    harm: ClassVar[str]
    remedy: ClassVar[str]
    rights: ClassVar[str] = "none: it is not read"

    def read(self, access: Access, names: Collection[str] | None, before: bool | None) -> bool:  # noqa: FBT001
        """Look it up in the catalogue, which came with the token."""
        return access.has(self.service)

    def facts(self, reading: bool | None, facts: HostFacts, view: CloudSnapshot) -> bool:  # noqa: FBT001
        """True when the catalogue has it."""
        return bool(reading)

    def check(self, access: Access) -> Checked:
        """Name the harm of what is not read."""
        if not access.has(self.service):
            return Checked(f"no {self.service} in the catalogue")
        return Checked(f"not read: {self.harm}", self.remedy)

    def conditions(self, facts: HostFacts) -> Iterator[Condition]:
        """Unknown where the catalogue has it."""
        if facts.registrars.get(self.name):
            harm, remedy = (t.replace("HOST", facts.host) for t in (self.harm, self.remedy))
            yield Condition(self.name, Met.UNKNOWN, f"{self.name} was not read: {harm}", remedy)


class Cinder(Unread):
    """Cinder keeps services and volumes of a hyperconverged host."""

    name: ClassVar[str] = "cinder"
    check_name: ClassVar[str] = "cinder"
    service: ClassVar[str] = "block-storage"
    harm: ClassVar[str] = "services and volumes of host HOST stay"
    remedy: ClassVar[str] = (
        "openstack volume service list --host HOST, then cinder-manage service remove"
    )


class Masakari(Unread):
    """Masakari keeps a record of each host of its segments."""

    name: ClassVar[str] = "masakari"
    check_name: ClassVar[str] = "masakari"
    service: ClassVar[str] = "instance-ha"
    harm: ClassVar[str] = (
        "its record of HOST stays, and with on_maintenance its notifications are refused"
    )
    remedy: ClassVar[str] = (
        "look for HOST in the segments of masakari, and delete its record there"
    )


class Blazar(Unread):
    """Blazar keeps a record of each host that can be reserved."""

    name: ClassVar[str] = "blazar"
    check_name: ClassVar[str] = "blazar"
    service: ClassVar[str] = "reservation"
    harm: ClassVar[str] = "its record of HOST stays reservable, and leases of it end in error"
    remedy: ClassVar[str] = "look for HOST among the hosts of blazar, and delete its record there"
