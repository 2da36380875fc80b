# SPDX-License-Identifier: Apache-2.0
"""Registrar cinder: only looked at, as no API deletes its services."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any, ClassVar

from nova_decom.errors import UnavailableError
from nova_decom.model.guard import Guard
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Condition, Kept, Leftover, Met, Objection, Verdict, counted, some
from nova_decom.model.registrar import Access, Ghost
from nova_decom.model.snapshot import CloudSnapshot, grouped
from nova_decom.registrars.project import Project, Records

NAME = "cinder"
SERVICE = "block-storage"
#: The field of a volume with its host, which cinder leaves out for a token without the right.
PLACE, PLACE_RIGHT = "os-vol-host-attr:host", "volume_extension:volume_host_attribute"


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
        name = quote(self.name)
        return (
            f"cinder-manage service remove {quote(self.binary)} {name}, then: openstack volume "
            f"service list --host {name} (the first exits 0 also when it fails)"
        )


@dataclass(frozen=True, slots=True)
class Attachment:
    """A volume that cinder has attached to a host, for a server if it names one."""

    id: str
    volume: str
    server: str | None
    host: str

    @property
    def name(self) -> str:
        """Its id, its volume and the server that it is for."""
        use = f"server {self.server}" if self.server else "no server"
        return f"{self.id} (volume {self.volume}, {use})"

    @property
    def cure(self) -> str:
        """The command that deletes it; cinder asks nova, and refuses while a server uses it."""
        return f"openstack --os-volume-api-version 3.27 volume attachment delete {self.id}"


Record = CinderService | Attachment


def services(facts: HostFacts) -> list[CinderService]:
    """The services of cinder on the host."""
    known: Records[Record] = facts.registrars.get(NAME, Records())
    return [r for r in known.records if isinstance(r, CinderService)]


def attachments(facts: HostFacts) -> list[Attachment]:
    """The attachments to the host that are for no server of it."""
    known: Records[Record] = facts.registrars.get(NAME, Records())
    return [r for r in known.records if isinstance(r, Attachment)]


def volumes_on_host(facts: HostFacts) -> Objection | None:
    """No volume is on a cinder backend of the host, where it could not be managed any more."""
    found = [v for service in services(facts) for v in service.volumes]
    if not found:
        return None
    names = ", ".join(s.name for s in services(facts) if s.volumes)
    return Objection(
        f"on backends of the host ({names}): {counted(len(found), 'volume')}, {some(found)}",
        "migrate them (openstack volume migrate --host BACKEND VOLUME), or --skip-guard "
        "volumes-on-host if cinder stays on this machine",
    )


def volume_attachments(facts: HostFacts) -> Objection | None:
    """Cinder has no volume attached to the host for a server that is not on it."""
    found = attachments(facts)
    if not found:
        return None
    return Objection(
        f"cinder has {counted(len(found), 'volume attachment')} to the host for servers that are "
        f"not on it: {some(a.name for a in found)}",
        f"{found[0].cure}, for each of them (cinder refuses it while a server uses the volume so)",
        Verdict.WARNING,
    )


def _attachments(volume: Mapping[str, Any], names: Collection[str]) -> Iterator[Attachment]:
    """The attachments of a volume to one of these hosts."""
    for entry in volume["attachments"]:
        host = entry.get("host_name")
        if host in names:
            yield Attachment(entry["attachment_id"], volume["id"], entry["server_id"], host)


class Cinder(Project[Record]):
    """Cinder keeps the services of a hyperconverged host, volumes on them, and attachments.

    Services that are up stay, as cinder may go on without nova-compute there. The attachments of
    volumes move with the servers; one that is for no server of the host is only named.
    """

    name: ClassVar[str] = NAME
    check_name: ClassVar[str] = "right to list cinder's services"
    rights: ClassVar[str] = (
        "admin in cinder (`volume_extension:services:index`, "
        "`volume_extension:volume_host_attribute`)"
    )
    service: ClassVar[str] = SERVICE
    guards: ClassVar[tuple[Guard, ...]] = (
        Guard("volumes-on-host", volumes_on_host),
        Guard("volume-attachments", volume_attachments),
    )
    kinds: ClassVar[Mapping[str, str]] = {
        "volume-attachment": "Cinder has attached a volume to the host for no server there."
    }
    harm: ClassVar[str] = "services of cinder that are down may name HOST"
    remedy: ClassVar[str] = (
        "openstack volume service list --host HOST, then cinder-manage service remove"
    )

    def listed(self, access: Access) -> Iterator[Record]:
        """All services, by one request."""
        for entry in access.list(SERVICE, "/os-services", "services"):
            yield CinderService(entry["binary"], entry["host"], entry["state"] == "up")

    def of_run(
        self, access: Access, reading: Records[Record], names: Collection[str]
    ) -> Records[Record]:
        """Read the volumes of the cloud, for those on the backends of these hosts and attached."""
        if not reading.is_there or reading.error is not None:
            return reading
        try:
            path, every = "/volumes/detail", {"all_tenants": "1"}
            found = access.list(SERVICE, path, "volumes", None, **every)
        except UnavailableError as error:
            return replace(reading, error=str(error))
        if any(PLACE not in volume for volume in found):
            return replace(reading, error=f"GET {path}: without the right {PLACE_RIGHT}")
        places = [(v["id"], (v[PLACE] or "")) for v in found]
        at = grouped((place.partition("#")[0], volume) for volume, place in places)
        own = (r for r in reading.records if isinstance(r, CinderService))
        records = (replace(s, volumes=at.get(s.name, ())) if s.host in names else s for s in own)
        attached = (a for volume in found for a in _attachments(volume, names))
        return replace(reading, records=(*records, *attached))

    def facts(
        self, reading: Records[Record] | None, facts: HostFacts, view: CloudSnapshot
    ) -> Records[Record]:
        """The records of the host, without the attachments for its own servers."""
        known = super().facts(reading, facts, view)
        here = {server.id for server in facts.servers}
        left = (r for r in known.records if isinstance(r, CinderService) or r.server not in here)
        return replace(known, records=tuple(left))

    def leftovers(self, facts: HostFacts) -> Iterator[Leftover]:
        """The services that are down, and the attachments."""
        for service in services(facts):
            if not service.is_up:
                detail = f"{service.binary} {service.name} is down"
                yield Leftover("cinder-service", service.name, detail, service.cure)
        for found in attachments(facts):
            yield Leftover(
                "volume-attachment", found.id, f"{found.name} to {found.host}", found.cure
            )

    def kept(self, facts: HostFacts) -> Iterator[Kept]:
        """The services that are up."""
        for service in services(facts):
            if service.is_up:
                yield Kept(service.binary, service.name, "a service of cinder that is up")

    def conditions(self, facts: HostFacts) -> Iterator[Condition]:
        """Records of cinder of the same name keep no nova-compute from coming back."""
        for condition in super().conditions(facts):
            if condition.met is Met.NOT_MET:
                names = some(r.name for r in self.of(facts).records)
                yield Condition(self.name, Met.MET, f"its records do not keep it away: {names}")
            else:
                yield condition

    def hosts(self, reading: Records[Record]) -> tuple[str, ...]:
        """None for certain: cinder's services run on other machines too."""
        return ()

    def ghost(self, record: Record) -> Ghost:
        """A service of a host that nova does not know; one that is up is only named."""
        detail = f"{record.name} of a host that nova does not know"
        return Ghost(record.host, "cinder-service", record.name, detail, record.cure, stays=True)

    def ghosts(self, reading: Records[Record], gone: Collection[str]) -> Iterator[Ghost]:
        """The services of these names that are down; an audit reads no attachments."""
        down = (r for r in reading.records if isinstance(r, CinderService) and not r.is_up)
        return super().ghosts(replace(reading, records=tuple(down)), gone)
