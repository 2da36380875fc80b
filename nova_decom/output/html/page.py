# SPDX-License-Identifier: Apache-2.0
"""A run as one page that needs nothing else: no script, no remote resource, any browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from nova_decom.output.html.markup import Child, Html, tag, together
from nova_decom.output.html.timeline_chart import picture
from nova_decom.state.journal_reader import Event, Record
from nova_decom.state.timeline import VERIFY, Span, spans, when

#: Nothing may be loaded, whatever a name in the journal tries.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
COLOURS = {
    **dict.fromkeys(("removed", "drained", "clean", "unchanged", "done", "ok"), "good"),
    **dict.fromkeys(("failed", "refused", "blocked"), "bad"),
    **dict.fromkeys(("leftovers", "interrupted", "unfinished", "warning", "pending"), "warn"),
}
#: What was read of the host before, the kind of leftover that it would be, and what names one.
PARTS = (
    ("services", "compute-service", ("binary", "status", "state", "id")),
    ("compute_nodes", "compute-node", ("hypervisor_hostname", "uuid")),
    ("providers", "resource-provider", ("name", "uuid")),
    ("allocations", "allocation", ("consumer",)),
    ("aggregates", "aggregate", ("name",)),
    ("agents", "network-agent", ("agent_type", "binary", "id")),
    ("host_mapping", "host-mapping", ("cell",)),
)
LONG = 120


def page(record: Record) -> str:
    """The whole document.

    Everything in the journal is foreign text; :func:`tag` escapes all of it.
    """
    title = f"nova-decom {_word(record.header.get('command'), 'run')} {', '.join(record.hosts)}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{title} ({record.run})"),
        tag("style", Html(resources.files(__package__).joinpath("page.css").read_text("utf-8"))),
    )
    body = tag("body", tag("main", *_summary(record), *_hosts(record), _footer(record)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _summary(record: Record) -> Iterator[Html]:
    """What was asked, by whom, when and why."""
    header = record.header
    command = _word(header.get("command"), "run").capitalize()
    yield tag("h1", f"{command} {_few(record.hosts)} ", *_badges(record))
    yield tag("p", "Run ", tag("code", record.run), class_="soft")
    if record.problem:
        yield _note("bad", f"The journal cannot be relied on: {record.problem}.")
    times = [at for at in map(when, record.events) if at is not None]
    options = header.get("options")
    told = options if isinstance(options, Mapping) else {}
    yield tag(
        "dl",
        *_entry("asked by", _word(header.get("by"))),
        *_entry("reason", _word(header.get("reason"))),
        *_entry("when", _period(times)),
        *_entry("hosts", ", ".join(record.hosts)),
        *_entry("options", *_options(told)),
        *_entry("request id in nova's logs", tag("code", _word(header.get("global_request_id")))),
        *_entry(
            "nova-decom, compute API",
            f"{_word(header.get('version'))}, {_word(header.get('compute'))}",
        ),
    )


def _hosts(record: Record) -> Iterator[Html]:
    for host in record.hosts:
        events = record.of(host)
        end = record.last(host, "result") or {}
        done = spans(events)
        yield tag("h2", f"{host} ", _badge(_result(record, host)))
        yield from _outcome(end, begun=bool(events))
        if done:
            yield tag("h3", "Timeline")
            yield picture(done)
        yield from _changes([s for s in done if s.step != VERIFY])
        yield from _before_and_after(record.last(host, "before"), end)
        yield from _leftovers(end)
        yield from _saved(events)
        yield from _findings(record.last(host, "findings") or {})


def _outcome(end: Event, *, begun: bool) -> Iterator[Html]:
    """Why it ended as it did, if it was not simply done."""
    if not begun:
        yield _note("plain", "Nothing was done: the run ended with an earlier host.")
    elif not end:
        what = "The journal of this host has no end: the run was killed, or still goes on."
        yield _note("warn", what)
    elif end.get("error"):
        remedy = f" → {end['remedy']}" if end.get("remedy") else ""
        yield _note(COLOURS.get(_word(end.get("result")), "plain"), f"{end['error']}{remedy}")


def _changes(done: Sequence[Span]) -> Iterator[Html]:
    if not done:
        return
    yield tag("h3", "Changes")
    rows = [
        (
            tag("span", f"{s.step} {s.action}"),
            together(
                tag("p", f"{s.target} → {s.to}") if s.to else None,
                _detail(s.detail),
                tag("p", s.error, class_="bad") if s.error else None,
            ),
            "" if s.rows is None else str(s.rows),
            _badge(s.status),
            "" if s.seconds is None else f"{s.seconds:.1f} s",
            tag("code", s.request_id) if s.request_id else "",
        )
        for s in done
    ]
    yield _table(("step", "what", "rows", "status", "took", "request id"), rows, {2, 4})


def _detail(text: str) -> Child:
    """A long text, SQL for the most part, is folded; statements stand in lines of their own."""
    if len(text) <= LONG:
        return tag("span", text, class_="mono")
    lines = text.replace("; ", ";\n")
    first = f"{text[: LONG // 2]}…"
    return tag(
        "details",
        tag("summary", tag("span", first, class_="mono")),
        tag("div", lines, class_="sql mono"),
    )


def _before_and_after(before: Event | None, end: Event) -> Iterator[Html]:
    facts = before.get("facts") if before else None
    if not isinstance(facts, Mapping):
        return
    left = _things(end.get("leftovers"))
    verified = end.get("result") in {"removed", "leftovers"}
    rows: list[tuple[Child, ...]] = []
    for name, kind, keys in PARTS:
        found = facts.get(name)
        things = _things([found] if isinstance(found, Mapping) else found)
        stays = [x for x in left if x.get("kind") == kind]
        if not things and not stays:
            continue
        seen = _list([" ".join(_word(t.get(k)) for k in keys) for t in things])
        after: Child = tag("span", "not verified", class_="warn")
        if stays:
            after = _list([_word(x.get("detail")) for x in stays])
        elif verified:
            after = tag("span", "gone", class_="good")
        rows.append((kind, seen, after))
    if rows:
        yield tag("h3", "Before and after")
        yield _table(("record", "before", "after"), rows)


def _leftovers(end: Event) -> Iterator[Html]:
    left = _things(end.get("leftovers"))
    if left:
        yield tag("h3", "Leftovers")
        names = ("kind", "target", "detail", "remedy")
        yield _table(names, [tuple(_word(x.get(n)) for n in names) for x in left])
    unchecked = end.get("unchecked")
    if isinstance(unchecked, list) and unchecked:
        yield tag("h3", "Not checked")
        yield tag("p", "; ".join(map(str, unchecked)))


def _saved(events: Sequence[Event]) -> Iterator[Html]:
    """How much was saved before it went; the values stay in the journal."""
    counts: dict[tuple[str, str], int] = {}
    for event in events:
        if event.get("event") == "before-image":
            key = (_word(event.get("database")), _word(event.get("table")))
            counts[key] = counts.get(key, 0) + len(_things(event.get("rows")))
    if counts:
        yield tag("h3", "Saved in the journal")
        rows = [(where, what, str(number)) for (where, what), number in counts.items()]
        yield _table(("where", "what", "records"), rows, {2})


def _findings(event: Event) -> Iterator[Html]:
    found = _things(event.get("findings"))
    if not found:
        return
    fine = [f for f in found if f.get("verdict") == "ok"]
    others = [f for f in found if f not in fine]
    yield tag("h3", f"Guards: {len(fine)} of {len(found)} ok")
    names = ("guard", "verdict", "message", "remedy")
    if others:
        yield _table(names, [_finding(f, names) for f in others])
    if fine:
        rows = [_finding(f, names[:3]) for f in fine]
        yield tag("details", tag("summary", "what held"), _table(names[:3], rows))


def _finding(finding: Event, names: Sequence[str]) -> tuple[Child, ...]:
    return tuple(
        _badge(_word(finding.get(n))) if n == "verdict" else _word(finding.get(n)) for n in names
    )


def _footer(record: Record) -> Html:
    what = "Made from the journal alone; nothing was asked of the cloud."
    return tag("footer", f"{what} {len(record.events)} events.", class_="soft")


def _badges(record: Record) -> list[Html]:
    ends = [_result(record, host) for host in record.hosts]
    return [_badge(result) for result in dict.fromkeys(ends)]


def _result(record: Record, host: str) -> str:
    """How a host ended; without an end in the journal it did not."""
    end = record.last(host, "result")
    without = "unfinished" if record.of(host) else "not begun"
    return without if end is None else _word(end.get("result"))


def _badge(word: str) -> Html:
    return tag("span", word, class_=f"badge {COLOURS.get(word, 'plain')}")


def _note(colour: str, text: str) -> Html:
    return tag("div", tag("p", text), class_=f"note {colour}")


def _entry(name: str, *what: Child) -> tuple[Html, Html]:
    return tag("dt", name), tag("dd", *what)


def _options(told: Mapping[str, Any]) -> list[Child]:
    """As they would be typed; secrets are not in the journal."""
    return [_list([_option(k, v) for k, v in told.items()])] if told else ["none"]


def _option(name: str, value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"--{name.replace('_', '-')}{'' if value is True else f' {text}'}"


def _period(times: Sequence[datetime]) -> str:
    if not times:
        return ""
    first, last = min(times), max(times)
    seconds = (last - first).total_seconds()
    end = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} to {end} UTC, {seconds:.0f} s"


def _table(
    names: Sequence[str], rows: Sequence[Sequence[Child]], numbers: set[int] | None = None
) -> Html:
    """A table; on a narrow screen each cell is a line with its column's name."""
    numbers = numbers or set()
    head = tag(
        "tr",
        *(tag("th", name, class_="num" if n in numbers else None) for n, name in enumerate(names)),
    )
    body = [
        tag(
            "tr",
            *(
                tag(
                    "td",
                    cell or None,
                    data_name=names[n] if n and names[n] != "what" else None,
                    class_="num" if n in numbers else None,
                )
                for n, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    return tag("table", tag("thead", head), tag("tbody", *body))


def _list(items: Sequence[str]) -> Child:
    return tag("ul", *(tag("li", item) for item in items)) if items else "none"


def _few(hosts: Sequence[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"


def _things(found: object) -> list[Mapping[str, Any]]:
    return [x for x in found if isinstance(x, Mapping)] if isinstance(found, list) else []


def _word(value: object, otherwise: str = "") -> str:
    return otherwise if value is None else str(value)
