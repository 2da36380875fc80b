# SPDX-License-Identifier: Apache-2.0
"""The operator's own command that stops nova-compute."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

import pytest

from nova_decom.clients.host import ssh
from nova_decom.clients.host.ssh import StopCommand
from nova_decom.errors import ChangeFailedError

#: A child that outlives its parent and keeps its streams open.
DAEMON = "sleep 300 & echo $! >{pid}; "


def command(script, pid):
    """A command of this shell script."""
    return StopCommand(f"sh -c {shlex.quote(script.replace('{pid}', str(pid)))} sh {{host}}")


@pytest.fixture
def pid(tmp_path):
    """The file with the process id of the child, which is ended."""
    path = tmp_path / "pid"
    yield path
    if is_alive(path):
        os.kill(int(path.read_text()), 9)


def is_alive(path):
    """True while the child runs, or has ended and was not waited for by init."""
    stat = Path(f"/proc/{path.read_text().strip()}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_child_that_keeps_the_streams_open_is_not_waited_for(pid):
    """The command has ended and stopped the service; what it has started goes on."""
    begin = time.monotonic()
    command(DAEMON + "exit 0", pid).stop("node1")

    assert time.monotonic() - begin < 60
    assert is_alive(pid)


def test_a_command_that_fails_says_why_at_once(pid):
    """With its code and its last words, whatever its children do."""
    with pytest.raises(ChangeFailedError, match="failed with 3: no such host: node1"):
        command(DAEMON + 'echo "no such host: $1" >&2; exit 3', pid).stop("node1")


def test_a_command_without_end_is_ended_with_all_that_it_has_started(pid, monkeypatch):
    """Nothing of it may stop the service later."""
    monkeypatch.setattr(ssh, "COMMAND_TIMEOUT", 3)

    with pytest.raises(ChangeFailedError, match="did not end within 3 s"):
        command(DAEMON + "wait", pid).stop("node1")

    end = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_alive(pid)


def test_a_command_that_is_not_there_is_named():
    """With what to do."""
    with pytest.raises(ChangeFailedError, match="/no/such/program: No such file") as error:
        StopCommand("/no/such/program {host}").stop("node1")
    assert "choose another --stop-with" in error.value.remedy
