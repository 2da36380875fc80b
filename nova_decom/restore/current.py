# SPDX-License-Identifier: Apache-2.0
"""The present state of a host that is to be restored. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nova_decom.model.cloud import Aggregate
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.host import HostFacts

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CurrentHost:
    """The host's present facts, and the present rows in the places of its old ones.

    ``rows`` are whole rows by (cell, table): those that have an id or a uuid of an old row, and
    those of the host. ``columns`` are those that may be inserted. ``cells`` are the ids of the
    cell mappings by uuid, empty without an API database.
    """

    facts: HostFacts
    rows: Mapping[tuple[str, str], tuple[Row, ...]] = field(default_factory=dict)
    columns: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    aggregates: tuple[Aggregate, ...] = ()
    cells: Mapping[str, int] = field(default_factory=dict)
    cell_names: frozenset[str] = frozenset()
    cloud: CloudIdentity = field(default_factory=CloudIdentity)
    #: Resource provider (uuid) -> it with its parts, of those that the run saved and that exist.
    providers: Mapping[str, Row] = field(default_factory=dict)

    def of(self, cell: str, table: str) -> tuple[Row, ...]:
        """The rows of one table."""
        return self.rows.get((cell, table), ())
