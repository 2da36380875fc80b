# SPDX-License-Identifier: Apache-2.0
"""What is really there, read past the program, and what must hold of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pymysql.constants import FIELD_TYPE
from pymysql.cursors import DictCursor

from tests.chaos.process import Site
from tests.chaos.shapes import HOST
from tests.faults.openstack import State

Row = dict[str, Any]
CELL = ("services", "compute_nodes", "pci_devices", "instances", "migrations")
API = ("host_mappings", "aggregate_hosts", "aggregates", "cell_mappings")
TABLES = (*(f"nova.{t}" for t in CELL), *(f"nova_api.{t}" for t in API))
#: Of the host itself: when, and how often, is of no matter.
TIMES = ("updated_at", "deleted_at", "report_count", "disabled_reason")


#: Of every host: its nova-compute moves them.
BEATS = ("updated_at", "report_count")


@dataclass(frozen=True)
class Truth:
    """All rows by table and id, and the rest of the cloud."""

    rows: dict[str, dict[int, Row]]
    state: State

    @classmethod
    def read(cls, site: Site) -> "Truth":
        with site.server.connect() as connection, connection.cursor() as cursor:
            rows = {}
            for table in TABLES:
                rows[table] = _rows(cursor, table)
        return cls(rows, State.read(site.state))

    @property
    def own(self) -> set[tuple[str, int]]:
        """The rows of the host."""
        nodes = {i for i, r in self.rows["nova.compute_nodes"].items() if r["host"] == HOST}
        found = set()
        for table, rows in self.rows.items():
            for number, row in rows.items():
                if row.get("host") == HOST or row.get("compute_node_id") in nodes:
                    found.add((table, number))
        return found

    def others(self, own: set[tuple[str, int]]) -> dict[tuple[str, int], Row]:
        """All rows that are none of these, but for the heartbeats of living hosts."""
        return {
            (table, number): {k: v for k, v in row.items() if not _beats(table, k)}
            for table, rows in self.rows.items()
            for number, row in rows.items()
            if (table, number) not in own
        }

    def comparable(self) -> str:
        """All of it, the times of the host apart."""
        own = self.own
        rows = {
            f"{table} {number}": {
                k: (
                    v is None
                    if _beats(table, k) or (k in TIMES and (table, number) in own)
                    else str(v)
                )
                for k, v in row.items()
            }
            for table, of_table in self.rows.items()
            for number, row in of_table.items()
        }
        rest = {k: v for k, v in vars(self.state).items() if k not in {"path", "log"}}
        return json.dumps({"rows": rows, **rest}, sort_keys=True, indent=1)


def _beats(table: str, column: str) -> bool:
    return table == "nova.services" and column in BEATS


def journals(site: Site) -> Iterator[list[Row]]:
    """The events of each run; the last line of one that was killed may be torn."""
    for path in sorted((site.state_dir / "runs").glob("*.jsonl")):
        lines = path.read_bytes().split(b"\n")
        assert all(json.loads(line) for line in lines[:-1]), path
        yield [json.loads(line) for line in lines[:-1]]


def check(site: Site, before: Truth, now: Truth) -> None:
    """What must hold whenever a process has ended, however it ended."""
    own = before.own
    assert now.others(own) == before.others(own), "a row of another host changed"
    events = [event for run in journals(site) for event in run]
    saved = {
        (f"{'nova_api' if 'nova_api' in e['database'] else 'nova'}.{e['table']}", row["id"]): row
        for e in events
        if e["event"] == "before-image" and e["database"] != "placement"
        for row in e["rows"]
    }
    seen = [e["facts"] for e in events if e["event"] == "before"]
    for table, number in own - now.own:
        row, kept = before.rows[table][number], saved.get((table, number))
        if kept is None:
            # Nova deletes these by itself; what they were is in the facts of the beginning.
            assert table.startswith("nova_api."), f"{table} {number} went without an image"
            assert seen, f"{table} {number} went, and nobody had looked"
            continue
        same = set(row) - {*TIMES, "deleted", "mapped", "disabled"}
        assert {c: _plain(row[c]) for c in same} == {c: _plain(kept[c]) for c in same}
    started = {e["target"] for e in events if e["event"] == "started"}
    for call in now.state.log:
        target = call.rsplit("/", 1)[-1]
        assert target in started or target == "resource_providers", f"{call} is in no journal"


def _rows(cursor: DictCursor, table: str) -> dict[int, Row]:
    """By id; a FLOAT as it is stored, which the server rounds in text."""
    cursor.execute(f"SELECT * FROM {table}")
    found = {r["id"]: r for r in cursor.fetchall()}
    floats = [c[0] for c in cursor.description if c[1] == FIELD_TYPE.FLOAT]
    if floats:
        exact = ", ".join(f"`{name}` + 0e0 AS `{name}`" for name in floats)
        cursor.execute(f"SELECT id, {exact} FROM {table}")
        for row in cursor.fetchall():
            found[row["id"]] |= row
    return found


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | None) else str(value)
