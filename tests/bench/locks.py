# SPDX-License-Identifier: Apache-2.0
"""The locks of a transaction: each row and gap, as InnoDB tells it, and whose it is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pymysql
from pymysql.cursors import DictCursor

from nova_decom.model.sql import Statement, Transaction
from tests.database.server import Server

#: Table -> the hosts of one of its rows.
OWNERS: Mapping[str, str] = {
    "services": "SELECT host FROM {} WHERE id = %s",
    "compute_nodes": "SELECT host FROM {} WHERE id = %s",
    "pci_devices": (
        "SELECT n.host FROM {} p JOIN compute_nodes n ON n.id = p.compute_node_id WHERE p.id = %s"
    ),
    "instances": "SELECT host FROM {} WHERE id = %s",
    "migrations": "SELECT source_compute, dest_compute FROM {} WHERE id = %s",
    "host_mappings": "SELECT host FROM {} WHERE id = %s",
    "aggregate_hosts": "SELECT host FROM {} WHERE id = %s",
}
#: Table -> what is true of the rows of others.
OTHERS: Mapping[str, str] = {
    "services": "NOT host <=> %s",
    "compute_nodes": "NOT host <=> %s",
    "pci_devices": (
        "compute_node_id NOT IN (SELECT id FROM compute_nodes AS own WHERE host = %s)"
    ),
    "instances": "NOT host <=> %s",
    "migrations": "NOT %s IN (IFNULL(source_compute, ''), IFNULL(dest_compute, ''))",
    "host_mappings": "NOT host <=> %s",
    "aggregate_hosts": "NOT host <=> %s",
}
#: Columns by which a row is a host's, and by whose indexes statements look for it.
LOOKED_FOR = ("id", "host", "compute_node_id", "source_compute", "dest_compute")
HEAD = re.compile(
    r"^RECORD LOCKS .* index (?P<index>\S+) of table `(?P<schema>\w+)`\.`(?P<table>\w+)` "
    r"trx id \d+ lock[_ ]mode (?P<mode>\S+)(?P<kind>.*)$"
)
TABLE = re.compile(r"^TABLE LOCK table `\w+`\.`(?P<table>\w+)` trx id \d+ lock mode (?P<mode>\S+)")
#: Say only that rows of the table are locked.
INTENTIONS = {"IX", "IS"}
FIELD = re.compile(r"^ \d+: (?:len \d+; hex (?P<hex>[0-9a-f]+)|SQL NULL)")
STRUCTS, PRINTED = re.compile(r"^(\d+) lock struct", re.MULTILINE), 10
SIGN = 0x80000000
NO_WAIT = 1205


@dataclass(frozen=True)
class Lock:
    """A lock on one record of an index, on the gap before it, on both, or on a whole table.

    ``hosts`` are those of the record; none at the end of an index page, and for a row of no host.
    """

    table: str
    index: str
    mode: str
    on_record: bool
    on_gap: bool
    hosts: tuple[str, ...] = ()
    at_end: bool = False

    @property
    def kind(self) -> str:
        """In words, to print."""
        if not self.index:
            return f"{self.mode}, table"
        if not self.on_record:
            return f"{self.mode}, gap before"
        return f"{self.mode}, record{' and gap before' if self.on_gap else ''}"

    def is_foreign(self, host: str) -> bool:
        """True when it locks a record that is not this host's."""
        return self.on_record and host not in self.hosts

    def whose(self, host: str) -> str:
        """The record in words, to print."""
        if not self.index:
            return ""
        if self.at_end:
            return "the end of an index page"
        if host in self.hosts:
            return "the host's own"
        return "another host's" if self.hosts else "of no host"


def locks_of(server: Server, database: str, transaction: Transaction) -> list[Lock]:
    """The locks of each statement, taken alone; after those before it where it needs them.

    Not of all together: InnoDB prints ten locks of a transaction, each on one page of an index.
    """
    found: dict[Lock, None] = {}
    with server.connect(database) as session, server.connect(database) as other:
        with other.cursor() as cursor:
            cursor.execute("SET GLOBAL innodb_status_output_locks = ON")
        for read in transaction.reads:
            found |= dict.fromkeys(_held(session, other, [read]))
        for number, write in enumerate(transaction.writes):
            try:
                held = _held(session, other, [write])
            except pymysql.IntegrityError:
                # A foreign key wants the rows of the writes before it gone.
                held = _held(session, other, transaction.writes[: number + 1])
            found |= dict.fromkeys(held)
    return list(found)


def _held(
    session: pymysql.Connection, other: pymysql.Connection, statements: Sequence[Statement]
) -> list[Lock]:
    with session.cursor() as cursor, other.cursor() as reader:
        cursor.execute("START TRANSACTION")
        try:
            for statement in statements:
                cursor.execute(statement.sql, statement.params)
            reader.execute("SHOW ENGINE INNODB STATUS")
            (row,) = reader.fetchall()
            return list(parse(row["Status"], session.thread_id(), reader))
        finally:
            cursor.execute("ROLLBACK")


def parse(status: str, thread: int, reader: DictCursor) -> Iterator[Lock]:
    """The locks of one session in the output of SHOW ENGINE INNODB STATUS."""
    _, _, text = status.partition("LIST OF TRANSACTIONS FOR EACH SESSION:")
    pieces = re.compile(r"^(?=RECORD LOCKS|TABLE LOCK|Record lock)", re.MULTILINE)
    for part in text.split("---TRANSACTION"):
        if f" thread id {thread}," not in part:
            continue
        if (number := STRUCTS.search(part)) and int(number[1]) > PRINTED:
            raise RuntimeError(f"InnoDB printed {PRINTED} of {number[1]} locks")
        head: re.Match[str] | None = None
        for piece in pieces.split(part):
            if piece.startswith("Record lock") and head is not None:
                yield _lock(head, piece, reader)
            elif whole := TABLE.match(piece):
                mode = whole["mode"]
                yield Lock(whole["table"], "", mode, mode not in INTENTIONS, on_gap=False)
            else:
                head = HEAD.match(piece.split("\n", 1)[0])


def _lock(head: re.Match[str], record: str, reader: DictCursor) -> Lock:
    kind, table, index = head["kind"], head["table"], head["index"]
    at_end = "asc supremum" in record
    gap_only = "gap before rec" in kind or at_end
    hosts: tuple[str, ...] = ()
    if not at_end and table in OWNERS:
        fields = [m["hex"] for m in map(FIELD.match, record.splitlines()) if m]
        # A secondary index ends with the primary key.
        number = int(fields[0 if index == "PRIMARY" else -1], 16) ^ SIGN
        reader.execute(OWNERS[table].format(f"{head['schema']}.{table}"), (number,))
        hosts = tuple(h for row in reader.fetchall() for h in row.values() if h)
    return Lock(
        table,
        index,
        head["mode"],
        on_record=not gap_only,
        on_gap="but not gap" not in kind,
        hosts=hosts,
        at_end=at_end,
    )


def locked_rows_of_others(server: Server, database: str, host: str) -> list[str]:
    """Tables of which another session cannot lock every row of the other hosts right now.

    Asked by each index that leads to a host's rows: a lock may be on an index record alone.
    """
    problems = []
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        for table, index in _indexes(cursor, database):
            where = f"FROM {table} FORCE INDEX ({index}) WHERE {OTHERS[table]}"
            counts = []
            for lock in ("", " FOR UPDATE SKIP LOCKED"):
                cursor.execute(f"SELECT COUNT(*) AS n {where}{lock}", (host,))
                counts += [row["n"] for row in cursor.fetchall()]
            there, free = counts
            if there != free:
                problems.append(f"{there - free} rows of other hosts in {table} ({index})")
    return problems


def _indexes(cursor: DictCursor, database: str) -> list[tuple[str, str]]:
    cursor.execute(
        "SELECT DISTINCT table_name AS t, index_name AS i FROM information_schema.statistics "
        "WHERE table_schema = %s AND table_name IN %s AND column_name IN %s",
        (database, tuple(OTHERS), LOOKED_FOR),
    )
    return [(row["t"], row["i"]) for row in cursor.fetchall()]


def waits(server: Server, database: str, statement: str) -> bool:
    """True when another session would have to wait with this statement right now."""
    connection = server.connect(database, innodb_lock_wait_timeout=0)
    with connection, connection.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        try:
            cursor.execute(statement)
        except pymysql.IntegrityError:
            # Refused at once.
            return False
        except pymysql.OperationalError as error:
            if error.args[0] != NO_WAIT:
                raise
            return True
        finally:
            cursor.execute("ROLLBACK")
    return False
