# SPDX-License-Identifier: Apache-2.0
"""Step purge-registration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from nova_decom.model.change import Change
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.sql import API_DATABASE, Transaction, by_id
from nova_decom.model.step import Step


class PurgeRegistration(Step):
    """Remove rows of the API database that still name the host, in one guarded transaction.

    When the rows of the cell went first, nova's API can take the host out of no aggregate any
    more (404 for ever), and a host mapping that stays sends lookups to the wrong cell.
    """

    name: ClassVar[str] = "purge-registration"
    reads: ClassVar[frozenset[str]] = frozenset({Part.SERVICES, Part.AGGREGATES, Part.DATABASE})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change, the whole transaction, while any row is left and the service is gone."""
        database = facts.database
        if facts.service is not None or database is None:
            return
        if database.aggregate_hosts or database.host_mapping:
            yield _transaction(self.name, facts.host, database, mapping=True)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """No row of the API database names the host."""
        database = facts.database and replace(
            facts.database, aggregate_hosts=(), host_mapping=None
        )
        return replace(facts, aggregates=(), database=database)


def aggregate_transaction(step: str, host: str, database: DatabaseFacts) -> Change:
    """The change that removes the host's aggregate rows alone."""
    return _transaction(step, host, database, mapping=False)


def _transaction(step: str, host: str, database: DatabaseFacts, *, mapping: bool) -> Change:
    tables = {"aggregate_hosts": [row.id for row in database.aggregate_hosts]}
    if mapping and database.host_mapping:
        tables["host_mappings"] = [database.host_mapping.id]
    tables = {table: ids for table, ids in tables.items() if ids}
    lock = " FOR UPDATE"
    reads = [by_id("SELECT *", table, ids, host, lock) for table, ids in tables.items()]
    writes = [by_id("DELETE", table, ids, host) for table, ids in tables.items()]
    transaction = Transaction(API_DATABASE, host, (*reads, *writes))
    label = ", ".join(f"{t} {' '.join(map(str, ids))}" for t, ids in tables.items())
    return Change(
        step=step,
        action="delete",
        target=f"{API_DATABASE}: {label}",
        detail="; ".join(s.text for s in transaction.statements),
        rows=transaction.rows,
        transaction=transaction,
    )
