# SPDX-License-Identifier: Apache-2.0
"""Names, uuids, heartbeats and units of hosts, kept between the readings of one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nova_decom.model.host import HostIdentity
from nova_decom.model.host_slice import Memory, identity_of
from nova_decom.model.snapshot import CloudSnapshot


class HostHistory:
    """One :class:`Memory` for each host; it begins with the host's identity of earlier runs."""

    def __init__(self, recall: Callable[[str], HostIdentity | None]) -> None:
        """``recall`` returns the identity that earlier runs saved, or None."""
        self._recall = recall
        self._of: dict[str, Memory] = {}

    def of(self, host: str) -> Memory:
        """The memory of the host."""
        if host not in self._of:
            known = self._recall(host)
            self._of[host] = Memory(known or HostIdentity(), is_known=known is not None)
        return self._of[host]

    def add(self, host: str, **fields: Any) -> None:  # noqa: ANN401
        """Replace these fields in the memory of the host."""
        self._of[host] = replace(self.of(host), **fields)

    def continue_from(self, other: HostHistory) -> None:
        """Take over all memories of another history."""
        self._of = dict(other._of)

    def add_identity(self, host: str, view: CloudSnapshot) -> None:
        """Add the names and uuids of the host that the snapshot shows."""
        nodes = view.nodes_of.get(host, ())
        database = (view.databases or {}).get(host)
        identity = self.of(host).identity.union(identity_of(host, nodes, database))
        self.add(host, identity=identity)
