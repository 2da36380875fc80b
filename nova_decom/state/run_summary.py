# SPDX-License-Identifier: Apache-2.0
"""A run as one table row and as reports, derived from its journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nova_decom.exit_codes import ExitCode, combined
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.report import HostReport, Result
from nova_decom.state.host_lock import holder
from nova_decom.state.journal_reader import (
    RUN_ID,
    Event,
    Record,
    read_record,
    text_or_none,
)

STATUSES = {str(s) for s in Status}
RESULTS = {str(r) for r in Result}


def has_ended(state_dir: Path, run: str, host: str) -> bool:
    """True when a run of this state directory no longer holds the host, however it ended."""
    path = state_dir / "runs" / f"{run}.jsonl"
    if not RUN_ID.fullmatch(run) or not path.exists():
        return False
    return holder(state_dir, host, read_record(path).cloud_key) != run


def summary_of(record: Record, state_dir: Path) -> dict[str, Any]:
    """The run as one row: ``result`` is "running" while it runs, "unfinished" if it was killed."""
    header, ended = record.header, _ended(record)
    missing = [h for h in record.hosts if h not in ended]
    results = list(dict.fromkeys(result for result, _ in ended.values()))
    code = _exit_code(record, ended)
    if any(holder(state_dir, h, record.cloud_key) == record.run for h in record.hosts):
        results, code = ["running"], None
    elif not record.hosts or (missing and not _stopped(ended)):
        results, code = [*results, "unfinished"], None
    return {
        "run": record.run,
        "at": text_or_none(record.events[0].get("at")) if record.events else None,
        "command": text_or_none(header.get("command")),
        "by": text_or_none(header.get("by")),
        "hosts": list(record.hosts),
        "result": ", ".join(results),
        "exit_code": code,
        "reason": text_or_none(header.get("reason")),
        "problem": record.problem,
        "cloud": str(record.cloud) if record.cloud else None,
    }


def _ended(record: Record) -> dict[str, tuple[str, int]]:
    """The result and the exit code of each host that has a result."""
    return {
        str(e["host"]): (str(e["result"]), e["exit_code"])
        for e in record.events
        if e.get("event") == "result" and "host" in e and isinstance(e.get("exit_code"), int)
    }


def _exit_code(record: Record, ended: Mapping[str, tuple[str, int]]) -> int | None:
    """The exit code of the process; computed where the journal does not have it.

    A host that was not begun has exit code 1, as in the report of the run.
    """
    for event in reversed(record.events):
        if event.get("event") == "exit" and isinstance(event.get("exit_code"), int):
            return int(event["exit_code"])
    codes = [ended[h][1] if h in ended else ExitCode.FAILED for h in record.hosts]
    return combined(codes) if ended else None


def _stopped(ended: Mapping[str, tuple[str, int]]) -> bool:
    """True when the last host failed, so that the run did not begin the next one."""
    return bool(ended) and list(ended.values())[-1][1] != 0


def reports(record: Record) -> tuple[HostReport, ...]:
    """The report of each host, from the journal."""
    return tuple(_report(record, host) for host in record.hosts)


def _report(record: Record, host: str) -> HostReport:
    end = record.last(host, "result") or {}
    result = end.get("result")
    known = Result(result) if result in RESULTS else Result.INTERRUPTED
    error = text_or_none(end.get("error")) if end else "the journal of this host has no end"
    return HostReport(host, known, outcomes=tuple(outcomes(record, host)), error=error)


def outcomes(record: Record, host: str) -> Iterator[Outcome]:
    """The outcome of each change that was begun, or was not needed."""
    begun: dict[tuple[Any, ...], Outcome] = {}
    for event in record.of(host):
        kind = event.get("event")
        if kind == "started" or kind in STATUSES:
            change = change_of(event)
            status = Status.PENDING if kind == "started" else Status(str(kind))
            begun[change.key] = Outcome(
                change,
                status,
                text_or_none(event.get("request_id")),
                text_or_none(event.get("error")),
            )
    yield from begun.values()


def change_of(event: Event) -> Change:
    """The change of an event, as far as the journal has it."""
    step, action, target, detail = (
        str(event.get(name, "")) for name in ("step", "action", "target", "detail")
    )
    rows = event.get("rows")
    return Change(step, action, target, detail, rows if isinstance(rows, int) else None)
