# SPDX-License-Identifier: Apache-2.0
"""A lock that several machines see, shown with a directory as its service."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tooz.coordination import ToozConnectionError
from tooz.drivers.file import FileLock

from nova_decom.clients.lock_service import shared_lock
from nova_decom.errors import ConfigurationError, UnavailableError

#: Another run, as another machine would have it: a process of its own.
OTHER = """
import sys
from nova_decom.clients.lock_service import shared_lock
from nova_decom.errors import BusyError
try:
    with shared_lock(sys.argv[1], sys.argv[2], "other"):
        print("held", flush=True)
        sys.stdin.read()
except BusyError as error:
    print(error)
"""


@pytest.fixture
def url(tmp_path):
    """The lock service."""
    return f"file://{tmp_path}"


def begin(url, host):
    """Another run, and the first thing that it says."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, url, host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


@pytest.fixture
def end():
    """Ends what was begun."""
    begun = []
    yield begun.append
    for process in begun:
        process.communicate()


def test_a_host_that_another_run_holds_is_left(url, end):
    """Exit 75; another host is free."""
    with shared_lock(url, "node1", "ours"):
        process, said = begin(url, "node1")
        end(process)
        assert said.startswith("node1 is held by another run")
        process, said = begin(url, "node2")
        end(process)
        assert said == "held"


def test_a_run_that_died_holds_nothing(url, end):
    """The backend lets go of it."""
    process, said = begin(url, "node1")
    end(process)
    assert said == "held"
    process.kill()
    process.wait()

    with shared_lock(url, "node1", "ours"):
        pass


def test_a_host_is_free_again_afterwards(url):
    """Also for the same run, as another host's failure may have ended it."""
    for run in ("first", "second"):
        with shared_lock(url, "node1", run):
            pass


def test_without_a_lock_service_nothing_is_asked(monkeypatch):
    """Nobody needs tooz for that."""
    monkeypatch.setitem(sys.modules, "tooz", None)

    with shared_lock(None, "node1", "ours"):
        pass


def test_a_library_that_is_missing_is_named(url, monkeypatch):
    """With what installs it."""
    monkeypatch.setitem(sys.modules, "tooz", None)

    with pytest.raises(ConfigurationError) as caught, shared_lock(url, "node1", "ours"):
        pytest.fail("it was taken")

    assert "needs tooz" in str(caught.value)
    assert "nova-decom[lock]" in caught.value.remedy


def test_a_client_of_the_backend_that_is_missing_is_named(monkeypatch):
    """The drivers of tooz import what they need."""
    monkeypatch.setitem(sys.modules, "redis", None)

    with (
        pytest.raises(ConfigurationError, match="no module redis"),
        shared_lock("redis://127.0.0.1", "node1", "ours"),
    ):
        pytest.fail("it was taken")


@pytest.mark.parametrize("url", ["nonsense", "etcd9://ops:very-secret@127.0.0.1"])
def test_a_url_that_makes_no_sense_is_not_shown(url):
    """It may hold a password."""
    with (
        pytest.raises(ConfigurationError, match="no URL that tooz understands") as caught,
        shared_lock(url, "node1", "ours"),
    ):
        pytest.fail("it was taken")

    assert "very-secret" not in f"{caught.value} {caught.value.remedy}"


def test_a_service_that_does_not_answer_ends_the_run(tmp_path):
    """Before anything was changed."""
    (tmp_path / "file").write_text("no directory")

    with (
        pytest.raises(UnavailableError, match="does not answer"),
        shared_lock(f"file://{tmp_path}/file", "node1", "ours"),
    ):
        pytest.fail("it was taken")


def test_a_service_that_dies_meanwhile_takes_nothing_from_the_result(url, monkeypatch):
    """What the run has done is told; the backend lets go by itself."""
    release = FileLock.release

    def gone(lock):
        release(lock)
        raise ToozConnectionError("gone")

    monkeypatch.setattr(FileLock, "release", gone)
    with shared_lock(url, "node1", "ours"):
        told = "removed"

    assert told == "removed"
