# SPDX-License-Identifier: Apache-2.0
"""The results of the modules for nova-decom's documents; the program is one that prints them."""

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

    def run(
        out: Report | str, code: int | None = None, *, name: str = "decommission", **arguments: Any
    ) -> dict[str, Any]:
        text = out if isinstance(out, str) else "".join(as_json(out))
        (tmp_path / "out").write_text(text)
        code = code if code is not None else int(getattr(out, "exit_code", 0))
        program = tmp_path / "nova-decom"
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/words\nenv >{tmp_path}/environment\n'
            f'cp "${{OS_CLIENT_CONFIG_FILE:-/dev/null}}" {tmp_path}/clouds.yaml\n'
            f"cat {tmp_path}/out\nexit {code}\n"
        )
        program.chmod(0o755)
        given = {"hosts": ["node1"], "executable": str(program), **arguments}
        (tmp_path / "args").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": given}))
        module = collection / "plugins" / "modules" / f"compute_node_{name}.py"
        done = subprocess.run(
            [str(programs / "python"), str(module), str(tmp_path / "args")],
            env=variables() | {"PYTHONPATH": str(collection.parents[2])},
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
    plan = report(0, Outcome(DELETE, Status.PLANNED), result=Result.PLANNED)
    told = play(plan, _ansible_check_mode=True)
    assert (told["changed"], told.get("failed", False)) == (True, False)
    assert "--dry-run" in (tmp_path / "words").read_text().splitlines()
    assert told["changes"][0]["step"] == "delete-service"

    nothing = play(report(0, result=Result.PLANNED), _ansible_check_mode=True)
    assert (nothing["changed"], nothing.get("failed", False)) == (False, False)

    no = Finding("last-host", Verdict.BLOCKED, "no other host is up")
    blocked = report(0, Outcome(DELETE, Status.PLANNED), result=Result.BLOCKED, findings=(no,))
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
    assert words[:4] == ["remove", "--quiet", "--format=json", "--yes"]
    assert words[-3:] == ["--debug", "--", "-x"]
    assert sorted(words[4:-3]) == [
        "--max-moves=2",
        "--offline",
        "--os-cloud=prod",
        "--partial",
        "--reason=-- rack",
        "--rebuild-local-disks",
        "--servers=live",
        "--settle=0.0",
        "--skip-guard=ironic",
        "--skip-guard=last-host",
    ]


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("drain", {"servers": "stop", "max_moves_total": 8}, ["--max-moves-total=8"]),
        ("enable", {"bring_back": "last"}, ["--bring-back=last"]),
    ],
)
def test_drain_and_enable_run_their_commands(
    play: Play, tmp_path: Path, name: str, given: dict[str, Any], words: list[str]
) -> None:
    """With the dry run in check mode, as the removal."""
    outcome = Outcome(DELETE, Status.DONE, begun=True)
    assert play(report(0, outcome), name=name, **given)["changed"] is True

    told = (tmp_path / "words").read_text().splitlines()
    assert told[0] == name
    assert set(words) <= set(told)
    assert "--dry-run" not in told

    planned = report(0, Outcome(DELETE, Status.PLANNED), result=Result.PLANNED)
    assert play(planned, name=name, _ansible_check_mode=True, **given)["changed"] is True
    assert "--dry-run" in (tmp_path / "words").read_text().splitlines()


def test_info_returns_leftovers_and_does_not_fail(play: Play, tmp_path: Path) -> None:
    """An error fails; neither is a change, also where the program was killed."""
    left = Report("verify", 3, (HostReport("node1", Result.LEFTOVERS, leftovers=(LEFT,)),))
    told = play(left, name="info", query="verify")
    assert (told["changed"], told.get("failed", False)) == (False, False)
    assert [(x["host"], x["kind"]) for x in told["leftovers"]] == [("node1", "host-mapping")]
    words = (tmp_path / "words").read_text().splitlines()
    assert (words[0], "--yes" in words) == ("verify", False)

    down = Report("audit", 69, (), error="no answer", remedy="check auth_url")
    failed = play(down, name="info", query="audit")
    assert (failed["failed"], failed["msg"]) == (True, "no answer (check auth_url)")
    assert play("half", 137, name="info")["changed"] is False


def test_an_empty_list_of_hosts_lists_no_other_hosts(play: Play) -> None:
    """An empty group is a mistake, and not the wish for all hosts."""
    assert "hosts is empty" in play(report(0), name="info", hosts=[])["msg"]


def test_findings_are_short_unless_verbose(play: Play) -> None:
    """A task shows guards that warn or block; -v shows all."""
    findings = (Finding("cells", Verdict.OK, "ok"), Finding("last-host", Verdict.WARNING, "one"))
    found = report(0, Outcome(DELETE, Status.DONE, begun=True), findings=findings)

    (host,) = play(found)["hosts"]
    assert ([f["guard"] for f in host["findings"]], "changes" in host) == (["last-host"], False)
    (host,) = play(found, _ansible_verbosity=1)["hosts"]
    assert (len(host["findings"]), "changes" in host) == (2, True)


def test_a_reason_is_shown_as_it_was_typed(play: Play) -> None:
    """In the diff; the document escapes it."""
    disable = Change("disable-service", "disable", "9b2c", 'PUT {"disabled_reason": "机架"}')

    told = play(report(0, Outcome(disable, Status.DONE, begun=True)))

    assert '"disabled_reason": "机架"' in told["diff"]["before"]


def test_a_transaction_has_a_line_for_each_statement(play: Play) -> None:
    """As in nova-decom's own plan."""
    purge = Change("purge-rows", "delete", "cell1", "SELECT 1; DELETE FROM services", rows=1)

    told = play(report(0, Outcome(purge, Status.DONE, begun=True)))

    assert told["diff"]["before"] == (
        "node1: purge-rows delete: cell1: 1 row, in one transaction\n"
        "    SELECT 1;\n    DELETE FROM services;\n"
    )


def test_a_cloud_as_a_dictionary(play: Play, tmp_path: Path) -> None:
    """The program reads it from a file of its own; its password is in no result."""
    cloud = {"auth": {"auth_url": "http://k/v3", "username": "admin", "password": "s3cret"}}

    told = play(report(0), cloud=cloud, region="west")

    assert "s3cret" not in json.dumps(told)
    assert "admin" in json.dumps(told)
    assert json.loads((tmp_path / "clouds.yaml").read_text()) == {"clouds": {"ansible": cloud}}
    words = (tmp_path / "words").read_text().splitlines()
    assert {"--os-cloud=ansible", "--os-region-name=west"} <= set(words)
    assert "s3cret" not in "".join(words)
    (line,) = (tmp_path / "environment").read_text().split("OS_CLIENT_CONFIG_FILE=")[1:]
    assert not Path(line.split("\n")[0]).exists()


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
