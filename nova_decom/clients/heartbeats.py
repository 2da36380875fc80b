# SPDX-License-Identifier: Apache-2.0
"""What is known of each host beside the latest look: earlier runs, heartbeats, its unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nova_decom.clock import Clock
from nova_decom.model.cloud import ComputeService
from nova_decom.model.host import Heartbeat, HostIdentity
from nova_decom.model.snapshot import CloudSnapshot, Memory, identity_of


class HostMemories:
    """One memory for each host, begun with what earlier runs knew of it."""

    def __init__(self, recall: Callable[[str], HostIdentity | None], clock: Clock) -> None:
        """``recall`` knows hosts of earlier runs."""
        self._recall = recall
        self._clock = clock
        self._of: dict[str, Memory] = {}

    def of(self, host: str) -> Memory:
        """What is known of the host."""
        if host not in self._of:
            known = self._recall(host)
            self._of[host] = Memory(known or HostIdentity(), is_known=known is not None)
        return self._of[host]

    def add(self, host: str, **what: Any) -> None:  # noqa: ANN401
        """Know this of the host from now on."""
        self._of[host] = replace(self.of(host), **what)

    def continue_from(self, other: HostMemories) -> None:
        """Go on from what another one knows: heartbeats stand still since its look."""
        self._of = dict(other._of)

    def note(self, host: str, view: CloudSnapshot) -> None:
        """Keep what a look adds to the host's names and uuids."""
        nodes = tuple(n for n in view.compute_nodes if n.host == host)
        database = (view.databases or {}).get(host)
        identity = self.of(host).identity.union(identity_of(host, nodes, database))
        self.add(host, identity=identity)

    def hear(
        self, host: str, services: tuple[ComputeService, ...], counts: Mapping[str, int]
    ) -> None:
        """A look at the heartbeats of these services of the host; counters by service uuid.

        The counter is the better witness: updated_at also moves when nova or anybody changes the
        row, as our own disabling does.
        """
        now = self._clock.now()
        heard = dict(self.of(host).heartbeats)
        for service in services:
            if service.host != host or service.id is None:
                continue
            count = counts.get(service.id)
            value = f"updated_at {service.updated_at}" if count is None else f"count {count}"
            before = heard.get(service.id)
            heard[service.id] = (
                before.seen(value, now)
                if before
                else Heartbeat(service.id, service.binary, value, since=now, until=now)
            )
        self.add(host, heartbeats=heard)
