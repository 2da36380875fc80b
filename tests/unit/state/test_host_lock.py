# SPDX-License-Identifier: Apache-2.0
"""One run per host on this machine."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import nova_decom
from nova_decom.errors import BusyError, JournalError
from nova_decom.exit_codes import ExitCode
from nova_decom.state.host_lock import POLL_SECONDS, host_lock
from nova_decom.state.host_lock import holder as holder_of

RUN = "20261123T041500Z-7f3a"
HOLDER = """
import sys, time
from pathlib import Path
from nova_decom.state.host_lock import host_lock
with host_lock(Path(sys.argv[1]), "node1", "the-other-run"):
    print("held", flush=True)
    time.sleep(60)
"""
HOSTILE = ["../../etc/passwd", "/etc/passwd", "", "a" * 300, "\udcff", "x\0y", "a\nb", "NODE1"]


@pytest.fixture
def holder(tmp_path):
    """Another process that holds node1."""
    environment = os.environ | {"PYTHONPATH": str(Path(nova_decom.__file__).parents[1])}
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_host_that_another_process_holds_is_busy(tmp_path, holder):
    """The message names that run and its process."""
    with pytest.raises(BusyError) as raised, host_lock(tmp_path, "node1", RUN):
        pytest.fail("held twice")

    assert str(raised.value) == (
        f"node1 is held by another run on this machine: run the-other-run, process {holder.pid}"
    )
    assert raised.value.remedy == "wait until it has ended"
    assert raised.value.exit_code == ExitCode.BUSY


def test_a_run_that_dies_holds_nothing(tmp_path, holder):
    """The kernel frees the host, and no file has to be deleted by hand."""
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()

    with host_lock(tmp_path, "node1", RUN):
        assert held_by(tmp_path) == f"run {RUN}, process {os.getpid()}"


def held_by(state):
    """What the one lock says of its holder."""
    (path,) = (state / "locks").iterdir()
    return path.read_text("utf-8")


def test_a_host_is_held_once_within_one_process_too(tmp_path):
    """Whoever comes second changes nothing of what the first one wrote."""
    with host_lock(tmp_path, "node1", RUN):
        with pytest.raises(BusyError, match=RUN), host_lock(tmp_path, "node1", "second"):
            pytest.fail("held twice")

        assert held_by(tmp_path).startswith(f"run {RUN},")


@pytest.mark.parametrize("failure", [None, KeyError])
def test_a_host_is_free_again_afterwards(tmp_path, failure):
    """However the run ended; a shorter name of a run leaves nothing of a longer one."""
    try:
        with host_lock(tmp_path, "node1", RUN):
            if failure:
                raise failure
    except KeyError:
        pass

    with host_lock(tmp_path, "node1", "short"):
        assert held_by(tmp_path) == f"run short, process {os.getpid()}"


def test_runs_on_other_hosts_go_on(tmp_path):
    """A lock is of one host, letter by letter."""
    with host_lock(tmp_path, "node1", RUN), host_lock(tmp_path, "node2", RUN):
        assert len(list((tmp_path / "locks").iterdir())) == 2


@pytest.mark.parametrize("host", HOSTILE, ids=ascii)
def test_any_name_can_be_held_and_is_told_from_every_other(tmp_path, host):
    """A name is never a path."""
    with host_lock(tmp_path, "node1", RUN), host_lock(tmp_path, host, RUN):
        assert {p.parent for p in tmp_path.rglob("*") if p.is_file()} == {tmp_path / "locks"}
        with pytest.raises(BusyError), host_lock(tmp_path, host, "second"):
            pytest.fail("held twice")


def test_a_lock_is_its_owners(tmp_path):
    """0600 in 0700."""
    with host_lock(tmp_path, "node1", RUN):
        (path,) = (tmp_path / "locks").iterdir()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_lock_that_cannot_be_made_is_a_failure_with_a_cure(tmp_path):
    """A file stands where the directory should be: nothing is changed without the lock."""
    (tmp_path / "locks").touch()

    wrong = pytest.raises(JournalError, match="File exists")
    with wrong as raised, host_lock(tmp_path, "node1", RUN):
        pytest.fail("held without a lock")

    assert raised.value.remedy == "make room for it, then run again"


@pytest.mark.parametrize("failure", [None, KeyError])
def test_a_lock_that_is_released_names_nobody(tmp_path, failure):
    """Whoever looks at it later must not take the last run for the present one."""
    try:
        with host_lock(tmp_path, "node1", RUN):
            assert holder_of(tmp_path, "node1") == RUN
            if failure:
                raise failure
    except KeyError:
        pass

    assert held_by(tmp_path) == ""
    assert holder_of(tmp_path, "node1") is None


def test_the_name_of_a_dead_holder_is_nobodys(tmp_path, holder):
    """The lock counts, not what stands in the file."""
    assert holder_of(tmp_path, "node1") == "the-other-run"

    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()

    assert held_by(tmp_path).startswith("run the-other-run")
    assert holder_of(tmp_path, "node1") is None


def test_a_host_that_was_never_held_is_free(tmp_path):
    """And asking makes no file."""
    assert holder_of(tmp_path, "node1") is None
    assert list(tmp_path.iterdir()) == []


def test_a_holder_that_has_not_said_its_name_is_one(tmp_path):
    """Between taking the lock and writing into it."""
    with host_lock(tmp_path, "node1", RUN):
        (path,) = (tmp_path / "locks").iterdir()
        path.write_text("")

        assert holder_of(tmp_path, "node1") == ""


def test_a_look_at_the_lock_keeps_nobody_out(tmp_path):
    """Who looks holds it for an instant; a run that begins then tries once more."""
    with host_lock(tmp_path, "node1", RUN):
        pass
    (path,) = (tmp_path / "locks").iterdir()
    looking = os.open(path, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    timer = threading.Timer(POLL_SECONDS / 5, os.close, (looking,))
    timer.start()

    with host_lock(tmp_path, "node1", RUN):
        timer.join()
