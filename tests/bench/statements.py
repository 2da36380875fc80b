# SPDX-License-Identifier: Apache-2.0
"""What was sent to the server: overheard there, sent again, explained and measured."""

import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from pymysql.cursors import DictCursor

from tests.database.server import Server
from tests.database.servers.dialects import Dialect

#: Others read no table.
EXPLAINED = ("SELECT", "DELETE", "UPDATE", "INSERT", "EXPLAIN")
LOCKING = ("FOR UPDATE", "LOCK IN SHARE MODE")
READS = ("key", "next", "prev", "first", "last", "rnd", "rnd_next")
#: More rows than this, and than this share of the table, is as bad as a scan by name.
FEW_ROWS, FEW = 100, 0.01
#: What may scan, by a part of its text, and why.
ALLOWED: Mapping[str, str] = {
    "FROM information_schema.columns": "the server's own catalogue, narrowed to a few tables",
    "FROM cell_mappings": "one row for each cell, and all are wanted",
    "WHERE c.uuid IN": "all hosts of the cell are wanted, once in a run; it locks nothing",
    "WHERE service_id IN": "nova's schema has no index on service_id; it locks nothing",
    "deleted <> id": "an audit wants the rows of all hosts; it locks nothing",
    "COUNT(*) AS servers": "an audit counts the servers of all hosts; it locks nothing",
    "SELECT host FROM host_mappings": "an audit wants all host mappings; it locks nothing",
    "SELECT aggregate_id, host FROM aggregate_hosts": (
        "an audit wants all hosts of aggregates; it locks nothing"
    ),
}


@dataclass(frozen=True)
class Sent:
    """One statement as the server logged it."""

    thread: int
    database: str
    text: str

    @property
    def shape(self) -> str:
        """Without its values: the same for one host and for many."""
        text = re.sub(r"'(?:[^'\\]|\\.)*'", "?", self.text)
        text = re.sub(r"\b\d+\b", "?", text)
        return re.sub(r"\((?:\?, )*\?\)", "(…)", text)


#: Table, type, key of each table that is read.
Plan = tuple[tuple[str, str, str], ...]


@dataclass
class Examined:
    """All statements of one shape: their plans, the rows read at most, and each time, in ms.

    ``plans`` are without those that read no table, as of a row that is not there; with each
    goes how many rows the server expected.
    """

    database: str
    shape: str
    #: What may scan on this server, as in ``ALLOWED``.
    allowed: Mapping[str, str]
    plans: dict[Plan, int] = field(default_factory=dict)
    rows: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.times)


@contextmanager
def overheard(server: Server) -> Iterator[list[Sent]]:
    """Within: all that is sent over connections that nova's user opens within."""
    sent: list[Sent] = []
    with server.connect("mysql") as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE TABLE general_log")
        cursor.execute("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON")
        try:
            yield sent
        finally:
            cursor.execute("SET GLOBAL general_log = OFF, GLOBAL log_output = 'FILE'")
        cursor.execute(
            "SELECT thread_id, command_type, CONVERT(argument USING utf8mb4) AS text "
            "FROM general_log WHERE user_host LIKE '%nova%'"
        )
        sent += _sent(cursor.fetchall())


def _sent(log: Sequence[dict]) -> Iterator[Sent]:
    databases: dict[int, str] = {}
    for row in log:
        if row["command_type"] == "Connect":
            # nova@127.0.0.1 on DATABASE using TCP/IP
            databases[row["thread_id"]] = row["text"].split()[2]
        elif row["command_type"] == "Query":
            yield Sent(row["thread_id"], databases[row["thread_id"]], row["text"])


def examine(server: Server, sent: Sequence[Sent], runs: int) -> list[Examined]:
    """Send all of it again, in order and so often, over as many connections; nothing is kept."""
    found: dict[tuple[str, str], Examined] = {}
    allowed = {**ALLOWED, **server.dialect.scans}
    for run in range(runs):
        with ExitStack() as stack:
            cursors: dict[int, DictCursor] = {}
            for one in sent:
                if one.thread not in cursors:
                    connection = stack.enter_context(server.connect(one.database))
                    cursors[one.thread] = stack.enter_context(connection.cursor())
                    cursors[one.thread].execute(server.dialect.count_reads)
                cursor = cursors[one.thread]
                if not one.text.startswith(EXPLAINED):
                    cursor.execute("ROLLBACK" if one.text == "COMMIT" else one.text)
                    continue
                key = (one.database, one.shape)
                examined = found.setdefault(key, Examined(*key, allowed))
                if not run:
                    _explain(examined, cursor, one.text, server.dialect)
                _measure(examined, cursor, one.text)
    return list(found.values())


def _explain(examined: Examined, cursor: DictCursor, text: str, dialect: Dialect) -> None:
    cursor.execute(dialect.explain.format(text.removeprefix("EXPLAIN ")))
    steps = [step for step in cursor.fetchall() if step["table"]]
    plan = tuple((s["table"], s["type"], s["key"] or "no key") for s in steps)
    if plan:
        expected = max(int(step["rows"] or 0) for step in steps)
        examined.plans[plan] = max(expected, examined.plans.get(plan, 0))


def _measure(examined: Examined, cursor: DictCursor, text: str) -> None:
    # Counting is counted too; FLUSH STATUS would end the transaction.
    counting = -_rows_read(cursor) + _rows_read(cursor)
    before = _rows_read(cursor)
    begin = time.perf_counter()
    cursor.execute(text)
    cursor.fetchall()
    examined.times.append((time.perf_counter() - begin) * 1000)
    examined.rows = max(examined.rows, _rows_read(cursor) - before - counting)


def _rows_read(cursor: DictCursor) -> int:
    cursor.execute("SHOW SESSION STATUS LIKE 'Handler_%'")
    status = {r["Variable_name"]: int(r["Value"]) for r in cursor.fetchall()}
    # What the engine sorts out by an index condition is read, and not counted as read.
    out = status.get("Handler_icp_attempts", 0) - status.get("Handler_icp_match", 0)
    return sum(status[f"Handler_read_{how}"] for how in READS) + out


def table_sizes(server: Server) -> dict[str, int]:
    """About how many rows each table of nova has."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name AS t, table_rows AS n FROM information_schema.tables "
            "WHERE table_schema IN ('nova', 'nova_api')"
        )
        return {r["t"]: int(r["n"] or 0) for r in cursor.fetchall()}


def scans(examined: Sequence[Examined], sizes: Mapping[str, int]) -> list[str]:
    """The statements that scan a table, or read much of it, and may not."""
    return [
        f"{one.database}: scans ({how}): {one.shape}"
        for one in examined
        if (how := scan_of(one, sizes)) and not reason(one)
    ]


def scan_of(one: Examined, sizes: Mapping[str, int]) -> str | None:
    """How it scans, if it does."""
    kinds = {kind for plan in one.plans for _, kind, _ in plan}
    if found := kinds & {"ALL", "index"}:
        return " ".join(sorted(found))
    tables = {name for name in sizes if re.search(rf"\b{name}\b", one.shape)}
    largest = max((sizes[name] for name in tables), default=0)
    if one.rows > max(FEW_ROWS, FEW * largest):
        return f"{one.rows} rows"
    return None


def reason(one: Examined) -> str | None:
    """Why it may scan. What locks, or writes, may not."""
    if not one.shape.startswith("SELECT") or one.shape.endswith(LOCKING):
        return None
    return next((why for part, why in one.allowed.items() if part in one.shape), None)
