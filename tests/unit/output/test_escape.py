# SPDX-License-Identifier: Apache-2.0
"""Foreign text never reaches the terminal as anything but text."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
import yaml

from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Finding, Kept, Leftover, Verdict
from nova_decom.model.report import HostReport, Report, Result, planned, refused
from nova_decom.model.tables import DoctorCheck, DoctorReport, HostRow, ListReport
from nova_decom.output import json_envelope as envelope
from nova_decom.output import progress
from nova_decom.output.console import console
from nova_decom.output.escape import safe
from nova_decom.output.render import HOST, Style, show
from nova_decom.plan.planner import make_plan
from nova_decom.verify.verify import verify
from tests.unit import build

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "[bold red]markup[/]",
    "[/]",
    ":smile:",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "line\nfeed\rreturn",
    "next\x85line\u2028sep\u2029par",
    "tab\tbell\x07back\x08nul\0del\x7f",
    "surrogate \udcff",
    "ünï→漢字 🙂",
    "-oProxyCommand=x",
    "'; DROP TABLE services; --",
]
NAMES = pytest.mark.parametrize("name", HOSTILE, ids=ascii)
#: What our own text consists of, besides printable characters.
OURS = {"\n"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("node1", "node1"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\t", "a\\nb\\t"),
        ("\u202e", "\\u202e"),
        ("\x85", "\\x85"),
        ("\udcff", "\\udcff"),
        ("\U000e0001", "\\U000e0001"),
        ("[red]ünï 漢字 🙂[/]", "[red]ünï 漢字 🙂[/]"),
    ],
    ids=ascii,
)
def test_safe_text_shows_what_would_not_be_seen(given, expected):
    """Every invisible or controlling character is written as an escape, the rest as it is."""
    assert safe(given) == expected


def state_of(name):
    """A host of that name, with everything else that has a name called the same."""
    return build.facts(
        name,
        other_services=[build.conductor(name, binary=name)],
        servers=(build.server(name, host=name, status=name),),
        migrations=(build.migration(server=name, source=name, status=name),),
        aggregates=(build.aggregate(name=name, hosts=(name,)),),
        agents=(build.agent(host=name, agent_type=name, binary=name),),
        allocations=(build.allocation(consumer=name, resources=((name, 1),)),),
        database=build.database(
            cell=name,
            services=(build.service_row(host=name),),
            compute_nodes=(build.node_row(host=name, hypervisor_hostname=name),),
            problems=(name,),
        ),
        request=build.request(claim=name),
    )


def reports_of(name):
    """Reports of every kind about that host."""
    state = state_of(name)
    plan = make_plan(state)
    failed = tuple(Outcome(c, Status.FAILED, name, name) for c in plan.changes)
    handmade = HostReport(
        name,
        Result.FAILED,
        (Finding("ironic", Verdict.WARNING, name, name),),
        (*failed, Outcome(Change("step", "act", name, name), Status.DONE)),
        (Leftover("kind", name, name, name),),
        (Kept(name, name, name),),
        unchecked=(name,),
        error=name,
        remedy=name,
    )
    return (planned(plan), refused(plan), verify(state), handmade)


def is_clean(output):
    """No character of it controls a terminal or hides."""
    hidden = {c for c in output if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    return hidden <= OURS


@NAMES
def test_text_output_is_clean(name, capsys):
    """Plans, refusals, failures, leftovers: no control byte on either stream."""
    report = Report("remove", 1, reports_of(name), error=name, remedy=name)

    show(report, Style.of({"verbose": 2, "color": "never"}))

    shown = capsys.readouterr()
    assert is_clean(shown.out)
    assert is_clean(shown.err)
    assert safe(name) in shown.out
    assert safe(name) in shown.err


@NAMES
def test_no_line_of_a_report_is_begun_by_foreign_text(name, capsys):
    """A name with line feeds cannot draw lines that look like ours."""
    report = Report("remove", 1, reports_of(name))
    plain = Report("remove", 1, reports_of("node1"))

    show(report, Style.of({"verbose": 2, "color": "never"}))
    lines = capsys.readouterr().out.count("\n")
    show(plain, Style.of({"verbose": 2, "color": "never"}))

    assert lines == capsys.readouterr().out.count("\n")


@NAMES
@pytest.mark.parametrize("style", ["json", "yaml"])
def test_documents_are_ascii_and_give_the_name_back(name, style, capsys):
    """Escaped on the way, whole at the end."""
    report = Report("remove", 1, reports_of(name), error=name)

    show(report, Style.of({"format": style}))

    out = capsys.readouterr().out
    assert out.isascii()
    assert is_clean(out)
    document = json.loads(out) if style == "json" else yaml.safe_load(out)
    assert document["hosts"][0]["host"] == name
    assert document["error"]["message"] == name


@NAMES
@pytest.mark.parametrize("style", ["table", "csv", "value"])
def test_lists_are_clean(name, style, capsys):
    """One line per host, whatever the host is called."""
    row = dict.fromkeys(HOST, name) | {"servers": {name: 2}, "compute_nodes": [name]}
    report = ListReport("list", 0, rows=tuple(HostRow(**r) for r in [row, row]))

    show(report, Style.of({"format": style, "color": "never"}))

    out = capsys.readouterr().out
    assert is_clean(out)
    assert len(out.splitlines()) == (2 if style == "value" else 3)


@NAMES
def test_checks_overview_and_progress_are_clean(name, capsys):
    """Also what is printed elsewhere."""
    check = {"name": name, "ok": False, "detail": name, "remedy": name}
    show(
        DoctorReport("doctor", 69, checks=tuple(DoctorCheck(**c) for c in [check])),
        Style.of({"color": "never"}),
    )
    show(Report("overview", 0, reports_of(name)), Style.of({"color": "never"}))
    stream = io.StringIO()
    lines = progress.Lines(console(stream, "never"))
    lines.change(name, Change("step", "act", name, name), "done")
    lines.waiting(name, name, 5.0)

    assert is_clean(capsys.readouterr().out)
    assert is_clean(stream.getvalue())
    assert safe(name) in stream.getvalue()


@NAMES
def test_a_live_line_is_clean(name):
    """On a terminal, the only escapes are ours; a name adds none to them."""
    assert escapes(name) == escapes("node1")


def escapes(name):
    """How often the display controls the terminal while it shows a host of this name."""
    stream = io.StringIO()
    terminal = console(stream, "always")
    screen = progress.Screen(progress.Live(console=terminal, auto_refresh=False))
    change = Change("step", "act", name, name)
    screen.change(name, change, "started")
    screen.waiting(name, name, 5.0)
    terminal.print(screen.render(), soft_wrap=True)
    screen.change(name, change, "done")
    return stream.getvalue().count("\x1b")


@NAMES
def test_an_envelope_is_made_of_plain_data(name):
    """No enumeration, no tuple, no value of ours is left in it."""
    document = envelope.envelope(Report("remove", 1, reports_of(name)))

    assert json.loads(json.dumps(document)) == document
