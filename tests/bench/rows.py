# SPDX-License-Identifier: Apache-2.0
"""Every statement of a removal on databases of a large cloud: plans, rows read, locks, times.

Needs no lab, only a MariaDB with nova's own schema.
"""

import argparse
import re
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from nova_decom.model.sql import API_DATABASE, Image
from nova_decom.state.journal import RunJournal
from tests.bench import fill, held, statements
from tests.bench.fill import STATES, Sizes
from tests.bench.removal import Timed, look_and_remove, opened, transactions, undone
from tests.bench.statements import Examined
from tests.bench.table import machine, markdown, say
from tests.database.conftest import Nova, one_cell
from tests.database.server import Server

RUN = "20261126T000000Z-be4c"
BATCH = 20
#: Of a host's guarded purge, in ms.
LIMIT = 20
OPTIONS = (
    # A cell database of this size has more in production; the data of this one fit.
    "--innodb-buffer-pool-size=2G",
    # As production has it: a COMMIT is on the disk when it returns.
    "--innodb-flush-log-at-trx-commit=1",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes, for smaller tries."""
    parser.add_argument("--rows-hosts", type=int, default=20_000)
    parser.add_argument("--rows-instances", type=int, default=1_000_000)
    parser.add_argument("--rows-migrations", type=int, default=200_000)
    parser.add_argument("--rows-purges", type=int, default=50, help="hosts that are purged")


def measure(options: argparse.Namespace, scratch: Path) -> list[str]:
    """Fill, look and purge; what is not as it should be, in words."""
    sizes = Sizes(options.rows_hosts, options.rows_instances, options.rows_migrations)
    if not all(sizes.ghosts(state) for state in STATES):
        raise SystemExit("--rows-hosts: too few for hosts in each state; 300 do")
    server = Server(scratch / "rows", *OPTIONS)
    try:
        server.start()
        with one_cell(server) as nova:
            _filled(nova, sizes)
            problems = _statements(nova, sizes, options.runs)
            problems += held.show(nova, sizes)
            return problems + _purges(nova, sizes, options.rows_purges, scratch)
    finally:
        server.stop()


def _filled(nova: Nova, sizes: Sizes) -> None:
    begin = time.monotonic()
    with nova.server.connect() as connection:
        fill.fill(connection, sizes, nova.server.dialect)
    with nova.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION() AS v")
        (row,) = cursor.fetchall()
    say(
        f"\n{machine()}; MariaDB {row['v']} on loopback, {sizes.hosts:,} hosts, "
        f"{sizes.instances:,} instances, {sizes.migrations:,} migrations, "
        f"filled in {time.monotonic() - begin:.0f} s"
    )


# Statements


def _statements(nova: Nova, sizes: Sizes, runs: int) -> list[str]:
    server = nova.server
    with statements.overheard(server) as single:
        for state in STATES:
            with undone(nova) as databases:
                look_and_remove(databases, sizes.ghosts(state)[:1])
    with statements.overheard(server) as batch, undone(nova) as databases:
        look_and_remove(databases, sizes.ghosts()[:BATCH])
    with statements.overheard(server) as audit, undone(nova) as databases:
        databases.cloud_rows()
    known = statements.table_sizes(server)
    one, many, all_rows = (statements.examine(server, s, runs) for s in (single, batch, audit))
    _tell(f"Statements of a removal, of one host and of {BATCH}", one, many, known)
    _tell("Statements of an audit", all_rows, [], known)
    return statements.scans([*one, *many, *all_rows], known)


def _tell(
    title: str, one: Sequence[Examined], many: Sequence[Examined], known: Mapping[str, int]
) -> None:
    """A line for each statement, with numbers for one host and, if there are any, for many."""
    columns = ["database", "statement", "table, type, key, rows expected", "rows read", "ms"]
    if many:
        columns += [f"rows read, {BATCH}", f"ms, {BATCH}"]
    other = {(e.database, e.shape): e for e in many}
    lines = []
    for e in one:
        both = [e, other[e.database, e.shape]] if many else [e]
        numbers = [number for each in both for number in (each.rows, f"{each.median:.2f}")]
        how = statements.scan_of(e, known)
        why = (statements.reason(e) or f"FAILS: {how}") if how else ""
        lines.append((e.database, f"`{_short(e.shape)}`", _plans(*both), *numbers, why))
    markdown(title, (*columns, "why it may scan"), lines)


def _plans(*examined: Examined) -> str:
    """Those of one host, and after "or" those that only many have."""
    plans = {plan: rows for each in reversed(examined) for plan, rows in each.plans.items()}
    first = [plan for each in examined for plan in each.plans]
    return " or ".join(
        f"{', '.join(' '.join(step) for step in plan)}, {plans[plan]}"
        for plan in dict.fromkeys(first)
    )


def _short(shape: str) -> str:
    """Without the names of many columns, and marks of code within."""
    return re.sub(r"^SELECT .{40,}? FROM ", "SELECT … FROM ", shape).replace("`", "")


# Purges


def _purges(nova: Nova, sizes: Sizes, count: int, scratch: Path) -> list[str]:
    """Purge hosts one after the other, each for good."""
    times: list[float] = []
    saving: list[float] = []
    per_host: list[float] = []
    ghosts = sizes.ghosts()[-count:]
    with (
        RunJournal(scratch, RUN) as journal,
        opened(nova, lambda place: Timed(place, times)) as databases,
    ):

        def save(images: Sequence[Image]) -> None:
            begin = time.perf_counter()
            journal.save(images)
            saving.append(time.perf_counter() - begin)

        found = databases.facts(ghosts)
        for ghost in ghosts:
            before = len(times)
            for transaction in transactions(found, ghost):
                if transaction.cell != API_DATABASE:
                    databases.run(transaction, save)
            per_host.append(sum(times[before:]) * 1000)
    median = statistics.median(per_host)
    in_journal = statistics.median(saving) * 1000
    markdown(
        "Purges of the cell's rows, one after the other, START TRANSACTION to the end of COMMIT",
        ("hosts", "median ms", "maximum ms", "of it journal, median ms"),
        [(len(ghosts), f"{median:.1f}", f"{max(per_host):.1f}", f"{in_journal:.1f}")],
    )
    return [f"a purge takes {median:.1f} ms, more than {LIMIT}"] if median > LIMIT else []
