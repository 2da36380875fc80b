# SPDX-License-Identifier: Apache-2.0
"""The report of a run: read from its journal, put on a page, whatever the journal looks like."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from nova_decom.cli.main import run
from nova_decom.errors import RefusedError
from nova_decom.output.html.markup import Html, tag, together
from nova_decom.output.html.page import page
from nova_decom.state.journal import RunJournal, new_run_id
from nova_decom.state.journal_reader import Record, find_record
from nova_decom.state.timeline import VERIFY, spans
from tests.unit import journals
from tests.unit.journals import EVIL, RUN, Writer

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """The elements and the text of a page; elements must be closed in order."""

    def __init__(self, text):
        """Read all of it."""
        super().__init__()
        self.tags, self.open, self.text, self.attributes = [], [], "", []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        """An element begins."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """An element ends."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Text."""
        if self.open[-1:] != ["style"]:
            self.text += f" {data}"


def shown(journal, tmp_path):
    """The page of a journal, read."""
    text = page(find_record(journal.save(tmp_path), journal.run))
    return Reader(text)


def test_a_page_has_all_that_a_ticket_wants(tmp_path):
    """What was asked, by whom, why, what was done, what is left."""
    text = " ".join(shown(journals.full(), tmp_path).text.split())

    for said in (
        "Remove 3 hosts removed failed not begun",
        f"Run {RUN}",
        "cloud prod, https://keystone.example.org region north",
        "operator anna@controller1",
        "rack 12 retired, ticket CHG-4711",
        "2026-11-23 04:15:00 to 04:17:28 UTC, 148 s",
        "--skip-guard last-host",
        "req-e7b82183-dc47-5bc0-b0e0-4a665035a239",
        "live-migrate web-3 → node1302",
        "DELETE FROM services WHERE id IN (9) AND host = 'node1201'",
        "60.5 s",
        "compute-service nova-compute enabled up",
        "Guards: 10 of 11 ok",
        "node1202: ssh: Connection timed out → mend ssh",
        "nova-decom remove node1202",
        "Not checked hosts of other regions",
        "node1202 failed node1202: ssh: Connection timed out",
        "node1203 not begun Nothing was done: an earlier host of the run failed.",
    ):
        assert said in text
    assert "not verified" in text


@pytest.mark.parametrize("command", ["drain", "enable"])
def test_a_run_that_deletes_nothing_is_not_called_unverified(tmp_path, command):
    """All of the host is still there, as it should be."""
    journal = journals.full()
    for event in journal.lines:
        if event["event"] == "header":
            event["command"] = command

    text = shown(journal, tmp_path).text

    assert "not verified" not in text
    assert "Before and after" not in text


def test_no_text_of_a_journal_becomes_markup(tmp_path):
    """Not in an element, not in an attribute."""
    seen = shown(journals.hostile(), tmp_path)

    assert {"script", "img"} & set(seen.tags) == set()
    assert {"onerror", "src", "href"} & {name for name, _ in seen.attributes} == set()
    assert EVIL in seen.text


def test_a_page_holds_everything_that_it_needs(tmp_path):
    """Neither a script nor anything to fetch, and a policy that would forbid both."""
    seen = shown(journals.full(), tmp_path)

    assert {"script", "link", "iframe", "object", "a", "img"} & set(seen.tags) == set()
    assert ("content", "width=device-width, initial-scale=1") in seen.attributes
    policy = next(v for n, v in seen.attributes if n == "content" and "default-src" in v)
    assert policy.startswith("default-src 'none';")


@pytest.mark.parametrize("lines", range(0, 40, 3))
def test_a_journal_that_ends_anywhere_has_a_page(tmp_path, lines):
    """A run that was killed is what a report is wanted for."""
    journal = journals.full()
    journal.lines = sorted(journal.lines, key=lambda e: e["at"])[:lines]

    text = shown(journal, tmp_path).text

    assert RUN in text
    if 1 < lines < 20:
        assert "No final entry" in text


def test_a_run_that_was_killed_in_the_middle_of_a_change(tmp_path):
    """The change is shown as running, to the edge of the picture."""
    journal = Writer()
    journals.header(journal, "node1")
    journal.change("node1", "stop-service", "stop", 1, None)

    seen = shown(journal, tmp_path)

    assert "unfinished" in seen.text
    assert "running" in seen.text
    assert ("class", "running") in seen.attributes


STRANGE = [
    b"",
    b"\n",
    b"not json\n",
    b"[]\n",
    b'{"v": 2}\n',
    b'{"v": 1}\n',
    b'{"v": 1, "event": "header", "hosts": 7, "options": 7, "at": 7}\n',
    (
        b'{"v": 1, "event": "header", "hosts": ["a"]}\n'
        b'{"v": 1, "event": "findings", "host": "a", "findings": 7}\n'
        b'{"v": 1, "event": "before", "host": "a", "facts": {"services": 7}}\n'
        b'{"v": 1, "event": "result", "host":"a", "result": 7, "leftovers": [7], "unchecked": 7}\n'
    ),
    b'{"v": 1, "event": "done", "host": "a", "at": "2026-11-23T04:15:00+00:00"}\n',
    b'{"v": 1, "event": "header", "hosts": ["\\ud800\\u0000\\u202e"], "by": "\\u001b[2J"}\n',
    b"[" * 100_000 + b"\n",
    b'{"v": 1, "event": "header"',
]


@pytest.mark.parametrize("content", STRANGE, ids=range(len(STRANGE)))
def test_whatever_stands_in_a_journal_there_is_a_page(tmp_path, content):
    """What cannot be relied on is said; no control character gets out."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / f"{RUN}.jsonl").write_bytes(content)

    text = page(find_record(tmp_path, RUN))

    assert Reader(text).text
    assert not {"\0", "\x1b", "\u202e"} & set(text)
    text.encode("utf-8")


def test_lines_that_cannot_be_read_are_told(tmp_path):
    """A cut last line is no surprise; a broken one is."""
    record = Record(RUN, problem="line 2 cannot be read")
    assert "The journal cannot be relied on: line 2 cannot be read." in page(record)

    (tmp_path / "runs").mkdir()
    path = tmp_path / "runs" / f"{RUN}.jsonl"
    path.write_bytes(b'{"v": 1, "event": "header"}\nbroken\n{"v": 1, "event": "cut')
    assert find_record(tmp_path, RUN).problem == "line 2 cannot be read"
    assert len(find_record(tmp_path, RUN).events) == 1
    path.unlink()
    path.mkdir()
    assert find_record(tmp_path, RUN).problem == "is no file"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "20261123T041500Z-ffff", "x"])
def test_a_run_that_is_not_there_is_refused(tmp_path, name):
    """A name is never a path."""
    with pytest.raises(RefusedError, match="no run"):
        find_record(tmp_path, name)


def test_what_a_run_writes_is_what_a_report_reads(tmp_path):
    """The same events, of the journal itself."""
    with RunJournal(tmp_path, new_run_id()) as journal:
        journal.event("header", command="remove", hosts=["node1"])
        journal.event("started", host="node1", step="a", action="b", target="c")
        journal.event("done", host="node1", step="a", action="b", target="c", rows=2)

    (span,) = spans(find_record(tmp_path, journal.run).of("node1"))

    assert (span.step, span.status, span.rows) == ("a", "done", 2)
    assert span.seconds is not None
    assert span.seconds >= 0


def events(*lines):
    """Events of one host at seconds."""
    journal = Writer()
    for second, kind, step in lines:
        journal.event(second, kind, host="a", step=step, action="x", target="t")
    return journal.lines


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([(1, "started", "s")], [("s", "running", None)]),
        ([(1, "started", "s"), (3, "done", "s")], [("s", "done", 2.0)]),
        (
            [(1, "started", "s"), (2, "started", "t"), (3, "done", "s"), (5, "failed", "t")],
            [("s", "done", 2.0), ("t", "failed", 3.0)],
        ),
        ([(1, "not-needed", "s")], [("s", "not-needed", 0.0)]),
        (
            [(1, "started", "s"), (2, "pending", "s"), (3, "started", "s"), (7, "done", "s")],
            [("s", "pending", 1.0), ("s", "done", 4.0)],
        ),
    ],
)
def test_what_begins_and_ends_is_a_span(lines, expected):
    """Whatever the step: moves of servers that overlap as well."""
    found = spans(events(*lines))

    assert [(s.step, s.status, s.seconds) for s in found] == expected


@pytest.mark.parametrize(("result", "looked"), [("removed", True), ("failed", False)])
def test_what_follows_the_last_change_is_the_verification(result, looked):
    """Of a host that was looked at again."""
    lines = events((1, "started", "s"), (2, "done", "s"))
    journal = Writer()
    journal.event(62, "result", host="a", result=result)

    found = spans([*lines, *journal.lines])

    assert [s.seconds for s in found if s.step == VERIFY] == ([60.0] if looked else [])


def test_events_without_a_time_are_no_span():
    """There is nothing to draw."""
    assert spans([{"event": "started", "step": "s"}, {"event": "done", "at": "soon"}]) == ()


def test_markup_is_only_what_was_made_as_such():
    """Text is escaped by whoever makes the element, not by whoever remembers to."""
    assert tag("p", "<b>", class_='"', data_x="'") == (
        '<p class="&quot;" data-x="&#x27;">&lt;b&gt;</p>'
    )
    assert tag("p", tag("b", "&"), None) == "<p><b>&amp;</b></p>"
    assert tag("meta", name="a", hidden=True, class_=None) == '<meta name="a" hidden>'
    assert together("<", Html("<br>")) == "&lt;<br>"
    assert tag("p", "\x1b[2J\u202e") == "<p>\\x1b[2J\\u202e</p>"


@pytest.mark.usefixtures("clean_environment")
class TestCommand:
    """``nova-decom report RUN --html FILE``."""

    def test_it_writes_the_page_and_says_where(self, capsys, tmp_path):
        """stdout is for results, and the result is the file."""
        journals.full().save(tmp_path / "state")

        assert run(["report", RUN, "--html", "page.html"]) == 0

        assert Reader((tmp_path / "page.html").read_text("utf-8")).text
        assert capsys.readouterr() == ("", "page.html\n")

    def test_a_file_that_cannot_be_written(self, capsys, tmp_path):
        """Nothing else happens."""
        journals.full().save(tmp_path / "state")

        assert run(["report", RUN, "--html", "no/such/directory"]) == 2
        assert "No such file or directory" in capsys.readouterr().err

    def test_a_run_that_is_not_there(self, capsys):
        """As a document too."""
        assert run(["report", RUN, "--html", "x", "-f", "json"]) == 4
        assert f"no run '{RUN}'" in json.loads(capsys.readouterr().out)["error"]["message"]
