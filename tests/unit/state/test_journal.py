# SPDX-License-Identifier: Apache-2.0
"""The journal: one file per run, on the disk before the next thing happens."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from nova_decom.errors import ConfigurationError, JournalError
from nova_decom.model.host import HostIdentity
from nova_decom.model.plan import Verdict
from nova_decom.model.sql import Image, Statement, Transaction
from nova_decom.state.directory import open_state_dir
from nova_decom.state.journal import RunJournal, new_run_id, request_id
from nova_decom.state.journal_reader import read_record, saved_objects
from nova_decom.state.known_hosts import HostMemory
from tests.unit import build

RUN = "20261123T041500Z-7f3a"
FULL = "/dev/full"


@pytest.fixture
def state(tmp_path):
    """A state directory that does not exist yet."""
    return tmp_path / "var" / "state"


def mode(path):
    """Who may do what."""
    return stat.S_IMODE(path.stat().st_mode)


def events(path):
    """The lines of a journal."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_run_ids_sort_by_time():
    """Time in UTC, and something by chance for two runs of one second."""
    run = new_run_id(datetime(2026, 11, 23, 4, 15, tzinfo=UTC))

    assert re.fullmatch(r"20261123T041500Z-[0-9a-f]{4}", run)
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", new_run_id())


def test_the_request_id_can_be_computed_from_the_run_id():
    """Nova takes only req-UUID, and whoever reads its log finds the run by it."""
    assert request_id(RUN) == request_id(RUN) != request_id("another")
    assert re.fullmatch(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id(RUN))


def test_events_are_lines_of_json_in_a_file_of_the_owners(state):
    """0600 in 0700; each line says when, which run, what."""
    with RunJournal(state, RUN) as journal:
        journal.event("header", host="node1", by="ops@jump")
        journal.event("result", exit_code=0)

    header, result = events(journal.path)
    assert header | {"at": ""} == {
        "v": 1,
        "at": "",
        "run": RUN,
        "event": "header",
        "host": "node1",
        "by": "ops@jump",
    }
    assert result["exit_code"] == 0
    assert datetime.fromisoformat(header["at"]).utcoffset().total_seconds() == 0
    assert (mode(journal.path), mode(journal.path.parent), mode(state)) == (0o600, 0o700, 0o700)


def test_an_event_is_in_the_file_before_the_journal_is_closed(state):
    """Nothing waits in a buffer when the process dies."""
    with RunJournal(state, RUN) as journal:
        journal.event("started")

        assert [e["event"] for e in events(journal.path)] == ["started"]


def test_an_event_is_forced_to_the_disk(state, monkeypatch):
    """A machine that loses its power right after has it all the same."""
    forced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (forced.append(handle), fsync(handle)))

    with RunJournal(state, RUN) as journal:
        forced.clear()
        journal.event("started")
        journal.event("done")

        assert forced == [journal._file] * 2


def test_a_run_has_one_journal(state):
    """A file that exists is somebody else's story."""
    with RunJournal(state, RUN), pytest.raises(JournalError, match="File exists"):
        RunJournal(state, RUN)


def test_whatever_a_row_holds_can_be_kept(state):
    """Dates, numbers, bytes, sets and hostile text come back as JSON, one line each."""
    row = {
        "deleted_at": datetime(2026, 11, 23, 4, 15, tzinfo=UTC),
        "cpu_ratio": Decimal("16.0"),
        "blob": b"\xff\0",
        "names": frozenset({"b", "a"}),
        "set": {2, 1},
        "tuple": (1, 2),
        "verdict": Verdict.OK,
        "text": "line\nfeed \x1b[31m \udcff",
    }

    with RunJournal(state, RUN) as journal:
        journal.event("before-image", rows=[row])

    assert journal.path.read_bytes().count(b"\n") == 1
    assert events(journal.path)[0]["rows"] == [
        {
            "deleted_at": "2026-11-23 04:15:00+00:00",
            "cpu_ratio": "16.0",
            "blob": {"base64": "/wA="},
            "names": ["a", "b"],
            "set": [1, 2],
            "tuple": [1, 2],
            "verdict": "ok",
            "text": "line\nfeed \x1b[31m \udcff",
        }
    ]


@pytest.mark.skipif(not os.path.exists(FULL), reason="no full device here")  # noqa: PTH110
def test_a_full_disk_is_a_failure_with_a_cure_and_no_bug(state):
    """Nothing may be changed that cannot be written down, and the operator can make room."""
    with RunJournal(state, RUN) as journal:
        full = os.open(FULL, os.O_WRONLY)
        os.dup2(full, journal._file)
        os.close(full)

        with pytest.raises(JournalError, match="No space left") as raised:
            journal.event("started")

    assert raised.value.remedy == "make room for it, then run again"


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("runs", lambda state: RunJournal(state, RUN)),
        ("hosts", lambda state: HostMemory(state).keep("node1", KNOWN)),
    ],
)
def test_what_cannot_be_kept_is_a_failure_with_a_cure_and_no_bug(state, name, act):
    """A file stands where the directory should be: nothing is changed without it."""
    (open_state_dir(state) / name).touch()

    with pytest.raises(JournalError, match="nothing is changed without it") as raised:
        act(state)

    assert raised.value.remedy


def test_a_state_directory_is_made_for_its_owner_only(state):
    """With its parents."""
    assert open_state_dir(state) == state
    assert mode(state) == 0o700


def test_a_state_directory_that_others_may_write_is_refused(tmp_path):
    """Somebody else could put a journal there."""
    tmp_path.chmod(0o770)

    with pytest.raises(ConfigurationError, match="can be written by others") as raised:
        open_state_dir(tmp_path)

    assert f"chmod 0700 {tmp_path}" in raised.value.remedy


def test_a_state_directory_that_cannot_be_made_is_refused(tmp_path):
    """A file stands in the way."""
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="Not a directory") as raised:
        open_state_dir(tmp_path / "file" / "state")

    assert raised.value.remedy == "give --state-dir"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_state_directory_of_somebody_else_is_refused(tmp_path):
    """Its owner could change what is kept there."""
    os.chown(tmp_path, 12345, -1)

    with pytest.raises(ConfigurationError, match="belongs to uid 12345, not to you"):
        open_state_dir(tmp_path)


KNOWN = HostIdentity(frozenset({"uuid-1"}), frozenset({"node1", "node1.example.org"}))


def test_a_host_is_remembered_beyond_its_rows(state):
    """Its names and uuids, in a file of the owner's."""
    memory = HostMemory(open_state_dir(state))

    memory.keep("node1", KNOWN)

    assert memory.recall("node1") == KNOWN
    (path,) = (state / "hosts").iterdir()
    assert mode(path) == 0o600


@pytest.mark.parametrize("host", ["../../etc/passwd", "", "a" * 300, "\udcff", "x\0y", "NODE1"])
def test_any_name_can_be_remembered_and_is_told_from_every_other(state, host):
    """A name is never a path."""
    memory = HostMemory(open_state_dir(state))
    memory.keep("node1", KNOWN)

    assert memory.recall(host) is None
    memory.keep(host, HostIdentity())
    assert memory.recall(host) == HostIdentity()
    assert {p.parent for p in state.rglob("*.json")} == {state / "hosts"}


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"host": "node2"}', '{"host": "node1"}', "\xff"]
)
def test_a_damaged_memory_is_no_memory(state, damage):
    """It is a help, never a reason to fail."""
    memory = HostMemory(open_state_dir(state))
    memory.keep("node1", KNOWN)
    (path,) = (state / "hosts").iterdir()
    path.write_text(damage, "latin-1")

    assert memory.recall("node1") is None


def test_remembering_adds_to_what_was_known(state):
    """A second run sees less of the host and must not forget the rest."""
    with RunJournal(state, RUN) as journal:
        journal.remember(build.facts(identity=KNOWN))
        journal.remember(build.facts(identity=HostIdentity(frozenset({"uuid-2"}))))

    assert HostMemory(state).recall("node1") == HostIdentity(
        frozenset({"uuid-1", "uuid-2"}), KNOWN.names
    )


def test_all_hosts_of_earlier_runs_are_known(state):
    """Whatever they are called; a file that is damaged or foreign is passed over."""
    memory = HostMemory(open_state_dir(state))
    assert memory.hosts() == frozenset()
    names = {"node1", "NODE1", "../../etc/passwd", "\udcff"}
    for host in names:
        memory.keep(host, KNOWN)
    for number, damage in enumerate(["", "{", "[]", "null", "{}", "\xff"]):
        (state / "hosts" / f"{number}.json").write_text(damage, "latin-1")
    (state / "hosts" / "directory.json").mkdir()
    (state / "hosts" / "half-written.new").write_text('{"host": "never"}', "utf-8")

    assert memory.hosts() == names


ROW = {"id": 3, "host": "node1", "deleted": 3, "x": 0.1, "raw": b"\xff", "n": None}
SELECT = Statement("SELECT * FROM services WHERE id IN (%s) FOR UPDATE", (3,), 1)
DELETE = Statement("DELETE FROM services WHERE id IN (%s) AND host = %s", (3, "node1"), 1)


def saved(host="node1", cell="cell1", schema="nova", row=ROW):
    """An image of one row that a transaction deletes."""
    transaction = Transaction(cell, host, (SELECT, DELETE))
    return Image("nova at db:3306", "services", (row,), schema, transaction)


def test_rows_are_saved_as_plain_sql_too(state):
    """One block for each transaction, with what to check first, in a file of the owner's."""
    with RunJournal(state, RUN) as journal:
        journal.save([saved()])
        journal.save([saved(row=ROW | {"id": 4})])
        journal.save([Image("placement", "/x", ({"uuid": "x"},))])

    path = journal.path.with_suffix(".sql")
    text = path.read_text()
    assert mode(path) == 0o600
    assert text.count("USE `nova`;\n") == 2
    assert text.count("SET NAMES utf8mb4;") == 1
    assert text.count("START TRANSACTION;") == text.count("COMMIT;") == 2
    assert (
        "START TRANSACTION;\n"
        "INSERT INTO services (`id`, `host`, `deleted`, `x`, `raw`, `n`) "
        "VALUES (3, 'node1', 3, 0.1e0, UNHEX('ff'), NULL);\nCOMMIT;\n"
    ) in text
    # A row that is changed and not deleted is changed back.
    assert "UPDATE services SET `host` = 'node1'" in text
    assert "--   UPDATE services SET `deleted` = 0" in text


def test_rows_are_on_the_disk_before_they_go(state, monkeypatch):
    """As everything else that is kept."""
    forced, fsync = [], os.fsync
    with RunJournal(state, RUN) as journal:
        monkeypatch.setattr(
            os, "fsync", lambda h: (forced.append(Path(f"/proc/self/fd/{h}").readlink()), fsync(h))
        )
        journal.save([saved()])

    sql = journal.path.with_suffix(".sql")
    assert forced == [journal.path, journal.path.parent, sql]


@pytest.mark.parametrize("hostile", ["a\nDROP TABLE services;", "\u2028", "`; DROP", "\x1b[31m"])
def test_no_name_leaves_its_comment_or_its_quotes(state, hostile):
    """Whatever a host, a cell or a schema is called, lines are comments or our statements."""
    with RunJournal(state, RUN) as journal:
        journal.save([saved(hostile, hostile, hostile)])

    lines = journal.path.with_suffix(".sql").read_text().split("\n")
    ours = ("--", "SET ", "USE `", "START ", "INSERT INTO services (", "COMMIT;")
    assert [x for x in lines if x and not x.startswith(ours)] in ([], ["DROP TABLE services;`;"])


def test_the_sql_of_the_registration_tells_its_own_checks(state):
    """Mappings and memberships have no soft-deleted rows."""
    delete = Statement("DELETE FROM host_mappings WHERE id IN (%s) AND host = %s", (7, "a"), 1)
    row = {"id": 7, "host": "a", "cell_id": 2}
    image = Image("x", "host_mappings", (row,), "nova_api", Transaction("API", "a", (delete,)))

    with RunJournal(state, RUN) as journal:
        journal.save([image])

    text = journal.path.with_suffix(".sql").read_text()
    assert "--   SELECT * FROM host_mappings WHERE host = 'a';" in text
    assert "soft-deleted" not in text


def test_sql_that_cannot_be_written_stops_the_change(state):
    """A directory stands where the file should be."""
    with RunJournal(state, RUN) as journal:
        journal.path.with_suffix(".sql").mkdir()

        with pytest.raises(JournalError, match="nothing is changed without it"):
            journal.save([saved()])


def test_an_image_of_an_api_object_names_the_host_of_its_thread(state):
    """Two hosts are worked on side by side; neither gets the other's images."""
    first, second = threading.Barrier(2, timeout=10), threading.Barrier(2, timeout=10)

    def work(host):
        journal.event("started", host=host)
        first.wait()
        journal.save([Image("placement", f"/resource_providers/of-{host}", ({},))])
        second.wait()

    with RunJournal(state, RUN) as journal, ThreadPoolExecutor() as pool:
        list(pool.map(work, ["node1", "node2"]))

    record = read_record(journal.path)
    for host in ("node1", "node2"):
        assert saved_objects(record, host) == (("placement", f"/resource_providers/of-{host}"),)
