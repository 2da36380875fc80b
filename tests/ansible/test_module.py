# SPDX-License-Identifier: Apache-2.0
"""What the module makes of nova-decom's documents; the program is one that prints them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Finding, Leftover, Verdict
from nova_decom.model.report import HostReport, Report, Result
from nova_decom.output.json_envelope import as_json
from tests.ansible.environment import variables

DELETE = Change("delete-service", "delete", "9b2c", "DELETE /os-services/9b2c")
PURGE = Change("purge-rows", "delete", "cell1", "cell1: services 1: 1 row", rows=1)
LEFT = Leftover("host-mapping", "node1", "mapped to cell cell1", "nova-decom remove node1")
RUN = "20261123T041500Z-7f3a"

Play = Callable[..., dict[str, Any]]


def report(code: int, *outcomes: Outcome, result: Result = Result.REMOVED, **more: Any) -> Report:
    """The report of one host."""
    host = HostReport("node1", result, outcomes=outcomes, **more)
    return Report("remove", code, (host,), run=RUN)


@pytest.fixture
def play(programs: Path, collection: Path, tmp_path: Path) -> Play:
    """Run the module with a program that leaves this document and this exit code."""

    def run(out: Report | str, code: int | None = None, **arguments: Any) -> dict[str, Any]:
        text = out if isinstance(out, str) else as_json(out)
        (tmp_path / "out").write_text(text)
        code = code if code is not None else int(getattr(out, "exit_code", 0))
        program = tmp_path / "nova-decom"
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/words\nenv >{tmp_path}/environment\n'
            f"cat {tmp_path}/out\nexit {code}\n"
        )
        program.chmod(0o755)
        given = {"hosts": ["node1"], "executable": str(program), **arguments}
        (tmp_path / "args").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": given}))
        module = collection / "plugins" / "modules" / "compute_node_decommission.py"
        done = subprocess.run(
            [str(programs / "python"), str(module), str(tmp_path / "args")],
            env=variables(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        told: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if told.get("failed") else 0)
        return told

    return run


def test_a_host_that_was_removed(play: Play) -> None:
    """Changed, with what was planned, what was done, and the run."""
    told = play(report(0, Outcome(DELETE, Status.DONE, "req-1", begun=True)))

    assert (told["changed"], told.get("failed", False)) == (True, False)
    assert (told["run"], told["exit_code"], told["leftovers"]) == (RUN, 0, [])
    (change,) = told["changes"]
    assert (change["host"], change["step"], change["request_id"]) == (
        "node1",
        "delete-service",
        "req-1",
    )
    assert told["plan"] == told["changes"]
    assert told["diff"]["before"] == "node1: delete-service delete: DELETE /os-services/9b2c\n"
    assert told["diff"]["after"] == ""


def test_a_host_that_is_gone_already(play: Play) -> None:
    """Ok, and nothing is changed."""
    told = play(report(0, result=Result.UNCHANGED))

    assert (told["changed"], told.get("failed", False)) == (False, False)
    assert (told["plan"], told["diff"]["before"]) == ([], "")


def test_a_failure_half_way_is_changed_and_failed(play: Play) -> None:
    """What was done stays told, and what is still to be done is in the diff."""
    told = play(
        report(
            1,
            Outcome(DELETE, Status.DONE, begun=True),
            Outcome(PURGE, Status.FAILED, error="the server has gone away", begun=True),
            result=Result.FAILED,
            error="the server has gone away",
            remedy="run again",
            leftovers=(LEFT,),
        )
    )

    assert (told["changed"], told["failed"], told["exit_code"]) == (True, True, 1)
    assert told["msg"] == "node1: the server has gone away (run again)"
    assert [c["step"] for c in told["changes"]] == ["delete-service"]
    assert told["diff"]["after"] == "node1: purge-rows delete: cell1: services 1: 1 row\n"
    assert told["leftovers"][0]["kind"] == "host-mapping"


def test_a_refusal_is_failed_and_not_changed(play: Play) -> None:
    """The message is the guard's."""
    told = play(
        report(4, Outcome(DELETE, Status.PENDING), result=Result.REFUSED, error="last-host: alone")
    )

    assert (told["changed"], told["failed"]) == (False, True)
    assert told["msg"] == "node1: last-host: alone"


def test_without_a_document_nobody_knows_what_was_done(play: Play) -> None:
    """Killed: failed, and changed, for it may have been; in check mode not."""
    told = play("half a docu", 137)
    assert (told["changed"], told["failed"]) == (True, True)
    assert "137" in told["msg"]

    assert play("half a docu", 137, _ansible_check_mode=True)["changed"] is False


def test_check_mode_tells_what_would_be_done(play: Play, tmp_path: Path) -> None:
    """It is a dry run; changed when there would be changes, failed when a guard would refuse."""
    plan = report(3, Outcome(DELETE, Status.PLANNED), result=Result.PLANNED)
    told = play(plan, _ansible_check_mode=True)
    assert (told["changed"], told.get("failed", False)) == (True, False)
    assert "--dry-run" in (tmp_path / "words").read_text().splitlines()
    assert told["changes"][0]["step"] == "delete-service"

    nothing = play(report(0, result=Result.PLANNED), _ansible_check_mode=True)
    assert (nothing["changed"], nothing.get("failed", False)) == (False, False)

    no = Finding("last-host", Verdict.BLOCKED, "no other host is up")
    blocked = report(4, Outcome(DELETE, Status.PLANNED), result=Result.PLANNED, findings=(no,))
    refused = play(blocked, _ansible_check_mode=True)
    assert (refused["changed"], refused["failed"]) == (False, True)
    assert refused["msg"] == "node1: last-host: no other host is up"


def test_what_is_given_reaches_the_command_line(play: Play, tmp_path: Path) -> None:
    """Values that begin with a dash too; a host is never taken for an option."""
    play(
        report(0, result=Result.UNCHANGED),
        hosts=["-x"],
        cloud="prod",
        reason="-- rack",
        offline=True,
        partial=True,
        rebuild_local_disks=True,
        settle=0,
        servers="live",
        max_moves=2,
        skip_guards=["ironic", "last-host"],
        extra_args=["--debug"],
    )

    words = (tmp_path / "words").read_text().splitlines()
    assert words == [
        "remove",
        "--yes",
        "--quiet",
        "--format=json",
        "--os-cloud=prod",
        "--reason=-- rack",
        "--servers=live",
        "--max-moves=2",
        "--settle=0.0",
        "--offline",
        "--partial",
        "--rebuild-local-disks",
        "--skip-guard=ironic",
        "--skip-guard=last-host",
        "--debug",
        "--",
        "-x",
    ]


def test_passwords_are_in_no_process_list_and_in_no_result(play: Play, tmp_path: Path) -> None:
    """URLs go through the environment, where other users cannot look."""
    api, cell = "mysql+pymysql://nova:s3cret@db/nova_api", "mysql+pymysql://nova:s3cret@db/nova"

    told = play(report(0), api_db_url=api, cell_db_urls=[cell, cell])

    assert "s3cret" not in (tmp_path / "words").read_text()
    assert "s3cret" not in json.dumps(told)
    environment = (tmp_path / "environment").read_text().splitlines()
    assert f"NOVA_DECOM_API_DB_URL={api}" in environment
    assert f"NOVA_DECOM_CELL_DB_URL={cell} {cell}" in environment


def test_text_of_others_steers_no_terminal(play: Play) -> None:
    """A diff is printed as it is."""
    evil = Change("disable-service", "disable", "x", "reason \x1b[2J\nnode2: nothing")

    told = play(report(0, Outcome(evil, Status.DONE, begun=True)))

    assert told["diff"]["before"] == (
        "node1: disable-service disable: reason \\x1b[2J\\nnode2: nothing\n"
    )
