# SPDX-License-Identifier: Apache-2.0
"""Registrar cinder: only looked at, as no API deletes its services."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from nova_decom.model.guard import Guard
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Condition, Kept, Leftover, Met, Objection, some
from nova_decom.model.registrar import Access, Ghost
from nova_decom.registrars.project import Project, Records

NAME = "cinder"
SERVICE = "block-storage"


@dataclass(frozen=True, slots=True)
class CinderService:
    """A service of cinder; ``name`` is its host with the backend, ``node1@lvm``.

    ``volumes`` are the ids of volumes on this backend, where they were read.
    """

    binary: str
    name: str
    is_up: bool
    volumes: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The name of the host."""
        return self.name.partition("@")[0]

    @property
    def cure(self) -> str:
        """The command that deletes the record; it exits with 0 where it fails too."""
        return (
            f"cinder-manage service remove {self.binary} {self.name}, then: openstack volume "
            f"service list --host {self.name} (the first exits 0 also when it fails)"
        )


def volumes_on_host(facts: HostFacts) -> Objection | None:
    """No volume is on a cinder backend of the host, where it could not be managed any more."""
    records: Records[CinderService] = facts.registrars.get(NAME, Records())
    found = [v for service in records.records for v in service.volumes]
    if not found:
        return None
    names = ", ".join(s.name for s in records.records if s.volumes)
    return Objection(
        f"{len(found)} volumes are on backends of the host ({names}): {some(found)}",
        "migrate them (openstack volume migrate --host BACKEND VOLUME), or --skip-guard "
        "volumes-on-host if cinder stays on this machine",
    )


class Cinder(Project[CinderService]):
    """Cinder keeps the services of a hyperconverged host, and the volumes on its backends.

    Services that are up stay, as cinder may go on without nova-compute there. Attachments move
    with the servers (tried with evacuation and live migration), and are not read.
    """

    name: ClassVar[str] = NAME
    check_name: ClassVar[str] = "right to list cinder's services"
    rights: ClassVar[str] = "admin in cinder (`volume_extension:services:index`)"
    service: ClassVar[str] = SERVICE
    guards: ClassVar[tuple[Guard, ...]] = (Guard("volumes-on-host", volumes_on_host),)
    harm: ClassVar[str] = "services of cinder that are down may name HOST"
    remedy: ClassVar[str] = (
        "openstack volume service list --host HOST, then cinder-manage service remove"
    )

    def listed(self, access: Access) -> Iterator[CinderService]:
        """All services, by one request."""
        for entry in access.list(SERVICE, "/os-services", "services"):
            yield CinderService(entry["binary"], entry["host"], entry["state"] == "up")

    def of_run(
        self, access: Access, reading: Records[CinderService], names: Collection[str]
    ) -> Records[CinderService]:
        """Read the volumes of the cloud, where one of these hosts has a backend."""
        backends = {s.name for s in reading.records if s.host in names and "@" in s.name}
        if not backends:
            return reading
        path, every = "/volumes/detail", {"all_tenants": "1"}
        found = access.list(SERVICE, path, "volumes", None, **every)
        places = [(v["id"], (v.get("os-vol-host-attr:host") or "")) for v in found]
        on = {b: tuple(v for v, at in places if at.partition("#")[0] == b) for b in backends}
        records = tuple(replace(s, volumes=on.get(s.name, ())) for s in reading.records)
        return replace(reading, records=records)

    def leftovers(self, facts: HostFacts) -> Iterator[Leftover]:
        """The services that are down."""
        for service in self.of(facts).records:
            if not service.is_up:
                detail = f"{service.binary} {service.name} is down"
                yield Leftover("cinder-service", service.name, detail, service.cure)

    def kept(self, facts: HostFacts) -> Iterator[Kept]:
        """The services that are up."""
        for service in self.of(facts).records:
            if service.is_up:
                yield Kept(service.binary, service.name, "a service of cinder that is up")

    def conditions(self, facts: HostFacts) -> Iterator[Condition]:
        """Services of cinder of the same name keep no nova-compute from coming back."""
        for condition in super().conditions(facts):
            if condition.met is Met.NOT_MET:
                names = some(f"{s.binary} {s.name}" for s in self.of(facts).records)
                yield Condition(self.name, Met.MET, f"its services do not keep it away: {names}")
            else:
                yield condition

    def ghost(self, record: CinderService) -> Ghost:
        """A service of a host that nova does not know; one that is up is only named."""
        state = "up" if record.is_up else "down"
        detail = f"{record.binary} of a host that nova does not know, {state}"
        return Ghost(record.host, "cinder-service", record.name, detail, record.cure, stays=True)

    def ghosts(self, reading: Records[CinderService], gone: Collection[str]) -> Iterator[Ghost]:
        """The services of these names that are down."""
        down = tuple(s for s in reading.records if not s.is_up)
        return super().ghosts(replace(reading, records=down), gone)
