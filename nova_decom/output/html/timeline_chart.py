# SPDX-License-Identifier: Apache-2.0
"""The timeline of a run as a chart: one bar for each change, on one scale of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nova_decom.output.html.markup import Html, tag, words
from nova_decom.state.timeline import VERIFY, Span

#: The bars' own width; each is drawn as wide as the page has room for.
WIDTH = 1000
#: What took no time is still seen.
LEAST = 3
TICKS = 4


def picture(done: Sequence[Span]) -> Html:
    """The chart, one bar below the other; names and seconds are text, which never shrinks."""
    first = min(s.start for s in done)
    last = max(s.end or s.start for s in done)
    whole = max((last - first).total_seconds(), 0.001)
    rows = [_row(span, first, whole) for span in sorted(done, key=lambda s: s.start)]
    return tag("figure", *rows, _axis(first, last, whole))


def _row(span: Span, first: datetime, whole: float) -> Html:
    took = "…" if span.seconds is None else f"{span.seconds:.1f} s"
    return tag(
        "div",
        tag("span", words(_name(span)), class_="what"),
        _bar(span, first, whole),
        tag("span", took, class_="took"),
        class_="row",
    )


def _name(span: Span) -> str:
    if span.step == "move-servers":
        return f"{span.action} {span.target}{f' → {span.to}' if span.to else ''}"
    return f"{span.step} {span.action}".strip()


def _bar(span: Span, first: datetime, whole: float) -> Html:
    """The bar of a span; without a known end it ends at the right edge."""
    begin = (span.start - first).total_seconds() / whole * WIDTH
    seconds = span.seconds
    width = WIDTH - begin if seconds is None else max(seconds / whole * WIDTH, LEAST)
    begin = min(begin, WIDTH - LEAST)
    kind = "aside" if span.step == VERIFY else span.status
    label = f"{_name(span)}: {span.status}, from second {(span.start - first).total_seconds():.1f}"
    bar = tag("rect", x=f"{begin:.1f}", y=0, width=f"{width:.1f}", height=16, class_=kind)
    return _canvas(*_lines(16), bar, height=16, label=label)


def _lines(height: int) -> list[Html]:
    return [
        tag(
            "line",
            x1=WIDTH * n // TICKS,
            x2=WIDTH * n // TICKS,
            y1=0,
            y2=height,
            vector_effect="non-scaling-stroke",
        )
        for n in range(1, TICKS)
    ]


def _axis(first: datetime, last: datetime, whole: float) -> Html:
    middle = f"{whole / 2:.0f} s" if whole >= 2 * TICKS else f"{whole / 2:.1f} s"
    ends = [f"{first:%H:%M:%S}", f"+{middle}", f"{last:%H:%M:%S}"]
    return tag(
        "div",
        tag("span", "", class_="what"),
        tag("div", *(tag("span", end) for end in ends), class_="ends bar"),
        tag("span", "", class_="took"),
        class_="row axis",
    )


def _canvas(*children: Html, height: int, label: str) -> Html:
    return tag(
        "svg",
        tag("title", label),
        *children,
        viewBox=f"0 0 {WIDTH} {height}",
        preserveAspectRatio="none",
        role="img",
    )
