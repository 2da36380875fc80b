# SPDX-License-Identifier: Apache-2.0
"""``report``: where the page goes, and the other formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nova_decom.cli.main import run
from nova_decom.output.markdown import markdown
from tests.envelope import validate
from tests.unit import journals

RUN = journals.RUN


@pytest.fixture
def state(clean_environment):
    """A state directory with the journal of a run of several hosts."""
    return journals.full(reason="old | <b>rack</b> 机架").save(clean_environment / "state")


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("arguments", "file"),
    [([], f"{RUN}.html"), (["--html", "x.html"], "x.html"), (["--html", "-"], None)],
)
def test_the_page_goes_to_a_file_of_the_run_or_to_stdout(capsys, arguments, file):
    """The file is named on stderr."""
    assert run(["report", "last", *arguments]) == 0

    streams = capsys.readouterr()
    text = streams.out if file is None else Path(file).read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert "rack&lt;/b&gt; 机架" in text
    assert streams.err == (f"{file}\n" if file else "")


@pytest.mark.usefixtures("state")
def test_as_markdown_foreign_text_is_data(capsys):
    """A table of the hosts, then the changes of each."""
    assert run(["report", RUN, "--format", "md"]) == 0

    out = capsys.readouterr().out
    assert f"- run: ` {RUN} `" in out
    assert r"- reason: old \| \<b\>rack\</b\> 机架" in out
    assert "| node1202 | failed | 2 | node1202: ssh: Connection timed out |" in out
    assert "| failed | stop-service |" in out
    assert "## node1201: removed" in out


def test_as_markdown_a_run_has_a_name_and_an_exit_code():
    """Also where the journal has no header; the code 0 is one, too."""
    text = markdown({"run": RUN, "command": None, "hosts": [], "reason": "", "exit_code": 0}, ())

    assert text.splitlines()[:4] == ["# run ", "", f"- run: ` {RUN} `", "- exit code: 0"]


@pytest.mark.usefixtures("state")
def test_as_json_it_is_the_document_of_the_run(capsys):
    """And it fits the schema."""
    assert run(["report", "last", "-f", "json"]) == 0

    document = json.loads(capsys.readouterr().out)
    validate(document)
    assert (document["command"], document["runs"][0]["run"]) == ("report", RUN)
    assert len(document["hosts"]) == 3


@pytest.mark.usefixtures("state")
def test_as_html_it_goes_to_stdout(capsys):
    """As for every other format."""
    assert run(["report", "last", "-f", "html"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
