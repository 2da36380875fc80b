# SPDX-License-Identifier: Apache-2.0
"""Completion at the prompt, from a file that every look at the cloud's hosts refreshes."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from nova_decom.cli.commands import cli
from nova_decom.cli.given import GivenOptions
from nova_decom.state.name_cache import CachedNames

pytestmark = pytest.mark.usefixtures("clean_environment")

#: Prints what is completed, and what was touched on the way.
WATCHED = """
import json, sys
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event.startswith("socket.") else None)
from nova_decom.cli.main import run
try:
    run([])
finally:
    heavy = sorted({m.split(".")[0] for m in sys.modules})
    print(json.dumps([seen, heavy]), file=sys.stderr)
"""
HEAVY = {"openstack", "keystoneauth1", "requests", "pymysql", "sqlalchemy", "rich", "yaml"}
MOST_SECONDS = 0.3


@pytest.fixture
def names(clean_environment):
    """The cache where the program looks for it."""
    return CachedNames(clean_environment / "state", "hosts")


def used():
    """Seconds of processor time of all child processes so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def completed(words, incomplete=""):
    """What is offered after these words."""
    shell = ShellComplete(cli, {"obj": GivenOptions()}, "nova-decom", "_NOVA_DECOM_COMPLETE")
    return [item.value for item in shell.get_completions(list(words), incomplete)]


@pytest.mark.parametrize("command", ["list", "plan", "remove", "verify", "doctor"])
def test_hosts_are_offered_where_hosts_may_stand(names, command):
    """Those that begin like this, and not twice."""
    names.keep("", ["node1", "node10", "other"])

    assert completed([command], "node") == ["node1", "node10"]
    assert completed([command, "node1"], "node") == ["node10"]


def test_hosts_of_the_cloud_that_is_meant(names, monkeypatch):
    """By option or OS_CLOUD; of all clouds when this one was never seen."""
    names.keep("prod", ["prod1"])
    names.keep("test", ["test1"])

    assert completed(["--os-cloud", "prod", "remove"]) == ["prod1"]
    assert completed(["remove", "--os-cloud", "test"]) == ["test1"]
    monkeypatch.setenv("OS_CLOUD", "test")
    assert completed(["remove"]) == ["test1"]
    monkeypatch.setenv("OS_CLOUD", "new")
    assert completed(["remove"]) == ["prod1", "test1"]


def test_aggregates_zones_and_targets_are_offered_where_they_are_selected(clean_environment):
    """Each from its own file, for the cloud that is meant."""
    for kind in ("aggregates", "zones", "hosts"):
        CachedNames(clean_environment / "state", kind).keep("", [f"{kind}-1", "other"])

    assert completed(["remove", "--aggregate"], "agg") == ["aggregates-1"]
    assert completed(["plan", "--zone"], "z") == ["zones-1"]
    assert completed(["drain", "node1", "--target"], "h") == ["hosts-1"]


def test_options_and_commands_are_offered_too():
    """click's own."""
    assert "remove" in completed([], "rem")
    assert "--settle" in completed(["remove"], "--se")
    assert completed(["remove", "--rows"]) == ["purge", "keep"]


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"": 7}', '{"": [7]}', "\udcff"])
def test_without_a_cache_nothing_is_offered(clean_environment, content):
    """Nor is anything said: a prompt is no place for it."""
    if content is not None:
        (clean_environment / "state").mkdir()
        path = clean_environment / "state" / "hosts.cache"
        path.write_bytes(content.encode("utf-8", "surrogateescape"))

    assert completed(["remove"]) == []


@pytest.mark.parametrize("command", ["remove", "report"])
def test_a_state_directory_of_nobody_offers_nothing(command):
    """There is no such user's home."""
    assert completed([command, "--state-dir", "~no-such-user/x"]) == []


def test_runs_are_offered_the_newest_first(clean_environment):
    """Where a run may stand."""
    assert completed(["report"]) == []
    runs = clean_environment / "state" / "runs"
    runs.mkdir(parents=True)
    for name in ("20261123T041500Z-7f3a.jsonl", "20261124T041500Z-0000.jsonl", "other"):
        (runs / name).touch()

    assert completed(["report"], "2026") == ["20261124T041500Z-0000", "20261123T041500Z-7f3a"]


@pytest.mark.parametrize("name", ["a b", "a\nplain,b", "$(reboot)", "a;b", "-x", "\x1b[2J", ""])
def test_only_names_that_are_one_harmless_word_are_offered(names, clean_environment, name):
    """What completion inserts, somebody will run."""
    names.keep("", [name, "node1"])
    assert names.known("") == ("node1",)

    (clean_environment / "state" / "hosts.cache").write_text(json.dumps({"": [name, "node2"]}))
    assert names.known("") == ("node2",)


def test_the_cache_is_its_owners_alone(names, clean_environment):
    """As everything in the state directory; it is written only when something changed."""
    names.keep("", ["node1"])
    path = clean_environment / "state" / "hosts.cache"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.stat().st_ino

    names.keep("", ["node1"])

    assert path.stat().st_ino == before
    assert [p.name for p in path.parent.iterdir()] == ["hosts.cache"]


def test_a_cache_that_cannot_be_written_is_no_error(clean_environment):
    """The command goes on."""
    (clean_environment / "state").write_text("a file")

    CachedNames(clean_environment / "state", "hosts").keep("", ["node1"])


def test_tab_opens_no_socket_loads_no_sdk_and_is_quick(names):
    """With ten thousand hosts, from the start of the process to its end.

    Processor time is measured: nothing is waited for, and other work on this machine must not
    count.
    """
    names.keep("", [f"node{n}" for n in range(10_000)])
    environment = os.environ | {
        "_NOVA_DECOM_COMPLETE": "bash_complete",
        "COMP_WORDS": "nova-decom remove node99",
        "COMP_CWORD": "2",
    }
    taken = []
    for _ in range(5):
        start = used()
        done = subprocess.run(
            [sys.executable, "-c", WATCHED],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        taken.append(used() - start)

    sockets, modules = json.loads(done.stderr)
    assert len(done.stdout.splitlines()) == 111
    assert sockets == []
    assert set(modules) & HEAVY == set()
    assert min(taken) < MOST_SECONDS


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(capsys, shell):
    """``nova-decom completion SHELL`` prints what is to be sourced."""
    from nova_decom.cli.main import run

    assert run(["completion", shell]) == 0
    assert f"_NOVA_DECOM_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_completion_and_man_pages_are_installed_below_a_directory(tmp_path, capsys):
    """Each file is printed; a directory without install, or one that is read-only, is refused."""
    from nova_decom.cli.main import run

    assert run(["completion", "install", str(tmp_path / "usr")]) == 0
    written = capsys.readouterr().out.splitlines()
    assert written == [str(p) for p in map(Path, written) if p.is_file()]
    assert len(written) == 3 + 1 + len(cli.commands)

    assert run(["completion", "bash", str(tmp_path)]) == 2
    assert "DIRECTORY is for 'completion install'." in capsys.readouterr().err
    assert run(["completion", "install", "/proc/none"]) == 2
    assert "nova-decom completion install DIR" in capsys.readouterr().err
