# SPDX-License-Identifier: Apache-2.0
"""The begin and end of each change of a run, from its journal. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from nova_decom.model.change import Status
from nova_decom.state.journal_reader import Event

_ENDS = {str(s) for s in Status}
#: The name of the verification, which is no change but takes time too.
VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Span:
    """One period of a run; ``end`` is None when the journal has none."""

    host: str
    step: str
    action: str
    target: str
    status: str
    start: datetime
    end: datetime | None = None
    detail: str = ""
    rows: int | None = None
    request_id: str | None = None
    error: str | None = None
    to: str | None = None

    @property
    def seconds(self) -> float | None:
        """The duration in seconds; None while the end is not known."""
        return None if self.end is None else (self.end - self.start).total_seconds()


def when(event: Event) -> datetime | None:
    """The time of an event; None when it has none."""
    try:
        return datetime.fromisoformat(str(event.get("at")))
    except ValueError:
        return None


def spans(events: Iterable[Event]) -> tuple[Span, ...]:
    """The spans of one host's events, in the order in which they began.

    Everything that begins with ``started`` and ends with a status is one, whatever its step.
    """
    found: list[Span] = []
    for event in events:
        kind, at = event.get("event"), when(event)
        if at is None:
            continue
        if kind == "started":
            found.append(_span(event, at, "running"))
        elif kind in _ENDS:
            _end(found, event, at)
        elif kind == "result":
            last = max((s.end for s in found if s.end is not None), default=None)
            looked = event.get("result") in {"removed", "leftovers"}
            if last is not None and looked:
                found.append(Span(_text(event, "host"), VERIFY, "", "", "done", last, at))
    return tuple(found)


def _end(found: list[Span], event: Event, at: datetime) -> None:
    """Close the span that this event ends; a change that was not begun took no time."""
    ended = _span(event, at, str(event.get("event")))
    for number, span in reversed(list(enumerate(found))):
        if span.end is None and _key(span) == _key(ended):
            found[number] = replace(ended, start=span.start, end=at)
            return
    found.append(replace(ended, end=at))


def _span(event: Event, at: datetime, status: str) -> Span:
    rows = event.get("rows")
    return Span(
        host=_text(event, "host"),
        step=_text(event, "step"),
        action=_text(event, "action"),
        target=_text(event, "target"),
        status=status,
        start=at,
        detail=_text(event, "detail"),
        rows=rows if isinstance(rows, int) else None,
        request_id=_text(event, "request_id") or None,
        error=_text(event, "error") or None,
        to=_text(event, "to") or None,
    )


def _key(span: Span) -> tuple[str, ...]:
    return (span.host, span.step, span.action, span.target)


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    return "" if value is None else str(value)
