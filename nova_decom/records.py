# SPDX-License-Identifier: Apache-2.0
"""Journals read back: what a run did, when, by whom and why.

A journal may end anywhere: its run was killed, or still goes on. A line that is cut off is
passed over; anything else that is odd is told as the record's problem.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nova_decom.errors import RefusedError
from nova_decom.journal import VERSION

Event = Mapping[str, Any]

RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Record:
    """The events of one run, in order; ``problem`` says why they cannot all be relied on."""

    run: str
    events: tuple[Event, ...] = ()
    problem: str | None = None

    @property
    def header(self) -> Event:
        """Who, why, which hosts; empty when the run did not get so far."""
        return next((e for e in self.events if e.get("event") == "header"), {})

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it was for, in order."""
        named = self.header.get("hosts")
        return tuple(str(h) for h in named) if isinstance(named, list) else ()

    def of(self, host: str) -> tuple[Event, ...]:
        """The events of one host. An image of an API's object is the host's then in hand."""
        found, current = [], None
        for event in self.events:
            current = event.get("host") or current
            if current == host:
                found.append(event)
        return tuple(found)

    def last(self, host: str, kind: str) -> Event | None:
        """The last event of a kind of one host."""
        return next((e for e in reversed(self.of(host)) if e.get("event") == kind), None)


def read_record(path: Path) -> Record:
    """The record of one journal; whatever is wrong with the file is in it."""
    run = path.name.removesuffix(".jsonl")
    try:
        content = path.read_bytes()
    except OSError as error:
        return Record(run, problem=f"cannot be read: {error.strerror}")
    found, problem = [], None
    # What stands behind the last line feed was not written to its end.
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        event = _parsed(line)
        if event is None:
            problem = f"line {number} cannot be read"
        elif event.get("v") != VERSION:
            problem = f"line {number} is of another version of the journal: {event.get('v')!r}"
        else:
            found.append(event)
    return Record(run, tuple(found), problem)


def find_record(state_dir: Path, run: str) -> Record:
    """The record of the run with this id.

    :raises RefusedError: there is none.
    """
    path = state_dir / "runs" / f"{run}.jsonl"
    if not RUN_ID.fullmatch(run) or not os.path.lexists(path):
        raise RefusedError(f"no run {run!r} in {state_dir}", "nova-decom runs lists them")
    return read_record(path)


def _parsed(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
