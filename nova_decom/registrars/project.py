# SPDX-License-Identifier: Apache-2.0
"""Registrars of projects whose API lists its records of all hosts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from nova_decom.errors import UnavailableError
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Condition, Met, counted
from nova_decom.model.registrar import Access, Checked, Ghost, Registrar
from nova_decom.model.snapshot import CloudSnapshot


class Named(Protocol):
    """A record that names a host."""

    @property
    def host(self) -> str:
        """The name."""


R = TypeVar("R", bound=Named)


@dataclass(frozen=True, slots=True)
class Records(Generic[R]):
    """The records of a project; ``error`` is why they could not be read, if it is there."""

    records: tuple[R, ...] = ()
    is_there: bool = False
    error: str | None = None


class Project(Registrar[Records[R], Records[R]]):
    """A project that keeps records of hosts; ``harm`` and ``remedy`` name the host as HOST.

    One that does not answer, or refuses the token, keeps no host from being removed: its records
    are then unknown, and named as not checked.
    """

    #: The type of the service in the catalogue.
    service: ClassVar[str]
    harm: ClassVar[str]
    remedy: ClassVar[str]

    @abstractmethod
    def listed(self, access: Access) -> Iterable[R]:
        """All records, by a number of requests that does not grow with the hosts."""

    def read(
        self, access: Access, names: Collection[str] | None, before: Records[R] | None
    ) -> Records[R]:
        """Read all records, if the catalogue has the project."""
        if not access.has(self.service):
            return Records()
        try:
            return Records(tuple(self.listed(access)), is_there=True)
        except UnavailableError as error:
            return Records(is_there=True, error=str(error))

    def facts(
        self, reading: Records[R] | None, facts: HostFacts, view: CloudSnapshot
    ) -> Records[R]:
        """The records that name exactly this host, or a hypervisor hostname of it."""
        reading = reading or Records()
        names = facts.identity.names | facts.request.aliases | {facts.host}
        others = view.services_of.keys() - {facts.host} if reading.records else ()
        found = (r for r in reading.records if r.host in names and r.host not in others)
        return Records(tuple(found), reading.is_there, reading.error)

    def of(self, facts: HostFacts) -> Records[R]:
        """The records among the facts of a host."""
        found: Records[R] = facts.registrars.get(self.name, Records())
        return found

    def check(self, access: Access) -> Checked:
        """List the records."""
        found = self.read(access, None, None)
        if not found.is_there:
            return Checked(f"no {self.service} in the catalogue")
        if found.error is not None:
            return Checked(f"not read: {self.harm} ({found.error})", self.remedy)
        return Checked(f"{counted(len(found.records), 'record')} of hosts")

    def conditions(self, facts: HostFacts) -> Iterator[Condition]:
        """Unknown where the project is there and was not read."""
        found = self.of(facts)
        harm, remedy = (t.replace("HOST", facts.host) for t in (self.harm, self.remedy))
        if found.error is not None:
            yield Condition(self.name, Met.UNKNOWN, f"{self.name} was not read: {harm}", remedy)
        elif found.is_there and found.records:
            yield Condition(self.name, Met.NOT_MET, harm, remedy)
        elif found.is_there:
            yield Condition(self.name, Met.MET, f"no record of {self.name} names the host")

    def unchecked(self, facts: HostFacts) -> Iterator[str]:
        """The records, with the reason why they were not read."""
        found = self.of(facts)
        if found.error is not None:
            yield f"{self.name}: {found.error}"

    def hosts(self, reading: Records[R]) -> Iterable[str]:
        """The names in all records: the project has records of compute hosts alone."""
        return (record.host for record in reading.records)

    def ghosts(self, reading: Records[R], gone: Collection[str]) -> Iterator[Ghost]:
        """The records of these names."""
        for record in reading.records:
            if record.host in gone:
                yield self.ghost(record)

    @abstractmethod
    def ghost(self, record: R) -> Ghost:
        """A record of a host that nova no longer knows."""
