# SPDX-License-Identifier: Apache-2.0
"""A run as one HTML page without scripts and remote resources."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from nova_decom.model.plan import counted
from nova_decom.output.html.markup import Child, Html, bullets, table, tag, together, words
from nova_decom.output.html.timeline_chart import picture
from nova_decom.registrars import REGISTRARS
from nova_decom.state.journal_reader import Event, Record
from nova_decom.state.timeline import VERIFY, Span, spans, when

#: The page loads nothing, also if a name in the journal contains markup.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
COLOURS = {
    **dict.fromkeys(
        ("removed", "drained", "returned", "clean", "unchanged", "done", "ok"), "good"
    ),
    **dict.fromkeys(("failed", "refused", "blocked"), "bad"),
    **dict.fromkeys(("leftovers", "interrupted", "unfinished"), "warn"),
    **dict.fromkeys(("warning", "pending", "in-progress"), "warn"),
}
#: The records of a host before the run: key in the journal, kind of leftover, naming fields.
PARTS = (
    ("services", "compute-service", ("binary", "status", "state", "id")),
    ("compute_nodes", "compute-node", ("hypervisor_hostname", "uuid")),
    ("providers", "resource-provider", ("name", "uuid")),
    ("allocations", "allocation", ("consumer",)),
    ("aggregates", "aggregate", ("name",)),
    *(registrar.journal for registrar in REGISTRARS if registrar.journal is not None),
    ("host_mapping", "host-mapping", ("cell",)),
)
LONG = 120
#: Commands that delete no record, so that there is none to be gone afterwards.
WITHOUT_DELETIONS = ("drain", "enable", "restore")


def page(record: Record) -> str:
    """The HTML document of a run.

    Everything in the journal is foreign text, which :func:`tag` escapes.
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
    """The head of the page: command, operator, reason, times and options."""
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
        *_entry("cloud", str(record.cloud or "")),
        *_entry("operator", _word(header.get("by"))),
        *_entry("reason", _word(header.get("reason"))),
        *_entry("when", _period(times)),
        *_entry("hosts", ", ".join(record.hosts)),
        *_entry("options", *_options(told)),
        *_entry("global request id", tag("code", _word(header.get("global_request_id")))),
        *_entry(
            "nova-decom, compute API",
            f"{_word(header.get('version'))}, {_word(header.get('compute'))}",
        ),
    )


def _hosts(record: Record) -> Iterator[Html]:
    if len(record.hosts) > 1:
        rows = [(h, _badge(_result(record, h)), _error(record, h)) for h in record.hosts]
        yield table(("host", "result", "why"), rows)
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
        if record.header.get("command") not in WITHOUT_DELETIONS:
            yield from _before_and_after(record.last(host, "before"), end)
        yield from _leftovers(end)
        yield from _saved(events)
        yield from _findings(record.last(host, "findings") or {})


def _outcome(end: Event, *, begun: bool) -> Iterator[Html]:
    """The error of a host, or why it has no end."""
    if not begun:
        yield _note("plain", "Nothing was done: an earlier host of the run failed.")
    elif not end:
        what = "No final entry: the run was killed or is still running."
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
            together(_name(s.step), " ", _name(s.action)),
            together(
                tag("p", words(f"{s.target} → {s.to}")) if s.to else None,
                _detail(s.detail),
                tag("p", words(s.error), class_="bad") if s.error else None,
                tag("p", tag("code", s.request_id), class_="soft") if s.request_id else None,
            ),
            "" if s.rows is None else str(s.rows),
            _badge(s.status),
            "" if s.seconds is None else f"{s.seconds:.1f} s",
        )
        for s in done
    ]
    yield table(("step", "what", "rows", "status", "took"), rows, {2, 4})


def _detail(text: str) -> Child:
    """A long text, SQL mostly, can be folded; each statement has a line of its own."""
    if len(text) <= LONG:
        return tag("span", words(text), class_="mono")
    lines = [tag("div", words(line)) for line in re.split("(?<=;) ", text)]
    first = f"{text[: LONG // 2]}…"
    # It is open, since a browser prints no closed one.
    return tag(
        "details",
        tag("summary", tag("span", first, class_="mono")),
        tag("div", *lines, class_="sql mono"),
        open=True,
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
        seen = bullets([" ".join(_word(t.get(k)) for k in keys) for t in things])
        after: Child = _name("not verified", "warn")
        if stays:
            after = bullets([_word(x.get("detail")) for x in stays])
        elif verified:
            after = _name("gone", "good")
        rows.append((_name(kind), seen, after))
    if rows:
        yield tag("h3", "Before and after")
        yield table(("record", "before", "after"), rows)


def _leftovers(end: Event) -> Iterator[Html]:
    left = _things(end.get("leftovers"))
    if left:
        yield tag("h3", "Leftovers")
        names = ("kind", "target", "detail", "remedy")
        yield table(names, [tuple(_word(x.get(n)) for n in names) for x in left])
    unchecked = end.get("unchecked")
    if isinstance(unchecked, list) and unchecked:
        yield tag("h3", "Not checked")
        yield tag("p", "; ".join(map(str, unchecked)))


def _saved(events: Sequence[Event]) -> Iterator[Html]:
    """The number of records saved by table; their values are in the journal only."""
    counts: dict[tuple[str, str], int] = {}
    for event in events:
        if event.get("event") == "before-image":
            key = (_word(event.get("database")), _word(event.get("table")))
            counts[key] = counts.get(key, 0) + len(_things(event.get("rows")))
    if counts:
        yield tag("h3", "Saved in the journal")
        rows = [(where, what, str(number)) for (where, what), number in counts.items()]
        yield table(("where", "what", "records"), rows, {2})


def _findings(event: Event) -> Iterator[Html]:
    found = _things(event.get("findings"))
    if not found:
        return
    fine = [f for f in found if f.get("verdict") == "ok"]
    others = [f for f in found if f not in fine]
    yield tag("h3", f"Guards: {len(fine)} of {len(found)} ok")
    names = ("guard", "verdict", "message", "remedy")
    if others:
        yield table(names, [_finding(f, names) for f in others])
    if fine:
        rows = [_finding(f, names[:3]) for f in fine]
        yield tag("details", tag("summary", "passed"), table(names[:3], rows))


def _finding(finding: Event, names: Sequence[str]) -> tuple[Child, ...]:
    form: dict[str, Callable[[str], Child]] = {"guard": _name, "verdict": _badge}
    return tuple(form.get(n, str)(_word(finding.get(n))) for n in names)


def _footer(record: Record) -> Html:
    what = "Generated from the journal of the run; the cloud was not contacted."
    return tag("footer", f"{what} {counted(len(record.events), 'event')}.", class_="soft")


def _badges(record: Record) -> list[Html]:
    ends = [_result(record, host) for host in record.hosts]
    return [_badge(result) for result in dict.fromkeys(ends)]


def _result(record: Record, host: str) -> str:
    """The result of a host; without a final entry it is unfinished or was not begun."""
    end = record.last(host, "result")
    without = "unfinished" if record.of(host) else "not begun"
    return without if end is None else _word(end.get("result"))


def _error(record: Record, host: str) -> str:
    return _word((record.last(host, "result") or {}).get("error"))


def _badge(word: str) -> Html:
    return tag("span", word, class_=f"badge {COLOURS.get(word, 'plain')}")


def _name(word: str, colour: str = "") -> Html:
    """A word of the program, which is never broken."""
    return tag("span", word, class_=f"name {colour}".strip())


def _note(colour: str, text: str) -> Html:
    return tag("div", tag("p", words(text)), class_=f"note {colour}")


def _entry(name: str, *what: Child) -> tuple[Html, Html]:
    return tag("dt", name), tag("dd", *what)


def _options(told: Mapping[str, Any]) -> list[Child]:
    """The options as on a command line; secrets are not in the journal."""
    return [bullets([_option(k, v) for k, v in told.items()])] if told else ["none"]


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


def _few(hosts: Sequence[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"


def _things(found: object) -> list[Mapping[str, Any]]:
    return [x for x in found if isinstance(x, Mapping)] if isinstance(found, list) else []


def _word(value: object, otherwise: str = "") -> str:
    return otherwise if value is None else str(value)
