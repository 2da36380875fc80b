# SPDX-License-Identifier: Apache-2.0
"""The message for each wrong input: it names the mistake and what to type instead."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from nova_decom.cli.main import run
from tests.chaos.story import clouds_yaml
from tests.cli.run import PROGRAM

BROKEN = "clouds:\n  scripted:\n    auth: {a: b: c}\n"
CONF = "[DEFAULT]\nmy_ip = 192.0.2.1\n"
NEEDS_CONTROLLER = (
    "compute.conf: no connection in [api_database] or [database]; a compute host's nova.conf has "
    "none, and a controller may keep it in another file"
)
BAD_REGION = (
    "Region Two is not a valid region name for cloud scripted. Valid choices are R. Please note "
    "that region names are case sensitive."
)
#: The words typed, the exit code, the first line on stderr after the cloud's, and its remedy.
CASES = [
    (
        "list --os-cloud nope",
        2,
        "no cloud 'nope'; DIR/clouds.yaml has: scripted",
        "--os-cloud NAME",
    ),
    ("list --os-cloud script", 2, "no cloud 'script'; DIR/clouds.yaml has: scripted", "scripted?"),
    (
        "list --os-region-name Two",
        2,
        BAD_REGION,
        "give --os-region-name",
    ),
    (
        "list nodeX",
        4,
        "'nodeX' was not found in nova, placement or neutron",
        "did you mean: node3?",
    ),
    (
        "list elsewhere",
        4,
        "'elsewhere' was not found in nova, placement or neutron",
        "nova-decom list shows every host",
    ),
    ("verify node9", 4, "node9: refused by host-known", "nova-decom explain host-known"),
    (
        "remove NODE3 --yes",
        4,
        "NODE3: refused by host-known, host-exact; nothing was changed",
        "nova-decom explain host-known",
    ),
    (
        "list -c hots",
        2,
        "Invalid value for '-c' / '--column': no column 'hots'. Did you mean host?",
        "--help",
    ),
    (
        "plan --hosts-file no/file",
        2,
        "cannot read --hosts-file no/file: No such file or directory",
        "readable",
    ),
    (
        "plan a --nova-conf no/file",
        2,
        "cannot read --nova-conf no/file: No such file or directory",
        "give a nova.conf",
    ),
    ("plan a --nova-conf compute.conf", 2, NEEDS_CONTROLLER, "a controller's nova-api"),
    (
        "remove a --settle abc",
        2,
        "Invalid value for '--settle': must be a number of seconds, 0 or more, not 'abc'",
        "nova-decom remove --help",
    ),
    (
        "remove a --reasn x",
        2,
        "No such option '--reasn'. Did you mean --reason?",
        "nova-decom remove --help",
    ),
    (
        "plan a --settle 3",
        2,
        "No such option '--settle'. It is an option of remove.",
        "nova-decom plan --help",
    ),
    ("report last", 4, "no run yet in DIR/state", "nova-decom runs"),
    (
        "explain lasthost",
        2,
        "No guard, step, leftover or exit code is 'lasthost'. Did you mean last-host?",
        "--help",
    ),
    (
        "remove --plan compute.conf",
        2,
        "compute.conf is not a nova-decom plan file",
        "nova-decom plan HOST --out FILE",
    ),
    ("remove", 2, "Missing argument 'HOST...'.", "nova-decom remove --help"),
    ("delete a", 2, "No such command 'delete'. Did you mean remove?", "nova-decom --help"),
    ("status", 2, "No such command 'status'. Did you mean list?", "nova-decom --help"),
]


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(("typed", "code", "message", "remedy"), CASES, ids=[c[0] for c in CASES])
def test_wrong_input_is_answered_in_two_lines(capsys, typed, code, message, remedy):
    """The mistake, and what to type instead."""
    Path("compute.conf").write_text(CONF)

    assert run(typed.split()) == code

    first, second = _lines(capsys.readouterr().err)
    assert first == f"error: {message.replace('DIR', str(Path.cwd()))}"
    assert second.startswith("→ ")
    assert remedy in second


def _lines(text):
    """The lines without that of the cloud."""
    return [line.strip() for line in text.splitlines() if not line.startswith("Cloud ")]


SECTIONS = [
    ({"setle": 3}, "unknown key 'setle'", "did you mean settle?"),
    (
        {"settle": "abc"},
        "settle: must be a number of seconds, 0 or more, not 'abc'",
        "correct settle",
    ),
]


@pytest.mark.parametrize(("section", "message", "remedy"), SECTIONS)
def test_a_wrong_section_is_answered_alike(capsys, cloud, section, message, remedy):
    """Of each key, its nearest; of each value, its form."""
    content = json.loads(clouds_yaml(cloud.base)) | {"nova-decom": section}
    Path("clouds.yaml").write_text(json.dumps(content))

    assert run(["list"]) == 2

    first, second = _lines(capsys.readouterr().err)
    assert first == f"error: clouds.yaml, section nova-decom: {message}"
    assert second == f"→ {remedy}"


@pytest.mark.usefixtures("cloud")
def test_a_syntax_error_is_found_before_all_else(capsys):
    """With its line; the SDK would go on to the next file."""
    Path("clouds.yaml").write_text(BROKEN)

    assert run(["list"]) == 2

    place = f"{Path.cwd()}/clouds.yaml, line 3, column 16"
    assert _lines(capsys.readouterr().err) == [
        f"error: {place}: not valid YAML",
        "→ correct the file",
    ]


@pytest.mark.parametrize("content", ["", "# no cloud yet\n", "nova-decom:\n", None])
def test_a_file_without_a_cloud_is_named(capsys, monkeypatch, clean_environment, content):
    """Also one that is empty, and one that the environment names and that is not there."""
    path = clean_environment / "empty.yaml"
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    if content is not None:
        path.write_text(content)

    assert run(["list"]) == 2

    error, _remedy = _lines(capsys.readouterr().err)
    begin = "error: no cloud: OS_AUTH_URL is not set, and no clouds.yaml has one"
    assert error.startswith(f"{begin} ({path}, ")


def test_a_region_of_clouds_yaml_that_the_catalogue_lacks(capsys, cloud):
    """With those that it has."""
    content = json.loads(clouds_yaml(cloud.base))
    content["clouds"]["scripted"]["region_name"] = "Two"
    Path("clouds.yaml").write_text(json.dumps(content))

    assert run(["list"]) == 69

    assert _lines(capsys.readouterr().err) == [
        "error: no endpoint of compute in region Two; the catalogue has: R",
        "→ give --os-region-name, or correct region_name in clouds.yaml",
    ]


@pytest.mark.usefixtures("cloud")
def test_an_address_at_which_nothing_listens(capsys):
    """The address and the cause; doctor says it once."""
    Path("clouds.yaml").write_text(clouds_yaml("http://127.0.0.1:9"))
    problem = "cannot connect to http://127.0.0.1:9/identity/v3: Connection refused"
    remedy = "→ check auth_url and the network, then run again"

    assert run(["list"]) == 69
    assert _lines(capsys.readouterr().err) == [f"error: {problem}", remedy]

    assert run(["doctor"]) == 69
    shown = _lines(capsys.readouterr().out)
    assert [line for line in shown if "cannot connect" in line] == [
        f"FAILED  credentials: {problem}"
    ]


@pytest.mark.usefixtures("cloud")
def test_no_message_of_a_look_says_that_nothing_was_changed(capsys):
    """It never changes anything."""
    assert run(["verify", "node9"]) == 4

    shown = capsys.readouterr()
    assert "was changed" not in shown.out + shown.err


@pytest.mark.usefixtures("cloud")
def test_doctor_names_the_host_that_is_like_an_unknown_one(capsys):
    """It is not asked for by ssh."""
    assert run(["doctor", "node4", "node3"]) == 69

    shown = _lines(capsys.readouterr().out)
    at = shown.index("FAILED  host node4: 'node4' was not found in nova, placement or neutron")
    assert shown[at + 1] == "→ did you mean: node3?"
    assert "ok      host node3: nova-compute up, enabled" in shown
    assert not [line for line in shown if "ssh node4" in line]
    assert [line for line in shown if "ssh node3" in line]


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("typed", ["plan node4", "doctor node4", "steps", "list node4"])
def test_streams_that_take_ascii_only_get_ascii(monkeypatch, typed):
    """Cron has no locale; an arrow or a name is no reason to end with a bug."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2)]
    for name, stream in zip(("stdout", "stderr"), streams, strict=True):
        monkeypatch.setattr(sys, name, stream)

    assert run(typed.split()) in {0, 4, 69}

    for stream in streams:
        stream.flush()
    shown = b"".join(stream.buffer.getvalue() for stream in streams)
    assert b"unexpected" not in shown
    assert (b"-> " in shown) is (typed != "steps")


def _in_a_shell(command, directory):
    return subprocess.run(
        ["bash", "-c", command, "bash", str(PROGRAM)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("typed", ["--version", "help remove", "steps", "steps -f json"])
@pytest.mark.parametrize(
    ("where", "why"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
def test_a_result_that_nobody_gets_is_an_error(tmp_path, typed, where, why):
    """In one line; with stderr closed too, by the exit code alone."""
    done = _in_a_shell(f'"$1" {typed} {where}', tmp_path)
    error = f"error: the result cannot be written to stdout: {why}\n"
    assert (done.returncode, done.stderr) == (1, error)

    done = _in_a_shell(f'"$1" {typed} {where} 2>&-', tmp_path)
    assert (done.returncode, done.stderr) == (1, "")


def test_without_stderr_the_result_is_there_all_the_same(tmp_path):
    """A service may be started so."""
    done = _in_a_shell('"$1" --version 2>&-', tmp_path)

    assert (done.returncode, done.stdout[:11]) == (0, "nova-decom,")


def test_a_directory_that_was_deleted_is_named(tmp_path):
    """The libraries ask for it when they are loaded."""
    gone = tmp_path / "gone"
    gone.mkdir()

    done = _in_a_shell('rmdir ../gone; "$1" list', gone)

    error = "error: the current directory cannot be used: No such file or directory\n     → cd /\n"
    assert (done.returncode, done.stderr) == (2, error)
