# SPDX-License-Identifier: Apache-2.0
"""``openstack compute host decommission``: the same, said in another way."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nova_decom.cli.commands import cli
from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.envelope import validate
from tests.lab import Lab

OPENSTACK = Path(sys.executable).parent / "openstack"
COMMANDS = ("plan", "remove", "verify", "audit")
THEIRS = {"os_cloud", "os_region_name", "verbose", "quiet", "debug", "log_file", "help"}

Done = subprocess.CompletedProcess[str]


def openstack(*words: str, **environment: str) -> Done:
    """Run it as a shell would, without a terminal."""
    keep = {"PATH": os.environ["PATH"], "HOME": environment.get("HOME", "/nonexistent")}
    return subprocess.run(
        [str(OPENSTACK), *words],
        env={**keep, **environment, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_ours_is_there(name: str) -> None:
    """Made from the same definitions; those that openstack has itself stand before the command."""
    done = openstack("help", "compute", "host", "decommission", name)

    assert done.returncode == 0, done.stderr
    for option in cli.commands[name].params:
        if option.name not in {*THEIRS, "hosts"}:
            assert max(option.opts, key=len) in done.stdout
    assert (cli.commands[name].help or "").split("\n")[0] in done.stdout


def test_what_is_missing_is_a_usage_error() -> None:
    """By openstack's own parser, and by ours."""
    verify = openstack("compute", "host", "decommission", "verify")
    assert verify.returncode == 2
    assert "HOST" in verify.stderr

    remove = openstack("compute", "host", "decommission", "remove", "--yes", "-f", "json")
    assert remove.returncode == 2
    assert "HOST" in json.loads(remove.stdout)["error"]["message"]


@pytest.fixture
def run(lab: Lab, decom: NovaDecom, tmp_path: Path) -> Callable[..., Done]:
    """The commands on the lab, with the state directory of the test."""

    def command(*words: str) -> Done:
        environment = lab.env() | {"NOVA_DECOM_STATE_DIR": str(decom.state_dir)}
        environment |= {"HOME": str(tmp_path)}
        cloud = ("--os-cloud", environment.pop("OS_CLOUD"))
        return openstack(*cloud, "compute", "host", "decommission", *words, **environment)

    return command


@pytest.mark.lab
def test_a_host_leaves(
    run: Callable[..., Done], decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """Plan, remove, verify and audit give the documents and the exit codes of nova-decom."""
    hosts.start("osc1")

    plan = run("plan", "osc1", "-f", "json")
    assert plan.returncode == 0, plan.stderr
    mine, theirs = decom("plan", "osc1", "-f", "json").json, json.loads(plan.stdout)
    assert theirs == mine
    asked = run("remove", "osc1")
    assert asked.returncode == 13
    assert run("verify", "osc1").returncode == 3

    done = run("remove", "osc1", "--yes", "--settle", "3", "--reason", "-x %s", "-f", "json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    validate(document)
    assert (document["changed"], document["hosts"][0]["result"]) == (True, "removed")
    assert snapshot.traces_of("osc1") == set()
    assert run("verify", "osc1").returncode == 0
    audit = run("audit", "--detailed-exitcode")
    assert (audit.returncode, audit.stdout) == (0, "")
