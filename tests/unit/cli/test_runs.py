# SPDX-License-Identifier: Apache-2.0
"""``runs``: what the journals tell, in every format, without a cloud."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml

from nova_decom.cli.main import run
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.state.journal import RunJournal
from tests.envelope import validate
from tests.unit.state.test_journal_reader import CHANGE, RUN, begin, end, image

CLOUD = CloudIdentity("https://keystone.example.org", "north", name="prod")
HOSTILE = "old \x1b[31m[red]\u202e\n\0"


@pytest.fixture
def state(clean_environment):
    """A state directory with one run of a hostile reason; no cloud is configured."""
    with RunJournal(clean_environment / "state", RUN) as journal:
        begin(journal, "node1", reason=HOSTILE, cloud=CLOUD.dump())
        journal.event("started", host="node1", **CHANGE, detail=HOSTILE)
        journal.save([image()])
        journal.event("done", host="node1", **CHANGE, detail=HOSTILE)
        end(journal, "node1")
    return clean_environment / "state"


def document(capsys, *arguments):
    """What is printed as JSON, valid by the schema."""
    assert run(["runs", *arguments, "-f", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    validate(found)
    return found


@pytest.mark.usefixtures("state")
def test_the_list_and_one_run_fit_the_schema(capsys):
    """Hosts of a run are told as the run itself told them."""
    (row,) = document(capsys)["runs"]
    assert (row["run"], row["result"], row["reason"]) == (RUN, "removed", HOSTILE)
    assert row["cloud"] == str(CLOUD)

    one = document(capsys, RUN)

    assert one["runs"] == [row]
    assert one["saved"][0]["ids"] == [3]
    (host,) = one["hosts"]
    assert (host["result"], host["changes"][0]["status"]) == ("removed", "done")


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("arguments", [[], [RUN]], ids=["list", "one"])
@pytest.mark.parametrize("style", ["table", "csv", "value", "yaml"])
def test_every_format_keeps_foreign_text_harmless(capsys, arguments, style):
    """No control byte of a reason reaches the terminal."""
    assert run(["runs", *arguments, "-f", style]) == 0

    printed = capsys.readouterr()
    assert RUN in printed.out
    assert "[red]" in printed.out
    assert not set(printed.out) & {"\x1b", "\0", "\u202e"}
    assert printed.err == ""
    if style == "csv":
        assert next(csv.DictReader(io.StringIO(printed.out)))["run"] == RUN
    if style == "yaml":
        assert yaml.safe_load(printed.out)["runs"][0]["reason"] == HOSTILE


@pytest.mark.usefixtures("state")
def test_one_run_is_told_to_people(capsys):
    """Who, why, in which cloud, each change and what was saved."""
    run(["runs", RUN])

    out = capsys.readouterr().out
    assert "prod, https://keystone.example.org region north" in out
    assert "ops@jump" in out
    assert "done       purge-rows" in out
    assert "cell1: services 3" in out


@pytest.mark.usefixtures("state")
def test_one_column_can_be_chosen(capsys):
    """For scripts: the id of the last run."""
    run(["runs", "-f", "value", "-c", "run"])

    assert capsys.readouterr().out == f"{RUN}\n"


@pytest.mark.parametrize("style", ["table", "json"])
def test_no_runs_is_no_error(clean_environment, capsys, style):
    """Nothing was done yet, and no directory is made by asking."""
    assert run(["runs", "-f", style]) == 0

    assert not (clean_environment / "state").exists()
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("state")
def test_a_run_that_is_not_there_is_refused(capsys):
    """Exit 4, as for a host that nobody knows."""
    assert run(["runs", "20261123T041500Z-0000"]) == 4
    assert "no run '20261123T041500Z-0000'" in capsys.readouterr().err
