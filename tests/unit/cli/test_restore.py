# SPDX-License-Identifier: Apache-2.0
"""``restore``: the same rules as ``remove`` for whoever types it, and for cron."""

from __future__ import annotations

import json

import pytest

from nova_decom.cli import restore as command
from nova_decom.cli.main import run
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.state.host_lock import host_lock
from nova_decom.state.journal import RunJournal
from tests.envelope import validate
from tests.unit.removed import (
    RUN,
    SERVICE_ROW,
    FakeRestoringCloud,
    build,
    present,
    record,
    rows_of,
)


@pytest.fixture
def state(clean_environment):
    """The state directory of a run that removed node1."""
    return keep(clean_environment / "state", record())


def keep(state, found):
    """Write a record as the journal that it is of."""
    with RunJournal(state, RUN) as journal:
        for event in found.events:
            told = {k: v for k, v in event.items() if k != "event"}
            journal.event(event["event"], **told)
    return state


@pytest.fixture
def cloud(monkeypatch):
    """A cloud in memory in place of the real one; unable to write until it is changed."""
    found = FakeRestoringCloud()

    class Context(command.Context):
        def reading(self):
            """Nothing is connected."""

        def changing(self, _journal, _clock):
            """Nor here."""

    monkeypatch.setattr(command, "Context", Context)
    monkeypatch.setattr(command, "LiveRestoringCloud", lambda _cloud, _identity: found)
    return found


def restore(capsys, *arguments):
    """Exit code and document, valid by the schema."""
    code = run(["restore", *arguments, "-f", "json"])
    document = json.loads(capsys.readouterr().out)
    validate(document)
    assert document["exit_code"] == code
    return code, document


@pytest.mark.usefixtures("state")
def test_a_run_is_restored_once(capsys, cloud):
    """Confirmed by --yes; the second time there is nothing to do."""
    code, document = restore(capsys, RUN, "--yes")

    assert (code, document["changed"], document["hosts"][0]["result"]) == (0, True, "restored")
    assert len(cloud.writes) == 3
    code, document = restore(capsys, RUN, "--yes")
    assert (code, document["changed"], document["hosts"][0]["result"]) == (0, False, "unchanged")
    assert len(cloud.writes) == 3


@pytest.mark.usefixtures("state")
def test_a_restore_is_a_run_of_its_own(capsys, cloud):
    """It is listed with what it did, and cannot itself be restored."""
    _, document = restore(capsys, RUN, "--yes")

    run(["runs", document["run"], "-f", "json"])
    told = json.loads(capsys.readouterr().out)
    assert told["runs"][0]["reason"] == f"restore of run {RUN}"
    assert [c["status"] for c in told["hosts"][0]["changes"]] == ["done"] * 3
    cloud.writes.clear()
    assert restore(capsys, document["run"], "--yes")[0] == 4
    assert cloud.writes == []


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(("more", "code"), [([], 0), (["--detailed-exitcode"], 3)])
def test_a_dry_run_shows_and_writes_nothing(capsys, cloud, more, code):
    """Every statement as it would run."""
    found, document = restore(capsys, RUN, "--dry-run", *more)

    assert found == code
    (host,) = document["hosts"]
    assert host["result"] == "planned"
    assert "INSERT INTO services" in host["changes"][1]["detail"]
    assert cloud.writes == []
    assert run(["restore", RUN, "--dry-run"]) == 0
    assert "Still to do by hand" in capsys.readouterr().out


@pytest.mark.usefixtures("state")
def test_without_a_terminal_nothing_waits(capsys, cloud):
    """Exit 13, with what to type."""
    code, document = restore(capsys, RUN)

    assert (code, cloud.writes) == (13, [])
    assert document["error"]["remedy"] == f"nova-decom restore {RUN} --yes"


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(("typed", "code"), [("node1", 0), ("node2", 13), (None, 13)])
def test_at_a_terminal_the_host_is_typed(monkeypatch, capsys, cloud, typed, code):
    """After the plan was shown on stderr."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    def ask(_question):
        if typed is None:
            raise KeyboardInterrupt
        return typed

    monkeypatch.setattr("nova_decom.cli.confirm.ask", ask)

    assert run(["restore", RUN]) == code
    assert "restore-rows" in capsys.readouterr().err
    assert bool(cloud.writes) is (code == 0)


@pytest.mark.usefixtures("state")
def test_a_host_whose_places_are_taken_is_refused(capsys, cloud):
    """Nothing else is to be done: exit 4, each row named; with something to do, 3."""
    live = SERVICE_ROW | {"id": 9, "uuid": "new", "deleted": 0}
    cloud.now = present(rows_of(build.CELL, "services", live))

    code, document = restore(capsys, RUN, "--yes")
    assert (code, document["hosts"][0]["result"]) == (3, "leftovers")

    code, document = restore(capsys, RUN, "--yes")
    assert (code, document["hosts"][0]["result"]) == (4, "refused")
    assert "services 3: its place is taken" in document["hosts"][0]["error"]["message"]


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(("more", "code"), [([], 0), (["--detailed-exitcode"], 4)])
def test_another_cloud_is_refused(capsys, cloud, more, code):
    """Before anything is asked or written; a dry run shows it."""
    cloud.now = present(cells={"other": 1})

    assert restore(capsys, RUN, "--yes")[0] == 4
    assert restore(capsys, RUN, "--dry-run", *more)[0] == code
    assert cloud.writes == []


def test_a_host_that_is_held_is_busy(capsys, cloud, state):
    """Exit 75, the holder named."""
    with host_lock(state, "node1", "the-other-run", CloudIdentity().key):
        code, document = restore(capsys, RUN, "--yes")

    assert (code, cloud.writes) == (75, [])
    assert "the-other-run" in document["hosts"][0]["error"]["message"]


@pytest.mark.usefixtures("state")
def test_a_host_that_another_machine_holds_is_busy(capsys, cloud):
    """By the claim on its service."""
    claim = "nova-decom OTHER by x@far until 2026-11-24T12:00:00Z: old"
    held = build.service(status="disabled", disabled_reason=claim)
    cloud.now = present(facts=build.facts(service=held))

    code, document = restore(capsys, RUN, "--yes")

    assert (code, cloud.writes) == (75, [])
    assert "run OTHER by x@far holds the host" in document["hosts"][0]["error"]["message"]


def test_a_journal_of_doubt_is_not_restored(capsys, cloud, state):
    """A line of it cannot be read."""
    with (state / "runs" / f"{RUN}.jsonl").open("a") as file:
        file.write("?\n")

    code, document = restore(capsys, RUN, "--yes")

    assert (code, cloud.writes) == (4, [])
    assert "cannot be read" in document["hosts"][0]["error"]["message"]


@pytest.mark.usefixtures("cloud")
def test_a_run_that_changed_nothing_has_nothing_to_put_back(capsys, clean_environment):
    """It was refused."""
    keep(clean_environment / "state", record(before=None, done=(), saved=[]))

    assert restore(capsys, RUN, "--yes")[0] == 4


@pytest.mark.usefixtures("state", "cloud")
@pytest.mark.parametrize("arguments", [["restore"], ["restore", "a", "b"]])
def test_one_run_is_named(capsys, arguments):
    """Usage."""
    assert run(arguments) == 2
    assert "nova-decom restore --help" in capsys.readouterr().err
