# SPDX-License-Identifier: Apache-2.0
"""Readings of heartbeats, each dated by the clock when it began and when it ended.

Three witnesses tell of a service's heartbeat: ``services.report_count`` (nova's database driver),
``updated_at`` of the API (of other servicegroup drivers too) and the state of the API, which
:meth:`HostFacts.is_silent` asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import nsmallest
from math import inf

from nova_decom.clients.host_history import HostHistory
from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clock import Clock
from nova_decom.model.cloud import NOVA_COMPUTE, ComputeService
from nova_decom.model.heartbeat import LONGEST_GAP, Heartbeat
from nova_decom.model.snapshot import CloudSnapshot

#: Living services of a cell whose counters show that the connection to it sees new rows.
NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds of the clock at which a reading began and ended."""

    begun: float
    ended: float

    def union(self, other: Span) -> Span:
        """The span of two readings taken together."""
        return Span(min(self.begun, other.begun), max(self.ended, other.ended))


@dataclass(slots=True)
class _Cell:
    """The counters of other hosts of a cell, by uuid, and the time of the latest change."""

    counts: dict[str, int] = field(default_factory=dict)
    changed_at: float | None = None


class Heartbeats:
    """The heartbeats of the hosts of one run; the host history keeps them."""

    def __init__(
        self,
        history: HostHistory,
        databases: NovaDatabases | None,
        leaving: frozenset[str],
        clock: Clock,
    ) -> None:
        """``leaving`` are the hosts of the run: their own counters prove nothing."""
        self._history = history
        self._databases = databases
        self._leaving = leaving
        self._clock = clock
        #: The longest gap between two beats of any living service.
        self._gap = 0.0
        #: When the services of the API were read last: of all hosts (None), and of one since then.
        self._read: dict[str | None, Span] = {}
        #: Service -> when our own write to it ended, infinite while it is under way.
        self._written: dict[str, float] = {}
        self._cells: dict[str | None, _Cell] = {}

    def continue_from(self, other: Heartbeats) -> None:
        """Take over the readings of another object, but not what its connections have proved."""
        self._gap, self._read = other._gap, dict(other._read)

    def services_read(
        self,
        host: str | None,
        begun: float,
        before: Iterable[ComputeService],
        after: Iterable[ComputeService],
    ) -> None:
        """Date a reading, just ended, of the services of one host or of all.

        Services whose ``updated_at`` moved between two readings show the gap between their beats.
        """
        span = Span(begun, self._clock.now())
        last = self._read.get(host, self._read.get(None))
        if last is not None:
            self._gap = max([self._gap, *_gaps(before, after, span.ended - last.begun)])
        self._read = {None: span} if host is None else self._read | {host: span}

    def compute_ended(self, host: str, *, ended: bool) -> None:
        """Note whether the machine shows that the process of the host's nova-compute has ended."""
        kept = {
            uuid: beat.noted(ended=ended) if beat.binary == NOVA_COMPUTE else beat
            for uuid, beat in self._history.of(host).heartbeats.items()
        }
        self._history.add(host, heartbeats=kept)

    @contextmanager
    def writing(self, service: str) -> Iterator[None]:
        """A context in which this run writes the service, which moves ``updated_at``."""
        self._written[service] = inf
        try:
            yield
        finally:
            self._written[service] = self._clock.now()

    def hear(
        self, host: str, view: CloudSnapshot, counts: Mapping[str, int], rows: Span | None
    ) -> None:
        """Keep one reading of a host's heartbeats; ``counts`` by uuid, as read in ``rows``."""
        read = self._read.get(host, self._read.get(None))
        if read is None:
            return
        span = read if rows is None else read.union(rows)
        kept = dict(self._history.of(host).heartbeats)
        for service in view.services_of.get(host, ()):
            if service.id is not None:
                beat = self._next(kept.get(service.id), service, counts.get(service.id), span)
                kept[service.id] = replace(
                    beat,
                    gap=max(beat.gap, self._gap),
                    sees_new_rows=self._sees_new_rows(view, host, beat.since),
                )
        self._history.add(host, heartbeats=kept)

    def listen(self, hosts: Sequence[str], view: CloudSnapshot) -> None:
        """Read the counters of these hosts and of some neighbours, by one query for each cell."""
        ids = {s.id for h in hosts for s in view.services_of.get(h, ()) if s.id}
        if self._databases is None or not ids:
            counts: dict[str, int] = {}
            span = None
        else:
            one_of = {_cell_of(view, host): host for host in hosts}
            near = {cell: self._neighbours(view, host) for cell, host in one_of.items()}
            others = {uuid: host for found in near.values() for uuid, host in found.items()}
            begun = self._clock.now()
            counts = self._databases.report_counts({*hosts, *others.values()}, ids | others.keys())
            span = Span(begun, self._clock.now())
            for cell, found in near.items():
                self._compare(cell, {u: counts[u] for u in found if u in counts}, span)
        for host in hosts:
            self.hear(host, view, counts, span)

    def _next(
        self, before: Heartbeat | None, service: ComputeService, count: int | None, span: Span
    ) -> Heartbeat:
        """The heartbeat after one more reading of it."""
        value = "" if count is None else f"count {count}"
        updated_at = service.updated_at or ""
        if before is None:
            return Heartbeat(
                str(service.id),
                service.binary,
                value,
                since=span.ended,
                until=span.ended,
                updated_at=updated_at,
            )
        ended = self._written.get(before.service)
        if ended is not None and span.begun > ended:
            del self._written[before.service]
        if ended is not None and value == before.value and updated_at != before.updated_at:
            # Our own write: whether it would have stood still without it is not known.
            return replace(before, updated_at=updated_at, since=span.ended, until=span.ended)
        return before.seen(value, span.begun, span.ended, updated_at)

    def _compare(self, cell: str | None, counts: Mapping[str, int], span: Span) -> None:
        """Note whether a counter of a neighbour changed since the last reading of the cell."""
        known = self._cells.setdefault(cell, _Cell())
        if any(known.counts.get(uuid, count) != count for uuid, count in counts.items()):
            known.changed_at = span.ended
        known.counts = dict(counts)

    def _sees_new_rows(self, view: CloudSnapshot, host: str, since: float) -> bool:
        """True when the connection has returned a new counter since then, or has no counter."""
        cell = self._cells.get(_cell_of(view, host), _Cell())
        return not cell.counts or (cell.changed_at is not None and cell.changed_at > since)

    def _neighbours(self, view: CloudSnapshot, host: str) -> dict[str, str]:
        """Living services (uuid -> host) of the host's cell, or of any where it is not known."""
        database = (view.databases or {}).get(host)
        near = database.cell_hosts if database else frozenset()
        found = (
            (s.id, s.host)
            for s in view.services
            if s.id and s.is_up and s.host != host and s.host not in self._leaving
        )
        return dict(nsmallest(NEIGHBOURS, found, key=lambda f: (f[1] not in near, f[1], f[0])))


def _cell_of(view: CloudSnapshot, host: str) -> str | None:
    database = (view.databases or {}).get(host)
    return database.cell if database else None


def _gaps(
    before: Iterable[ComputeService], after: Iterable[ComputeService], apart: float
) -> Iterator[float]:
    """Lower bounds of the gaps between beats, from two readings that are so far ``apart``."""
    known = {s.id: s.updated_at for s in before}
    for service in after:
        old, new = _moment(known.get(service.id)), _moment(service.updated_at)
        if service.id and service.is_up and old is not None and new is not None:
            gap = (new - old).total_seconds() - apart
            if 0 < gap <= LONGEST_GAP:
                yield gap


def _moment(text: str | None) -> datetime | None:
    """The time in a text of the API, without a zone: all of them are UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
    except ValueError:
        return None
