# SPDX-License-Identifier: Apache-2.0
"""Journals read back, whatever state they are in."""

from __future__ import annotations

import json
import os
from datetime import datetime

import pytest

from nova_decom.errors import RefusedError
from nova_decom.model.change import Status
from nova_decom.model.report import Result
from nova_decom.model.sql import Image, Statement, Transaction
from nova_decom.state.host_lock import host_lock
from nova_decom.state.journal import RunJournal
from nova_decom.state.journal_reader import (
    Record,
    find_record,
    read_record,
    read_records,
    saved,
    saved_objects,
    saved_rows,
)
from nova_decom.state.run_summary import has_ended, reports, summary_of

RUN, LATER = "20261123T041500Z-7f3a", "20261123T041501Z-0000"
CHANGE = {"step": "purge-rows", "action": "delete", "target": "cell1: services 3", "rows": 1}
ROW = {
    "id": 3,
    "host": "node1",
    "deleted_at": datetime(2026, 11, 23, 4, 15),  # noqa: DTZ001 - as MySQL's DATETIME is
    "ratio": 0.10000000149011612,
    "blob": b"\xff\0",
    "nothing": None,
}
READ = Statement("SELECT * FROM services WHERE id IN (%s) FOR UPDATE", (3,), 1)
TRANSACTION = Transaction("cell1", "node1", (READ,))


def image(table="services", *rows):
    """Rows of node1 about to go."""
    return Image("db:3306/nova", table, rows or (ROW,), "nova", TRANSACTION)


def begin(journal, *hosts, **what):
    """The header of a run."""
    known = {"command": "remove", "hosts": list(hosts), "by": "ops@jump", "reason": "old"}
    journal.event("header", **known | what)


def end(journal, host, result="removed", code=0, **what):
    """The end of one host."""
    journal.event("result", host=host, result=result, exit_code=code, **what)


@pytest.fixture
def journal(tmp_path):
    """The journal of a run on node1 that has begun."""
    with RunJournal(tmp_path, RUN) as journal:
        begin(journal, "node1")
        yield journal


def told(journal):
    """What the list of runs says of it."""
    return summary_of(read_record(journal.path), journal.state_dir)


def test_a_run_in_one_row(journal):
    """When, what, by whom, which hosts, what came of it, why."""
    end(journal, "node1")

    row = told(journal)

    assert datetime.fromisoformat(row.pop("at"))
    assert row == {
        "run": RUN,
        "command": "remove",
        "by": "ops@jump",
        "hosts": ["node1"],
        "result": "removed",
        "exit_code": 0,
        "reason": "old",
        "problem": None,
        "cloud": None,
    }


def test_a_run_that_was_killed_is_unfinished(journal):
    """Its host has no end, and nobody holds it."""
    assert (told(journal)["result"], told(journal)["exit_code"]) == ("unfinished", None)


def test_a_run_that_goes_on_is_running(journal):
    """It holds its host; one that holds it after a kill is another run."""
    with host_lock(journal.state_dir, "node1", RUN):
        assert told(journal)["result"] == "running"
    with host_lock(journal.state_dir, "node1", LATER):
        assert told(journal)["result"] == "unfinished"


@pytest.mark.parametrize(
    ("ends", "result", "code"),
    [
        ([("node1", "removed", 0)], "removed, unfinished", None),
        ([("node1", "failed", 1)], "failed", 1),
        ([("node1", "failed", 5)], "failed", 6),
        ([("node1", "interrupted", 130)], "interrupted", 130),
        ([("node1", "removed", 0), ("node2", "interrupted", 143)], "removed, interrupted", 143),
        ([("node1", "removed", 0), ("node2", "removed", 0)], "removed", 0),
        ([("node1", "removed", 0), ("node2", "refused", 4)], "removed, refused", 6),
    ],
    ids=[
        "killed at the second",
        "stopped at the first",
        "stopped by a timeout at the first",
        "Ctrl-C at the first",
        "SIGTERM at the second",
        "both",
        "one of two",
    ],
)
def test_a_run_of_several_hosts(tmp_path, ends, result, code):
    """Its exit code is the common one, else 6, as the run itself said."""
    with RunJournal(tmp_path, RUN) as journal:
        begin(journal, "node1", "node2")
        for host, how, number in ends:
            end(journal, host, how, number)

        assert (told(journal)["result"], told(journal)["exit_code"]) == (result, code)


def test_the_exit_code_of_the_process_is_the_one_in_the_journal(journal):
    """The process counts hosts on which nothing was to be done, and they are in no header."""
    end(journal, "node1")
    journal.event("exit", exit_code=6)

    assert (told(journal)["result"], told(journal)["exit_code"]) == ("removed", 6)


def test_a_run_that_wrote_nothing(tmp_path):
    """Killed before its header."""
    with RunJournal(tmp_path, RUN) as journal:
        assert told(journal) == dict.fromkeys(told(journal)) | {
            "run": RUN,
            "hosts": [],
            "result": "unfinished",
        }


def test_the_oldest_run_comes_first_and_other_files_are_no_runs(tmp_path):
    """The newest stands where the prompt is."""
    assert read_records(tmp_path) == ()
    for run in (LATER, RUN):
        with RunJournal(tmp_path, run) as journal:
            begin(journal, "node1")
    for name in (f"{RUN}.sql", "notes.jsonl", "..jsonl"):
        (tmp_path / "runs" / name).write_text("?")

    assert [r.run for r in read_records(tmp_path)] == [RUN, LATER]


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_line_that_was_cut_off_is_passed_over(journal, cut):
    """The run died while it wrote it: nothing was done that it would have told."""
    end(journal, "node1")
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-cut])

    record = read_record(journal.path)

    assert (len(record.events), record.problem) == (1, None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 2 cannot be read"),
        ("[" * 100_000, "line 2 cannot be read"),
        ("[]", "line 2 cannot be read"),
        ("\udcff", "line 2 cannot be read"),
        ('{"v": 2, "event": "before-image"}', "line 2 is of another version of the journal: 2"),
        ("{}", "line 2 is of another version of the journal: None"),
    ],
    ids=["broken", "deep", "list", "bytes", "newer", "no version"],
)
def test_an_odd_line_is_a_problem_and_the_rest_is_told(journal, line, problem):
    """Who reads it must know that something is missing."""
    with journal.path.open("ab") as file:
        file.write(line.encode("utf-8", "surrogateescape") + b"\n")
    end(journal, "node1")

    record = read_record(journal.path)

    assert record.problem == problem
    assert [e["event"] for e in record.events] == ["header", "result"]


def test_a_file_that_others_may_write_is_a_problem(journal):
    """What stands there may be anybody's."""
    journal.path.chmod(0o620)

    assert told(journal)["problem"] == "can be written by others"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_a_problem(journal):
    """It is shown, and nothing is put back from it."""
    os.chown(journal.path, 12345, -1)

    assert told(journal)["problem"] == "belongs to uid 12345, not to you"
    assert told(journal)["by"] == "ops@jump"


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "cannot be read: "),
        (os.mkfifo, "is no file"),
        (lambda path: path.mkdir(), "is no file"),
    ],
    ids=["link", "fifo", "directory"],
)
def test_what_is_no_file_is_a_problem(tmp_path, make, problem):
    """And it is not waited for."""
    (tmp_path / "runs").mkdir()
    path = tmp_path / "runs" / f"{RUN}.jsonl"
    make(path)

    record = find_record(tmp_path, RUN)

    assert record.problem.startswith(problem)
    assert reports(record) == ()


@pytest.mark.parametrize("run", [RUN, RUN[:8], RUN[:-1], "last"])
def test_a_run_is_found_by_the_begin_of_its_id_and_as_the_last(journal, run):
    """A shorter word to type, as for commits."""
    assert find_record(journal.state_dir, run).run == RUN


def test_the_begin_of_two_ids_is_refused_and_the_last_is_the_newest(journal):
    """No run is chosen by chance."""
    with RunJournal(journal.state_dir, LATER):
        pass

    assert find_record(journal.state_dir, "last").run == LATER
    with pytest.raises(RefusedError, match=f"2 runs begin with '2026': {RUN}, {LATER}"):
        find_record(journal.state_dir, "2026")


@pytest.mark.parametrize("run", ["", "..", "../runs/x", LATER, f"{RUN}\n", "node1", "\0"])
def test_a_run_that_is_not_there_is_refused(journal, run):
    """A name is never a path."""
    with pytest.raises(RefusedError, match="no run") as raised:
        find_record(journal.state_dir, run)

    assert raised.value.remedy == "nova-decom runs lists them"


def test_a_run_is_reported_as_it_reported_itself(journal):
    """Each change with its last status, request id and error."""
    journal.event("started", host="node1", **CHANGE, detail="x")
    journal.event("failed", host="node1", **CHANGE, detail="x", request_id="req-1", error="no")
    journal.event("started", host="node1", **CHANGE | {"action": "other"}, detail="y")
    end(journal, "node1", "failed", 1, error="no")

    (report,) = reports(read_record(journal.path))

    assert (report.result, report.error) == (Result.FAILED, "no")
    assert [(o.change.action, o.status, o.error, o.request_id) for o in report.outcomes] == [
        ("delete", Status.FAILED, "no", "req-1"),
        ("other", Status.PENDING, None, None),
    ]
    assert report.outcomes[0].change.rows == 1


@pytest.mark.parametrize("result", [None, "vanished"])
def test_a_host_without_a_known_end_was_interrupted(journal, result):
    """Killed, or of a program that knows more results."""
    if result:
        end(journal, "node1", result)

    (report,) = reports(read_record(journal.path))

    assert report.result is Result.INTERRUPTED
    assert report.error == (None if result else "the journal of this host has no end")


def test_rows_come_back_as_they_were(journal):
    """Numbers, bytes and NULL as they are, dates as the text that MySQL takes; the last counts."""
    journal.save([image()])
    journal.save(
        [
            image("compute_nodes", {"id": 8, "host": "node1"}),
            image("services", ROW | {"ratio": 0.5}),
        ]
    )

    rows = saved_rows(read_record(journal.path), "node1")

    assert [(r.cell, r.table, r.id) for r in rows] == [
        ("cell1", "services", 3),
        ("cell1", "compute_nodes", 8),
    ]
    assert rows[0].values == ROW | {"deleted_at": "2026-11-23 04:15:00", "ratio": 0.5}
    assert saved_rows(read_record(journal.path), "node2") == ()


def test_every_float_comes_back_bit_by_bit(journal):
    """A row that came back rounded would be another row."""
    floats = [0.1, 1 / 3, 16.700000762939453, 5e-324, 1.7976931348623157e308, -0.0]
    journal.save(
        [
            image(
                "compute_nodes",
                *({"id": n, "host": "node1", "x": x} for n, x in enumerate(floats)),
            )
        ]
    )

    rows = saved_rows(read_record(journal.path), "node1")

    assert [r.values["x"].hex() for r in rows] == [x.hex() for x in floats]


def test_objects_of_apis_belong_to_the_host_in_hand(tmp_path):
    """Their images name no host; hosts are done one after the other."""
    path = "/resource_providers/uuid"
    with RunJournal(tmp_path, RUN) as journal:
        begin(journal, "node1", "node2")
        journal.event("started", host="node2", **CHANGE, detail="x")
        journal.save([Image("placement", path, ({"uuid": "uuid"},))])
        journal.save([image()])

    record = read_record(journal.path)

    assert saved_objects(record, "node2") == (("placement", path),)
    assert saved(record) == [
        {"host": "node1", "source": "cell1", "table": "services", "ids": [3]},
        {"host": "node2", "source": "placement", "table": path, "ids": []},
    ]


def test_a_header_that_names_no_list_of_hosts_names_none():
    """A journal is data; nothing in it makes the program fail."""
    assert Record(RUN, ({"event": "header", "hosts": "node1"},)).hosts == ()


def test_the_journal_is_json_lines(journal):
    """Anybody can read it without this program."""
    journal.save([image()])

    assert all(json.loads(line)["run"] == RUN for line in journal.path.read_text().splitlines())


def test_a_run_of_this_machine_has_ended_when_it_holds_its_host_no_more(journal):
    """However it ended; of a run of another machine nothing is known here."""
    place = journal.state_dir
    assert has_ended(place, RUN, "node1")
    with host_lock(place, "node1", RUN):
        assert not has_ended(place, RUN, "node1")
        assert has_ended(place, RUN, "node2")
    assert not has_ended(place, LATER, "node1")
    assert not has_ended(place, "../runs/x", "node1")
