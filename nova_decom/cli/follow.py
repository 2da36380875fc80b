# SPDX-License-Identifier: Apache-2.0
"""``runs --follow``: the progress of a run that another process carries out, from its journal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nova_decom.apply.observers import Progress
from nova_decom.clock import Clock
from nova_decom.state.journal_reader import Event, Record, find_record
from nova_decom.state.run_summary import STATUSES, change_of, summary_of
from nova_decom.steps import MOVING_STEPS

#: Seconds between two readings of the journal.
EVERY = 1.0
#: Readings without a lock and without an event after which a run is taken for killed.
SILENT_READINGS = 10


def follow(state_dir: Path, run: str, shown: Progress, clock: Clock) -> Record:
    """Show each event of the run until it has ended or was killed; the record of all of it."""
    count = silent = 0
    while True:
        record = find_record(state_dir, run)
        for event in record.events[count:]:
            _show(event, shown)
        is_running = summary_of(record, state_dir)["result"] == "running"
        silent = 0 if is_running or len(record.events) > count else silent + 1
        count = len(record.events)
        if silent == SILENT_READINGS or any(e.get("event") == "exit" for e in record.events):
            return record
        clock.sleep(EVERY)


def _show(event: Event, shown: Progress) -> None:
    """Show the begin or the end of a change; a move by its server."""
    kind = str(event.get("event"))
    if kind != "started" and kind not in STATUSES:
        return
    change = change_of(event)
    if change.step in MOVING_STEPS:
        change = replace(change, label=change.detail.partition(": ")[0])
    shown.change(str(event.get("host")), change, kind, str(event.get("error") or ""))
