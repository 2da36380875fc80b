# SPDX-License-Identifier: Apache-2.0
"""Registrar blazar."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any, ClassVar

from nova_decom.model.api_call import ApiCall
from nova_decom.model.change import Change
from nova_decom.model.guard import Guard
from nova_decom.model.host import HostFacts
from nova_decom.model.names import removal
from nova_decom.model.plan import Leftover, Objection, counted, some
from nova_decom.model.registrar import Access, Ghost
from nova_decom.model.request import Part
from nova_decom.model.snapshot import grouped
from nova_decom.model.step import Step
from nova_decom.registrars.project import Project, Records

NAME = "blazar"
SERVICE = "reservation"


@dataclass(frozen=True, slots=True)
class ReservableHost:
    """A host that can be reserved, and the leases that have it."""

    id: str
    host: str
    leases: tuple[str, ...] = ()

    @property
    def cure(self) -> str:
        """The way to delete the record of a host that nova does not know.

        Blazar looks for the host in nova and in its freepool before it deletes the record.
        """
        return (
            f"start nova-compute of {self.host} again, then: openstack aggregate add host "
            f"freepool {quote(self.host)}; openstack reservation host delete {self.id}"
        )


def records_of(facts: HostFacts) -> Records[ReservableHost]:
    """The records of blazar among the facts of a host."""
    found: Records[ReservableHost] = facts.registrars.get(NAME, Records())
    return found


def host_reserved(facts: HostFacts) -> Objection | None:
    """No lease of blazar has reserved the host."""
    leases = dict.fromkeys(lease for r in records_of(facts).records for lease in r.leases)
    if not leases:
        return None
    return Objection(
        f"the host is reserved by {counted(len(leases), 'lease')} of blazar: {some(leases)}",
        f"end them (openstack reservation lease delete {next(iter(leases))}), or wait until they "
        "end",
    )


class DeleteReservableHost(Step):
    """Delete the host's record in blazar, before nova forgets the host.

    Afterwards blazar answers 404 for ever: the record stays reservable, and leases of it end in
    error.
    """

    name: ClassVar[str] = "delete-reservable-host"
    reads: ClassVar[frozenset[str]] = frozenset({NAME, Part.SERVICES})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each record, while nova knows the host."""
        for record in records_of(facts).records if facts.service else ():
            call = ApiCall(SERVICE, "DELETE", f"/os-hosts/{record.id}")
            detail = f"{call.text} ({record.host})"
            yield Change(self.name, "delete", record.id, detail, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the record."""
        known = records_of(facts)
        left = replace(known, records=tuple(r for r in known.records if r.id != change.target))
        return replace(facts, registrars={**facts.registrars, NAME: left})


class Blazar(Project[ReservableHost]):
    """Blazar keeps a record of each host that can be reserved.

    It deletes the record only while nova knows the host. A new host of the name gets a second
    record, and deleting the old one then takes the new host out of the freepool.
    """

    name: ClassVar[str] = NAME
    check_name: ClassVar[str] = "right to list blazar's hosts"
    rights: ClassVar[str] = "admin in blazar (`blazar:oshosts:get`)"
    service: ClassVar[str] = SERVICE
    guards: ClassVar[tuple[Guard, ...]] = (Guard("host-reserved", host_reserved),)
    before_delete: ClassVar[tuple[Step, ...]] = (DeleteReservableHost(),)
    journal = ("reservable_hosts", "reservable-host", ("host", "id"))
    harm: ClassVar[str] = "its record of HOST stays reservable, and leases of it end in error"
    remedy: ClassVar[str] = "look for HOST among the hosts of blazar, and delete its record there"

    def listed(self, access: Access) -> Iterator[ReservableHost]:
        """All hosts and all reservations, by one request each."""
        found = access.list(SERVICE, "/os-hosts/allocations", "allocations")
        leases = grouped(
            (str(a["resource_id"]), str(r["lease_id"])) for a in found for r in a["reservations"]
        )
        for entry in access.list(SERVICE, "/os-hosts", "hosts"):
            number = str(entry["id"])
            name = entry.get("service_name") or entry["hypervisor_hostname"]
            yield ReservableHost(number, name, leases.get(number, ()))

    def leftovers(self, facts: HostFacts) -> Iterator[Leftover]:
        """Every record."""
        for record in self.of(facts).records:
            cure = removal(facts.host) if facts.service else record.cure
            yield Leftover("reservable-host", record.id, f"{record.host} can be reserved", cure)

    def records(self, facts: HostFacts) -> tuple[ReservableHost, ...]:
        """The records of the host."""
        return self.of(facts).records

    def lost(
        self, saved: Sequence[Mapping[str, Any]], begun: Collection[str], facts: HostFacts
    ) -> Iterator[str]:
        """The records that were deleted."""
        known = {r.host for r in self.of(facts).records}
        for was in saved:
            if was["id"] in begun and was["host"] not in known:
                name = quote(was["host"])
                yield (
                    f"blazar has no record of it, and refuses to make one while the host is in "
                    f"its freepool: openstack aggregate remove host freepool {name}; "
                    f"openstack reservation host create {name}"
                )

    def ghost(self, record: ReservableHost) -> Ghost:
        """A record of a host that nova does not know."""
        detail = "can be reserved, and nova does not know it"
        return Ghost(record.host, "reservable-host", record.id, detail, record.cure, stays=True)
