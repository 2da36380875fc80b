# SPDX-License-Identifier: Apache-2.0
"""What a removal sends to the databases, through the program's own clients, and undone."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pymysql.cursors import DictCursor

from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.connection import Database
from nova_decom.clients.mysql.transaction import Images, WritableDatabase
from nova_decom.clients.mysql.url import Target
from nova_decom.clock import Clock
from nova_decom.model.host_slice import Memory, host_facts
from nova_decom.model.request import Request, Rows
from nova_decom.model.rows import DatabaseFacts
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.model.sql import Image, Transaction
from nova_decom.steps.purge_registration import PurgeRegistration
from nova_decom.steps.purge_rows import PurgeRows
from tests.database.conftest import Nova

IMPATIENT = Clock(sleep=lambda _seconds: None)


def keep_nothing(_images: Sequence[Image]) -> None:
    """Where no journal is wanted."""


class Undone(WritableDatabase):
    """Sends all but the COMMIT: ``look`` is called in its place, then all is rolled back."""

    def __init__(self, target: Target, look: Callable[[Transaction], None]) -> None:
        super().__init__(target, IMPATIENT)
        self._look = look

    def _commit(self, cursor: DictCursor, transaction: Transaction) -> None:
        self._look(transaction)
        self._roll_back(cursor)


class Timed(WritableDatabase):
    """Takes the time of each transaction, in seconds, START TRANSACTION to the end of COMMIT."""

    def __init__(self, target: Target, times: list[float]) -> None:
        super().__init__(target, IMPATIENT)
        self._times = times
        # Connected once for all hosts of a run.
        self.rows("SELECT 1")

    def _attempt(self, cursor: DictCursor, transaction: Transaction, images: Images) -> None:
        begin = time.perf_counter()
        super()._attempt(cursor, transaction, images)
        self._times.append(time.perf_counter() - begin)


@contextmanager
def opened(nova: Nova, connect: Callable[[Target], Database]) -> Iterator[NovaDatabases]:
    """Both databases by clients of this kind."""
    databases = NovaDatabases(nova.sources(), connect)
    try:
        yield databases
    finally:
        for database in databases.places.values():
            database.close()


@contextmanager
def undone(
    nova: Nova, look: Callable[[Transaction], None] = lambda _: None
) -> Iterator[NovaDatabases]:
    """Both databases by clients that keep nothing."""
    with opened(nova, lambda place: Undone(place, look)) as databases:
        yield databases


def look_and_remove(databases: NovaDatabases, hosts: Sequence[str]) -> None:
    """All that is asked and changed in the databases for the hosts, each kind of it once."""
    checks = [*databases.checks()]
    for rows in Rows:
        checks += databases.try_removal(Request(rows=rows))
    assert not [check for check in checks if check.problem]
    found = databases.facts(hosts)
    nodes = [node.uuid for facts in found.values() for node in facts.compute_nodes]
    databases.compute_nodes([uuid for uuid in nodes if uuid])
    services = [row.uuid for facts in found.values() for row in facts.services]
    databases.report_counts(hosts, [uuid for uuid in services if uuid])
    for rows in (Rows.PURGE, Rows.KEEP):
        for host in hosts:
            for transaction in transactions(found, host, rows):
                databases.run(transaction, keep_nothing)


def transactions(
    found: dict[str, DatabaseFacts], host: str, rows: Rows = Rows.PURGE
) -> Iterator[Transaction]:
    """Those that the steps plan when nova's API does not know the host any more."""
    facts = host_facts(CloudSnapshot(databases=found), host, Request(rows=rows), Memory())
    for step in (PurgeRows(), PurgeRegistration()):
        for change in step.changes(facts):
            assert change.transaction is not None
            yield change.transaction
