# SPDX-License-Identifier: Apache-2.0
"""Reads the parts that are wanted of each host, in their order, and hears the heartbeats."""

from __future__ import annotations

from nova_decom.clients.heartbeats import Heartbeats, Span
from nova_decom.clients.read_batching import Wanted
from nova_decom.clients.readings import Readings, Rows
from nova_decom.clock import Clock
from nova_decom.errors import MissingRightError
from nova_decom.model.request import Part
from nova_decom.registrars import PLANNED_PARTS

#: Nova-api takes as long for so many services in a list as for those of one host.
LONG_LIST = 50


class CloudReader:
    """Fills the readings with what is wanted."""

    def __init__(
        self, readings: Readings, heartbeats: Heartbeats, clock: Clock, *, has_rows: bool
    ) -> None:
        """``has_rows`` is true when databases are read, whose counters are the heartbeats."""
        self._readings = readings
        self._heartbeats = heartbeats
        self._clock = clock
        self._witness = Part.DATABASE if has_rows else Part.SERVICES

    def read(self, wanted: Wanted) -> None:
        """Read these parts: services first, of all hosts at once or of a few by themselves."""
        of_services = {Part.SERVICES, Part.HEARTBEATS}
        hosts = [h for h, parts in wanted.items() if parts & of_services]
        plans = any(parts >= PLANNED_PARTS for parts in wanted.values())
        are_few = len(hosts) <= max(1, len(self._readings.view.services) // LONG_LIST)
        if hosts and (plans or not are_few):
            self._readings.services(None)
        else:
            for host in hosts:
                self._readings.services(host)
        self.beside_services(wanted)

    def beside_services(self, wanted: Wanted) -> None:
        """Read these parts of each host, but no services.

        :raises MissingRightError: the token lacks rights; the message names each of them.
        """
        rows: Rows = {}
        spans: dict[str, Span] = {}
        missing: list[MissingRightError] = []
        for reader in self._readings.parts:
            hosts = [host for host, parts in wanted.items() if reader.part in parts]
            if hosts:
                begun = self._clock.now()
                try:
                    reader.read(hosts, rows)
                except MissingRightError as error:
                    missing.append(error)
                spans[reader.part] = Span(begun, self._clock.now())
        if missing:
            raise MissingRightError("; ".join(map(str, missing)), missing[0].remedy)
        self._hear(wanted, spans.get(Part.DATABASE))

    def _hear(self, wanted: Wanted, rows: Span | None) -> None:
        """Keep the heartbeats that this reading shows, and read those that are wanted alone."""
        heard = [host for host, parts in wanted.items() if self._witness in parts]
        for host in heard:
            self._heartbeats.hear(host, self._readings.view, self._counts(host), rows)
        alone = [h for h, parts in wanted.items() if Part.HEARTBEATS in parts and h not in heard]
        self._heartbeats.listen(alone, self._readings.view)

    def _counts(self, host: str) -> dict[str, int]:
        database = (self._readings.view.databases or {}).get(host)
        rows = database.services if database else ()
        return {r.uuid: r.report_count for r in rows if r.uuid}
