# SPDX-License-Identifier: Apache-2.0
"""Step close-evacuations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from nova_decom.model.change import Change
from nova_decom.model.cloud import NOVA_COMPUTE, Migration
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.sql import Statement, Transaction, marks
from nova_decom.model.step import Step

#: An evacuation that nova-compute of its source has still to close.
OPEN = "migration_type = 'evacuation' AND status = 'done'"


class CloseEvacuations(Step):
    """Close the evacuations from the host, with ``--close-evacuations`` and databases.

    Nova-compute closes them (status ``completed``) when it starts and finds their compute node,
    which a new machine of the name does not have. Its next start destroys each server of an open
    one that has come back meanwhile. Evacuations that the run itself makes are closed too; a plan
    cannot show them.
    """

    name: ClassVar[str] = "close-evacuations"
    needs_no_review: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({Part.SERVICES, Part.DATABASE})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One transaction for each cell, while no nova-compute is registered to do it."""
        database = facts.database
        if not facts.request.close_evacuations or facts.service is not None or database is None:
            return
        rows = [m for m in database.evacuations if m.is_open_evacuation(facts.host) and m.cell]
        for cell in dict.fromkeys(m.cell for m in rows):
            yield _transaction(self.name, facts.host, [m for m in rows if m.cell == cell])

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the evacuations of the cell."""
        cell = change.transaction.cell if change.transaction else None
        database = facts.database and replace(
            facts.database,
            evacuations=tuple(m for m in facts.database.evacuations if m.cell != cell),
        )
        closed = {m.key for m in (facts.database.evacuations if facts.database else ())}
        closed -= {m.key for m in (database.evacuations if database else ())}
        left = tuple(m for m in facts.evacuations if m.key not in closed)
        return replace(facts, evacuations=left, database=database)


def _transaction(step: str, host: str, rows: Sequence[Migration]) -> Change:
    """The change that closes these evacuations of one cell, by primary key."""
    ids = tuple(m.id for m in rows)
    where = f"id IN ({marks(ids)}) AND source_compute = %s AND {OPEN}"
    statements = (
        Statement(f"SELECT * FROM migrations WHERE {where} FOR UPDATE", (*ids, host), len(ids)),
        Statement(
            "SELECT id, host FROM services WHERE host = %s AND `binary` = %s AND deleted = 0 "
            "FOR UPDATE",
            (host, NOVA_COMPUTE),
            0,
        ),
        Statement(
            "UPDATE migrations SET status = 'completed', updated_at = UTC_TIMESTAMP() "
            f"WHERE {where}",
            (*ids, host),
            len(ids),
        ),
    )
    transaction = Transaction(str(rows[0].cell), host, statements)
    return Change(
        step=step,
        action="complete",
        target=f"{transaction.cell}: migrations {' '.join(map(str, ids))}",
        detail="; ".join(s.text for s in statements),
        rows=len(ids),
        transaction=transaction,
    )
