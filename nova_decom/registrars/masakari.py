# SPDX-License-Identifier: Apache-2.0
"""Registrar masakari."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any, ClassVar

from nova_decom.model.api_call import ApiCall
from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.names import removal
from nova_decom.model.plan import Leftover
from nova_decom.model.registrar import Access, Ghost
from nova_decom.model.request import Part
from nova_decom.model.step import Step
from nova_decom.registrars.project import Project, Records

NAME = "masakari"
SERVICE = "instance-ha"


@dataclass(frozen=True, slots=True)
class SegmentHost:
    """A host of a segment; masakari evacuates one that fails unless it is on maintenance."""

    id: str
    segment: str
    host: str
    on_maintenance: bool

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/segments/{self.segment}/hosts/{self.id}"


def records_of(facts: HostFacts) -> Records[SegmentHost]:
    """The records of masakari among the facts of a host."""
    found: Records[SegmentHost] = facts.registrars.get(NAME, Records())
    return found


def _with(facts: HostFacts, records: Iterator[SegmentHost]) -> HostFacts:
    known = replace(records_of(facts), records=tuple(records))
    return replace(facts, registrars={**facts.registrars, NAME: known})


def set_maintenance(record: SegmentHost, *, on: bool) -> ApiCall:
    """Say whether the host is on maintenance, so that its notifications are refused."""
    return ApiCall(SERVICE, "PUT", record.path, None, {"host": {"on_maintenance": on}})


class PauseRecovery(Step):
    """Put the host on maintenance in masakari, which would evacuate it when nova-compute stops.

    A run that ends before the compute service is deleted takes it back.
    """

    name: ClassVar[str] = "pause-recovery"
    reversible: ClassVar[bool] = True
    is_preparation: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({NAME, Part.SERVICES})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each record, while nova knows the host."""
        for record in records_of(facts).records if facts.service else ():
            if not record.on_maintenance:
                yield self._change("pause", record, on=True)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts with the record on maintenance."""
        known = records_of(facts).records
        return _with(
            facts,
            (replace(r, on_maintenance=True) if r.id == change.target else r for r in known),
        )

    def undo(self, change: Change, facts: HostFacts) -> Change | None:
        """Take it back while nova knows the host."""
        found = (r for r in records_of(facts).records if r.id == change.target)
        record = next((r for r in found if r.on_maintenance), None)
        if facts.service is None or record is None:
            return None
        return self._change("resume", record, on=False)

    def _change(self, action: str, record: SegmentHost, *, on: bool) -> Change:
        call = set_maintenance(record, on=on)
        return Change(self.name, action, record.id, f"{call.text} ({record.host})", call=call)


class DeleteSegmentHost(Step):
    """Delete the host's record in masakari.

    Masakari refuses it (409) while a notification of the segment is not finished: it is tried
    again for a while.
    """

    name: ClassVar[str] = "delete-segment-host"
    attempts: ClassVar[int] = 30
    reads: ClassVar[frozenset[str]] = frozenset({NAME})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each record."""
        for record in records_of(facts).records:
            call = ApiCall(SERVICE, "DELETE", record.path)
            detail = f"{call.text} ({record.host})"
            yield Change(self.name, "delete", record.id, detail, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the record."""
        return _with(facts, (r for r in records_of(facts).records if r.id != change.target))


class Masakari(Project[SegmentHost]):
    """Masakari keeps a record of each host of its segments, for ever.

    One that is left is put on maintenance by the next notification, and those of a new host of
    the name are then refused.
    """

    name: ClassVar[str] = NAME
    check_name: ClassVar[str] = "right to list masakari's hosts"
    rights: ClassVar[str] = "admin in masakari (`os_masakari_api:os-hosts`)"
    service: ClassVar[str] = SERVICE
    first: ClassVar[tuple[Step, ...]] = (PauseRecovery(),)
    after_delete: ClassVar[tuple[Step, ...]] = (DeleteSegmentHost(),)
    journal = ("segment_hosts", "segment-host", ("host", "segment"))
    harm: ClassVar[str] = (
        "its record of HOST stays, and with on_maintenance its notifications are refused"
    )
    remedy: ClassVar[str] = (
        "look for HOST in the segments of masakari, and delete its record there"
    )

    def listed(self, access: Access) -> Iterator[SegmentHost]:
        """All hosts, by one list for each segment: masakari has no other.

        It cuts each list after 1,000 entries without a link, and refuses a uuid as marker.
        """
        for segment in access.marked(SERVICE, "/segments", "segments", "id"):
            place = segment["uuid"]
            for entry in access.marked(SERVICE, f"/segments/{place}/hosts", "hosts", "id"):
                on = bool(entry["on_maintenance"])
                yield SegmentHost(entry["uuid"], place, entry["name"], on)

    def leftovers(self, facts: HostFacts) -> Iterator[Leftover]:
        """Every record."""
        for record in self.of(facts).records:
            state = "on maintenance" if record.on_maintenance else "taking notifications"
            detail = f"{record.host} in segment {record.segment}, {state}"
            cure = removal(facts.host)
            yield Leftover("segment-host", record.id, detail, cure)

    def records(self, facts: HostFacts) -> tuple[SegmentHost, ...]:
        """The records of the host."""
        return self.of(facts).records

    def lost(
        self, saved: Sequence[Mapping[str, Any]], begun: Collection[str], facts: HostFacts
    ) -> Iterator[str]:
        """The records that were deleted, and those that the run has put on maintenance."""
        known = {r.id: r for r in self.of(facts).records}
        for was in (SegmentHost(**s) for s in saved):
            now = known.get(was.id)
            if was.id in begun and now is None:
                yield (
                    f"masakari has no record of {was.host} any more: openstack segment host "
                    f"create {quote(was.host)} TYPE CONTROL_ATTRIBUTES {was.segment}"
                )
            elif was.id in begun and now and now.on_maintenance and not was.on_maintenance:
                yield (
                    f"masakari has {was.host} on maintenance: openstack segment host update "
                    f"--on_maintenance False {was.segment} {was.id}"
                )

    def ghost(self, record: SegmentHost) -> Ghost:
        """A record of a host that nova does not know."""
        detail = f"record in segment {record.segment} of a host that nova does not know"
        alone = f"openstack segment host delete {record.segment} {record.id}"
        return Ghost(record.host, "segment-host", record.id, detail, alone)
