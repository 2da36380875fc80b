# SPDX-License-Identifier: Apache-2.0
"""What people read."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nova_decom.apply.observers import NullProgress
from nova_decom.cli.steps import reference
from nova_decom.errors import ConfigurationError
from nova_decom.guards import GUARDS
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Leftover
from nova_decom.model.report import HostReport, Report, Result, planned, refused
from nova_decom.model.tables import (
    AuditReport,
    DoctorCheck,
    DoctorReport,
    HostRow,
    ListReport,
    RunsReport,
)
from nova_decom.output import progress, text
from nova_decom.output.console import console, entry
from nova_decom.output.render import Style, age, show
from nova_decom.plan.planner import make_plan
from nova_decom.steps import PROCEDURE
from nova_decom.verify.verify import verify
from tests.unit import build
from tests.unit.build import facts
from tests.unit.states import ALL_STATES

BLOCKED = facts(servers=(build.server(),))
ROW = {
    "host": "node1",
    "status": "enabled",
    "state": "up",
    "heartbeat": "2026-11-23T04:15:00",
    "zone": "nova",
    "compute_nodes": ["a", "b"],
    "servers": {"ACTIVE": 2, "ERROR": 1},
    "migrations": 0,
    "rows_live": 2,
    "rows_deleted": 0,
    "verdict": "removable",
}
ROWS = [ROW, dict.fromkeys(ROW) | {"host": "node2", "servers": {}, "compute_nodes": []}]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Yes."""
        return True


def at_terminal(monkeypatch, columns):
    """A console on a terminal of so many columns."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    return console(Terminal(), "auto")


def plain(stream):
    """What was written, without what steers a terminal."""
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", stream.getvalue())


def shown(capsys, report, **given):
    """stdout and stderr without colour."""
    show(report, Style.of({"color": "never"} | given))
    streams = capsys.readouterr()
    return streams.out, streams.err


def lines(shown):
    """The lines, wherever they begin."""
    return [line.strip() for line in shown.splitlines()]


def test_a_plan_shows_every_statement_that_will_run(capsys):
    """The transaction from its start to its commit, with the rows expected."""
    plan = make_plan(facts())
    transaction = plan.changes[-1].transaction

    out, err = shown(capsys, Report("plan", 0, (planned(plan),)))

    assert err == ""
    assert out.startswith("node1  planned\n")
    assert all(statement.text in out for statement in transaction.statements)
    assert "START TRANSACTION;" in out
    assert "COMMIT;" in out
    assert "-- must find 1 row\n" in out
    assert "-- must touch 1 row\n" in out
    assert "2 rows, in one transaction; not reversible\n" in out
    assert all(c.detail in out for c in plan.changes[:-1])


def test_each_change_says_before_it_is_made_that_there_is_no_way_back(capsys):
    """As the steps have it; afterwards it is of no use."""
    plan = make_plan(facts())
    known = {step.name: step.reversible for step in PROCEDURE}

    out, _ = shown(capsys, Report("plan", 0, (planned(plan),)))

    marked = [line.split()[2] for line in lines(out) if line.endswith("; not reversible")]
    assert marked == [c.step for c in plan.changes if not known[c.step]]
    assert marked[0] == "delete-service"
    done = tuple(Outcome(c, Status.DONE) for c in plan.changes)
    out, _ = shown(
        capsys, Report("runs", 0, (HostReport("node1", Result.REMOVED, outcomes=done),))
    )
    assert "purge-rows" in out
    assert "not reversible" not in out


def test_above_the_prompt_only_statements_that_change_something_are_shown(capsys):
    """The others only check; plan and --verbose show them."""
    out = console(sys.stdout, "never")

    text.print_report(
        out, Report("remove", 0, (planned(make_plan(facts())),)), verbose=False, reads=False
    )

    seen = capsys.readouterr().out
    assert "DELETE FROM services" in seen
    assert "SELECT" not in seen


def test_what_blocks_a_plan_stands_in_its_first_line(capsys):
    """Where somebody tired looks; a line on stderr names it for logs."""
    plan = make_plan(facts(servers=(build.server(),)))

    out, err = shown(capsys, Report("plan", 0, (planned(plan),)))

    assert out.startswith("node1  blocked by servers-present\n")
    assert err == "blocked: node1 by servers-present\n"


def test_the_table_of_several_plans_says_why_one_is_blocked(capsys):
    """With the counts below it."""
    plans = (planned(make_plan(facts())), planned(make_plan(BLOCKED)))

    out, _ = shown(capsys, Report("plan", 0, plans))

    *_, fine, blocked, counts = out.splitlines()
    assert fine.split()[:2] == ["node1", "planned"]
    assert blocked.split() == ["node1", "blocked", "5", "planned", "0", "servers-present"]
    assert counts == "1 planned, 1 blocked"


@pytest.mark.parametrize("verbose", [False, True])
def test_the_plan_is_not_shown_again_at_the_end(capsys, verbose):
    """Only what is not done, the verdict, and the commands that follow."""
    plan = make_plan(facts())
    statuses = (Status.DONE, Status.FAILED, *[Status.PENDING] * (len(plan.changes) - 2))
    done = tuple(
        Outcome(c, s, begun=s is Status.DONE) for c, s in zip(plan.changes, statuses, strict=True)
    )
    host = HostReport("node1", Result.FAILED, plan.findings, done)
    end = {"run": "R", "journal": "/state/R.jsonl", "seconds": 78.6, "is_confirmed": True}

    out, _ = shown(capsys, Report("remove", 1, (host,), **end), verbose=verbose)

    assert ("done       disable-service" in out) is verbose
    assert "failed     stop-service" in out
    assert lines(out)[-4:] == [
        "1 failed in 79 s  run R",
        "journal            /state/R.jsonl",
        "report             nova-decom report last",
        "undo               nova-decom restore last",
    ]


def test_the_way_back_from_a_drain_is_enable(capsys):
    """A run that has changed no host has no way back."""
    outcome = Outcome(make_plan(facts()).changes[0], Status.DONE, begun=True)
    host = HostReport("node1", Result.DRAINED, (), (outcome,))
    end = {"run": "R", "journal": "/state/R.jsonl", "seconds": 1.0}

    out, _ = shown(capsys, Report("drain", 0, (host,), **end))
    assert lines(out)[-1] == "undo               nova-decom enable node1"

    out, _ = shown(capsys, Report("drain", 0, (replace(host, outcomes=()),), **end))
    assert "undo" not in out


@pytest.mark.parametrize("verbose", [0, 1])
def test_guards_that_passed_are_counted_and_named_when_asked(capsys, verbose):
    """Objections are always shown, with their cure."""
    out, err = shown(capsys, Report("plan", 0, (refused(make_plan(BLOCKED)),)), verbose=verbose)

    assert f"Guards  {len(GUARDS) - 1} of {len(GUARDS)} ok" in out
    assert "blocked  servers-present: 1 server on the host" in out
    assert "→ move or delete them" in out
    assert ("ironic" in out) is bool(verbose)
    refused_by = "error: node1: refused by servers-present; nothing was changed"
    assert lines(err) == [refused_by, "→ nova-decom explain servers-present"]


def test_a_guard_is_told_once_when_looking(capsys):
    """What it saw and its cure stand in the report; the error names it."""
    out, err = shown(capsys, Report("verify", 3, (verify(BLOCKED),)))

    assert "blocked  servers-present: 1 server on the host" in out
    assert err == "error: node1: leftovers; a removal would be refused by servers-present\n"


def test_a_plan_that_no_longer_fits_says_what_is_new(capsys):
    """No guard objects; the reason is the error, and the cure is a new plan."""
    host = HostReport("node1", Result.REFUSED, error="no longer fits: more", remedy="plan anew")

    out, err = shown(capsys, Report("remove", 7, (host,)))

    assert "no longer fits: more" in out + err
    assert "plan anew" in out + err


def test_hosts_stand_apart(capsys):
    """An empty line between two."""
    host = verify(build.absent(was_known=True))

    out, _ = shown(capsys, Report("verify", 0, (host, host)))

    assert out.count("node1  clean\n") == 2
    assert "delete_queue -p VHOST compute-alt.node1\n\nnode1" in out


def test_leftovers_and_what_is_kept_are_shown_with_their_cures(capsys):
    """Nothing is claimed to be gone that is not."""
    state = facts(agents=(build.agent(alive=True),), other_services=[build.conductor()])

    out, _ = shown(capsys, Report("verify", 3, (verify(state),)))

    assert "Left over" in out
    assert "→ stop it on the host, then: nova-decom remove node1" in out
    assert "Kept\n    nova-conductor" in out


def test_a_failed_host_shows_its_error_and_cure(capsys):
    """Beside the changes that were made, and on stderr for whoever keeps only that."""
    plan = make_plan(facts())
    outcomes = (Outcome(plan.changes[0], Status.FAILED),)
    host = HostReport("node1", Result.FAILED, (), outcomes, error="HTTP 500", remedy="look")

    out, err = shown(capsys, Report("remove", 1, (host,)))

    assert "failed     disable-service" in out
    assert lines(err) == ["error: node1: failed: HTTP 500", "→ look"]


def test_a_move_that_nova_goes_on_with_shows_how_to_abort_it(capsys):
    """Below its line; also without --verbose."""
    change = Change("move-servers", "move", "s1", "live-migrate 'web' (s1)")
    remedy = "live-migration 7 goes on (running): openstack server migration abort s1 7"
    outcomes = (Outcome(change, Status.IN_PROGRESS, error=remedy, begun=True),)
    host = HostReport("node1", Result.INTERRUPTED, (), outcomes, exit_code=130)

    out, _ = shown(capsys, Report("drain", 130, (host,)))

    assert "in-progress move-servers        live-migrate 'web' (s1)" in out
    assert f"→ {remedy}" in lines(out)


def test_an_error_of_the_whole_run_goes_to_stderr(capsys):
    """stdout has the result and nothing else."""
    out, err = shown(capsys, Report("nova-decom", 69, error="no answer", remedy="look"))

    assert out == ""
    assert lines(err) == ["error: no answer", "→ look"]


@pytest.mark.parametrize(
    ("state", "phrase"),
    [
        (facts(), "removable"),
        (BLOCKED, "blocked: servers-present"),
        (
            ALL_STATES["provider stuck on an allocation"],
            "removable, would leave: allocation, resource-provider",
        ),
    ],
)
def test_a_host_in_one_phrase(capsys, state, phrase):
    """The overview has a line for each host."""
    report = planned(make_plan(state))

    out, _ = shown(capsys, Report("plan", 0, (report,), is_overview=True))

    assert text.verdict(report) == phrase
    assert [line.split() for line in out.splitlines()] == [
        ["host", "verdict"],
        ["node1", *phrase.split()],
    ]


def test_the_list_as_a_table(capsys):
    """What fits a terminal: a heading, a line per host, a dash for what is not known."""
    out, _ = shown(capsys, ListReport("list", 0, rows=tuple(HostRow(**r) for r in ROWS)))

    ago = age(ROW["heartbeat"], datetime.now(UTC))
    assert [" ".join(line.split()) for line in lines(out)] == [
        "host status state heartbeat zone servers verdict",
        f"node1 enabled up {ago} nova 2 ACTIVE, 1 ERROR removable",
        "node2 - - - - - -",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0 s"), (4, "4 s"), (119, "119 s"), (150, "2 min"), (7200, "2 h"), (200000, "2 d")],
)
def test_a_heartbeat_is_shown_as_an_age(seconds, shown):
    """Clocks differ; a reader of the table need not know the time in UTC."""
    now = datetime(2026, 11, 23, 4, 15, tzinfo=UTC)

    assert age((now - timedelta(seconds=seconds)).isoformat()[:19], now) == f"{shown} ago"
    assert age("-", now) == "-"


@pytest.mark.parametrize(
    ("columns", "left_out"),
    [(85, {"rows"}), (84, {"rows", "zone"}), (78, {"rows", "zone", "heartbeat"})],
)
def test_columns_give_way_before_a_word_is_broken(monkeypatch, columns, left_out):
    """The zone first, then the heartbeat."""
    name = "compute-0123456789.example.org"
    stream = at_terminal(monkeypatch, columns).file
    monkeypatch.setattr("sys.stdout", stream)
    rows = (HostRow(**ROW | {"host": name}),)

    show(ListReport("list", 0, rows=rows), Style())

    shown = plain(stream)
    head, _, rest = shown.partition(name)
    assert rest
    assert {n for n in ("rows", "zone", "heartbeat") if n not in head} == left_out
    assert max(map(len, shown.splitlines())) <= columns


@pytest.mark.parametrize("wide", [False, True])
def test_a_row_stands_below_its_first_cell_where_its_words_do_not_fit(monkeypatch, wide):
    """Each cell has the name of its column; --wide shows all of them."""
    stream = at_terminal(monkeypatch, 40).file
    monkeypatch.setattr("sys.stdout", stream)
    rows = (HostRow(**ROW | {"host": "compute-0123456789.example.org"}),)

    show(ListReport("list", 0, rows=rows), Style(wide=wide))

    first, second, *rest = map(str.rstrip, plain(stream).splitlines())
    assert first == "compute-0123456789.example.org"
    assert second == "        status: enabled  state: up"
    assert any("rows live: " in line for line in rest) is wide
    assert max(map(len, rest)) <= 40


@pytest.mark.parametrize("columns", [60, 100])
def test_the_command_of_an_audit_is_never_broken(monkeypatch, columns):
    """Not in a column that is narrower than it, either."""
    stream = at_terminal(monkeypatch, columns).file
    monkeypatch.setattr("sys.stdout", stream)
    left = Leftover("host-mapping", build.NODE, "in no cell of nova", "nova-decom remove node9")
    host = HostReport("node9", Result.LEFTOVERS, leftovers=(left,))

    show(AuditReport("audit", 0, (host,)), Style())

    assert "nova-decom remove node9" in plain(stream)
    assert max(map(len, plain(stream).splitlines())) <= columns


def test_a_long_remedy_with_a_command_has_no_line_break(monkeypatch):
    """It is copied as one line; other texts are wrapped."""
    out = at_terminal(monkeypatch, 60)
    remedy = f"openstack server delete {' '.join('abcdefgh' * 9)}"

    entry(out, ("    → ",), remedy)
    assert f"    → {remedy}" in plain(out.file).splitlines()

    entry(out, ("    → ",), f"prose of {remedy[24:]}")
    assert remedy[24:] not in plain(out.file).replace(remedy, "")


def test_a_failed_drain_names_each_server_once(capsys):
    """With its error below its change; the last line counts."""
    change = Change("move-servers", "move", "s1", "live-migrate 'web' (s1)")
    why = "timed out after 3 s; live-migration 7 goes on: openstack server migration abort s1 7"
    outcomes = (Outcome(change, Status.FAILED, error=why, begun=True),)
    error = f"node1: 1 server could not be moved: s1: {why}"
    host = HostReport("node1", Result.FAILED, (), outcomes, error=error, remedy="again")

    out, err = shown(capsys, Report("drain", 1, (host,)))

    assert f"→ {why}" in lines(out)
    assert lines(err) == ["error: node1: 1 server could not be moved", "→ again"]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("csv", '"servers","host"\n"2 ACTIVE, 1 ERROR","node1"\n"-","node2"\n'),
        ("value", "2 ACTIVE, 1 ERROR node1\n- node2\n"),
    ],
)
def test_the_list_for_scripts(capsys, style, expected):
    """The columns asked for, in that order, as OpenStack's own command line writes them."""
    report = ListReport("list", 0, rows=tuple(HostRow(**r) for r in ROWS))

    assert shown(capsys, report, format=style, column=("servers", "host"))[0] == expected


def test_a_script_gets_every_column(capsys):
    """Under the names that JSON has."""
    out, _ = shown(
        capsys, ListReport("list", 0, rows=tuple(HostRow(**r) for r in ROWS)), format="csv"
    )

    assert out.splitlines()[0] == ",".join(f'"{name}"' for name in ROW)
    assert '"a, b"' in out


def test_an_unknown_column_is_refused_with_those_there_are():
    """It is an error of the command line."""
    with pytest.raises(ConfigurationError, match="no column 'hots'") as raised:
        show(
            ListReport("list", 0, rows=tuple(HostRow(**r) for r in ROWS)),
            Style.of({"column": ("hots",)}),
        )

    assert raised.value.remedy == f"one of: {', '.join(ROW)}"


def test_the_columns_of_an_empty_list_are_known(capsys):
    """CSV has its header, and a column that is none is refused, whatever was found."""
    report = AuditReport("audit", 0)

    assert shown(capsys, report, format="csv")[0] == '"host","kind","target","detail","remedy"\n'
    with pytest.raises(ConfigurationError, match="no column 'hots'"):
        show(report, Style.of({"column": ("hots",)}))


def test_an_empty_list_is_empty(capsys):
    """No host, no line."""
    report = ListReport("list", 0)

    assert shown(capsys, report, format="value")[0] == ""
    assert shown(capsys, report)[0] == ""


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (
            AuditReport("audit", 0),
            "no leftovers found\n",
        ),
        (RunsReport("runs", 0, state_dir="/state"), "no runs yet in /state\n"),
        (ListReport("list", 0), "no compute hosts\n"),
    ],
    ids=lambda value: getattr(value, "command", None),
)
def test_an_empty_list_says_so_to_who_looks(monkeypatch, report, told):
    """At a terminal, in a table, and not when it is to be quiet."""

    def seen(stream, **given):
        monkeypatch.setattr("sys.stdout", stream)
        show(report, Style.of({"state_dir": "/state"} | given))
        return stream.getvalue()

    assert seen(Terminal()) == told
    assert seen(Terminal(), quiet=True) == ""
    assert seen(Terminal(), format="value") == ""
    assert seen(io.StringIO()) == ""


def test_checks_show_what_failed_and_its_cure(capsys):
    """One line each."""
    checks = [
        {"name": "compute", "ok": True, "detail": "fine", "remedy": None},
        {"name": "database", "ok": False, "detail": None, "remedy": "mend it"},
    ]

    out, _ = shown(
        capsys, DoctorReport("doctor", 69, checks=tuple(DoctorCheck(**c) for c in checks))
    )

    assert lines(out) == ["ok      compute: fine", "FAILED  database", "→ mend it"]


def test_the_grants_that_are_missing_are_printed_once_as_sql(capsys):
    """Below the checks, without an arrow and unbroken: a DBA pastes them."""
    grants = tuple(f"GRANT SELECT, DELETE ON nova.{n * 'x'} TO 'o''hara'@'%';" for n in (1, 90))
    checks = tuple(DoctorCheck(g, ok=False, detail="not granted", remedy=g) for g in grants)

    out, _ = shown(capsys, DoctorReport("doctor", 69, checks=checks, grants=grants))

    assert out.split("SQL for a DBA:\n")[1].splitlines() == [*grants]
    assert "→" not in out


def test_the_reference_has_every_step_and_guard(capsys):
    """With its sentence, and what may not be undone or skipped."""
    out, _ = shown(capsys, reference())

    assert all(step.name in out for step in PROCEDURE)
    assert "delete-service" in out
    assert "(not reversible)" in out
    assert "(cannot be skipped)" in out


@pytest.mark.parametrize(("color", "coloured"), [("always", True), ("never", False)])
def test_colour_is_as_told(capsys, color, coloured):
    """Always and never mean it."""
    show(Report("plan", 0, (planned(make_plan(facts())),)), Style.of({"color": color}))

    assert ("\x1b[" in capsys.readouterr().out) is coloured


def test_off_a_terminal_nothing_is_wrapped(capsys):
    """A long statement stays one line, to be searched and copied."""
    out, _ = shown(capsys, Report("plan", 0, (planned(make_plan(facts(build.HOST))),)))

    assert max(len(line) for line in out.splitlines()) > 120


@pytest.mark.parametrize("columns", [60, 80, 99, 100, 200])
def test_a_terminal_breaks_no_word_that_fits(monkeypatch, columns):
    """A uuid in two pieces cannot be copied; with little room a change stands below its step."""
    plan = make_plan(facts())
    report = Report("plan", 0, (planned(plan),))
    out = at_terminal(monkeypatch, columns)

    text.print_report(out, report, verbose=False)

    shown = plain(out.file)
    statements = plan.changes[-1].transaction.statements
    told = [c.detail for c in plan.changes[:-1]] + [s.text for s in statements]
    assert {word for each in told for word in each.split()} <= {
        word.rstrip(";") for word in shown.split()
    }
    assert max(map(len, shown.splitlines())) <= columns
    assert ("disable-service     PUT /os-services/" in shown) is (columns >= 100)
    assert ("disable-service\n        PUT" in shown) is (columns < 100)


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (31, "label     XXXXX"),
        (33, "label\n        XXXXX"),
        (41, "label\nXXXXX"),
        (42, "label     XXXXX"),
    ],
    ids=["fits", "fits below", "fits at the edge", "fits nowhere"],
)
def test_a_long_word_goes_below_its_label_if_that_helps(monkeypatch, length, shown):
    """Else it is broken where it stands."""
    out = at_terminal(monkeypatch, 41)

    entry(out, ("label     ",), "X" * length)

    assert plain(out.file).startswith(shown)


@pytest.mark.parametrize(
    ("stream", "quiet", "kind"),
    [
        (io.StringIO(), False, progress.Lines),
        (io.StringIO(), True, NullProgress),
        (Terminal(), True, NullProgress),
        (Terminal(), False, progress.Screen),
    ],
)
def test_progress_fits_where_it_goes(monkeypatch, stream, quiet, kind):
    """Lines in a pipe, a live line on a terminal, nothing when that is wanted."""
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress(console(stream, "auto"), quiet=quiet) as shown_by:
        assert isinstance(getattr(shown_by, "_shown", shown_by), kind)


def test_the_live_line_shows_what_is_in_hand_and_for_how_long(monkeypatch):
    """What ended stays above it, with a mark; between two changes there is nothing to show."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    terminal = console(stream, "auto")
    change = make_plan(facts()).changes[0]
    with progress.progress(terminal, quiet=False) as guarded:
        screen = guarded._shown
        assert screen.render().row_count == 0
        screen.change("node1", change, "started")
        terminal.print(screen.render())
        screen.change("node1", change, "done")
        screen.waiting("node1", "nothing may come back", 60.0)
        terminal.print(screen.render())
        screen.change("node1", change, "never heard of")

    seen = plain(stream)
    assert "node1  disable-service disable  0 s\n" in seen
    assert "✓ node1  disable-service disable  0.0 s\n" in seen
    assert "node1  waiting  0 s  (up to 60 s: nothing may come back)\n" in seen
    assert "? node1  disable-service disable" in seen


def test_a_wait_before_a_change_begins_is_shown_as_that_wait(monkeypatch):
    """A claim that waits for nova-compute verifies nothing; each such wait has its own seconds."""
    monkeypatch.setenv("TERM", "xterm")
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = Terminal()
    terminal = console(stream, "auto")
    screen = progress.Screen(progress.Live(console=terminal, auto_refresh=False))
    for what in ("nova-compute answers", "nothing may come back"):
        screen.waiting("node1", what, 75.0)
        now[0] += 40
        terminal.print(screen.render())
    screen.change("node1", make_plan(facts()).changes[0], "started")
    terminal.print(screen.render())

    assert [line[2:] for line in plain(stream).splitlines()] == [
        "node1  waiting  40 s  (up to 75 s: nova-compute answers)",
        "node1  waiting  40 s  (up to 75 s: nothing may come back)",
        "node1  disable-service disable  0 s",
    ]


def test_several_hosts_end_with_a_table_of_their_results(capsys):
    """A rack at a glance; one host needs none."""
    plan = make_plan(facts())
    gone = HostReport("node1", Result.REMOVED, outcomes=planned(plan).outcomes)
    stuck = HostReport("node2", Result.REFUSED, error="servers-present: 1 server")

    out, _ = shown(capsys, Report("remove", 6, (gone, stuck)))

    *_, head, first, second, counts = out.rstrip().splitlines()
    assert counts == "1 removed, 1 refused"
    assert head.split() == ["host", "result", "changes", "left", "over", "why"]
    assert first.split() == ["node1", "removed", "5", "planned", "0"]
    assert second.split() == ["node2", "refused", "-", "0", "servers-present:", "1", "server"]
    assert "left over" not in shown(capsys, Report("remove", 0, (gone,)))[0]


@pytest.mark.parametrize(
    ("result", "error", "line"),
    [
        (Result.INTERRUPTED, "interrupted by SIGINT", "node1: interrupted by SIGINT"),
        (Result.FAILED, "HTTP 500", "node1: failed: HTTP 500"),
    ],
)
def test_the_error_of_a_host_says_its_result_once(capsys, result, error, line):
    """An error may begin with the result."""
    host = HostReport("node1", result, error=error)

    show(Report("remove", 1, (host,)), Style())

    assert capsys.readouterr().err == f"error: {line}\n"
