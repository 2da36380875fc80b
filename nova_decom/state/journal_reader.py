# SPDX-License-Identifier: Apache-2.0
"""Journals read back: the changes of a run, its header and its saved rows.

A journal may end anywhere: its run was killed, or still goes on. A line that is cut off is
passed over; anything else that is odd is told as the record's problem.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nova_decom.errors import RefusedError
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.state.directory import access_problem
from nova_decom.state.journal import VERSION

Event = Mapping[str, Any]
RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")

#: The newest runs that a message names.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Record:
    """The events of one run, in order; ``problem`` says why some cannot be relied on."""

    run: str
    events: tuple[Event, ...] = ()
    problem: str | None = None

    @property
    def header(self) -> Event:
        """The header: operator, reason, hosts; empty when the run ended before it wrote it."""
        return next((e for e in self.events if e.get("event") == "header"), {})

    @property
    def cloud(self) -> CloudIdentity | None:
        """The cloud of the run; None in a journal that does not tell it."""
        return CloudIdentity.load(self.header.get("cloud"))

    @property
    def cloud_key(self) -> str:
        """The key of the cloud in the state directory; empty in a journal without cloud."""
        return self.cloud.key if self.cloud else ""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of the run, in order."""
        named = self.header.get("hosts")
        return tuple(str(h) for h in named) if isinstance(named, list) else ()

    def of(self, host: str) -> tuple[Event, ...]:
        """The events of one host; an image of an API object belongs to the host named before."""
        found, current = [], None
        for event in self.events:
            current = event.get("host") or current
            if current == host:
                found.append(event)
        return tuple(found)

    def last(self, host: str, kind: str) -> Event | None:
        """The last event of a kind of one host."""
        return next((e for e in reversed(self.of(host)) if e.get("event") == kind), None)


@dataclass(frozen=True, slots=True)
class SavedRow:
    """A row as it was before the run deleted or changed it; values as the database gave them."""

    cell: str
    table: str
    id: int
    values: Mapping[str, Any]


def read_record(path: Path) -> Record:
    """The record of one journal file; a fault of the file is its ``problem``."""
    run = path.name.removesuffix(".jsonl")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return Record(run, problem=f"cannot be read: {error.strerror}")
    info = os.fstat(handle)
    if not stat.S_ISREG(info.st_mode):
        os.close(handle)
        return Record(run, problem="is no file")
    with os.fdopen(handle, "rb") as file:
        events, problem = _events(file.read())
    return Record(run, events, access_problem(info) or problem)


def _events(content: bytes) -> tuple[tuple[Event, ...], str | None]:
    lines = content.split(b"\n")
    found, problem = [], None
    # Text after the last line feed was not written to its end.
    for number, line in enumerate(lines[:-1], 1):
        event = _parsed(line)
        if event is None:
            problem = f"line {number} cannot be read"
        elif event.get("v") != VERSION:
            problem = f"line {number} is of another version of the journal: {event.get('v')!r}"
        else:
            found.append(event)
    return tuple(found), problem


def _parsed(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def read_records(state_dir: Path) -> tuple[Record, ...]:
    """The records of every run in the state directory, the oldest first."""
    return tuple(read_record(path) for path in run_files(state_dir))


def run_files(state_dir: Path) -> list[Path]:
    """The journal files of the state directory, the oldest first."""
    found = (state_dir / "runs").glob("*.jsonl")
    return sorted(p for p in found if RUN_ID.fullmatch(p.name.removesuffix(".jsonl")))


def find_record(state_dir: Path, run: str) -> Record:
    """The record of the run whose id is ``run`` or begins so; ``last`` is the newest run.

    :raises RefusedError: there is none, or several ids begin so.
    """
    paths = {p.name.removesuffix(".jsonl"): p for p in run_files(state_dir)}
    found = [run] if run in paths else [name for name in paths if run and name.startswith(run)]
    if run == "last":
        found = list(paths)[-1:]
    if len(found) > 1:
        few = ", ".join(found[-NAMED:])
        raise RefusedError(f"{len(found)} runs begin with {run!r}: {few}", "give more of the id")
    if not found:
        name = f"run {run!r}" if paths or run != "last" else "run yet"
        raise RefusedError(f"no {name} in {state_dir}", "nova-decom runs lists them")
    return read_record(paths[found[0]])


def saved_rows(record: Record, host: str) -> tuple[SavedRow, ...]:
    """The rows of one host that were saved, each once: a retried transaction saves them again."""
    found: dict[tuple[str, str, int], SavedRow] = {}
    for event in record.of(host):
        if event.get("event") == "before-image" and event.get("cell"):
            cell, table = str(event["cell"]), str(event.get("table"))
            for row in event.get("rows") or ():
                number = int(row["id"])
                values = {name: _value(value) for name, value in row.items()}
                found[cell, table, number] = SavedRow(cell, table, number, values)
    return tuple(found.values())


def saved_objects(record: Record, host: str) -> tuple[tuple[str, str], ...]:
    """The objects of APIs that were saved: the service and the path, each once."""
    found = [
        (str(e.get("database")), str(e.get("table")))
        for e in record.of(host)
        if e.get("event") == "before-image" and not e.get("cell")
    ]
    return tuple(dict.fromkeys(found))


def saved_providers(record: Record, host: str) -> tuple[dict[str, Any], ...]:
    """The resource providers of one host as they were first saved, with all their parts."""
    found: dict[str, dict[str, Any]] = {}
    for event in record.of(host):
        if event.get("event") == "before-image" and event.get("database") == "placement":
            for row in event.get("rows") or ():
                if "aggregates" in row:
                    found.setdefault(str(row["uuid"]), row)
    return tuple(found.values())


def saved(record: Record) -> list[dict[str, Any]]:
    """The saved rows and objects without their values: host, source, table or path, ids."""
    found: list[dict[str, Any]] = []
    for host in record.hosts:
        tables: dict[tuple[str, str], list[int]] = {}
        for row in saved_rows(record, host):
            tables.setdefault((row.cell, row.table), []).append(row.id)
        found += [
            {"host": host, "source": cell, "table": table, "ids": ids}
            for (cell, table), ids in tables.items()
        ]
        found += [
            {"host": host, "source": source, "table": path, "ids": []}
            for source, path in saved_objects(record, host)
        ]
    return found


def _value(value: object) -> object:
    """A value as the database gave it: bytes were written as base64."""
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    return value


def text_or_none(value: object) -> str | None:
    """The value as text; None stays None."""
    return None if value is None else str(value)
