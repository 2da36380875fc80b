# SPDX-License-Identifier: Apache-2.0
"""A lock that several machines see, shown with a directory as its service."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
import tooz
from tooz.coordination import ToozConnectionError
from tooz.drivers.file import FileLock

from nova_decom.clients.lock_service import lock_name, shared_locks
from nova_decom.errors import BusyError, ConfigurationError, UnavailableError

#: Another run, as another machine would have it: a process of its own.
OTHER = """
import sys
from nova_decom.clients.lock_service import shared_locks
from nova_decom.errors import BusyError
with shared_locks(sys.argv[1], [sys.argv[2]]) as locks:
    try:
        locks.check(sys.argv[2])
        print("held", flush=True)
    except BusyError as error:
        print(error, flush=True)
    sys.stdin.read()
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
    with shared_locks(url, ["node1"]):
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

    with shared_locks(url, ["node1"]) as locks:
        locks.check("node1")


def test_a_host_is_free_again_afterwards(url):
    """Also for the same run, as another host's failure may have ended it."""
    for _ in range(2):
        with shared_locks(url, ["node1"]) as locks:
            locks.check("node1")


def test_without_a_lock_service_nothing_is_asked(monkeypatch):
    """Nobody needs tooz for that."""
    monkeypatch.setitem(sys.modules, "tooz", None)

    with shared_locks(None, ["node1"]) as locks:
        locks.check("node1")


def test_a_library_that_is_missing_is_named(url, monkeypatch):
    """With what installs it."""
    monkeypatch.setitem(sys.modules, "tooz", None)

    with pytest.raises(ConfigurationError) as caught, shared_locks(url, ["node1"]):
        pytest.fail("it was taken")

    assert "needs tooz" in str(caught.value)
    assert "pip install tooz" in caught.value.remedy


def test_a_client_of_the_backend_that_is_missing_is_named(monkeypatch):
    """The drivers of tooz import what they need."""
    monkeypatch.setitem(sys.modules, "redis", None)

    with (
        pytest.raises(ConfigurationError, match="no module redis"),
        shared_locks("redis://127.0.0.1", ["node1"]),
    ):
        pytest.fail("it was taken")


@pytest.mark.parametrize("url", ["nonsense", "etcd9://ops:very-secret@127.0.0.1"])
def test_a_url_that_makes_no_sense_is_not_shown(url):
    """It may hold a password."""
    with (
        pytest.raises(ConfigurationError, match="no URL that tooz understands") as caught,
        shared_locks(url, ["node1"]),
    ):
        pytest.fail("it was taken")

    assert "very-secret" not in f"{caught.value} {caught.value.remedy}"


def test_a_service_that_does_not_answer_ends_the_run(tmp_path):
    """Before anything was changed."""
    (tmp_path / "file").write_text("no directory")

    with (
        pytest.raises(UnavailableError, match="cannot be used"),
        shared_locks(f"file://{tmp_path}/file", ["node1"]),
    ):
        pytest.fail("it was taken")


def test_a_service_that_dies_meanwhile_takes_nothing_from_the_result(url, monkeypatch):
    """What the run has done is told; the backend lets go by itself."""
    release = FileLock.release

    def gone(lock):
        release(lock)
        raise ToozConnectionError("gone")

    monkeypatch.setattr(FileLock, "release", gone)
    with shared_locks(url, ["node1"]):
        told = "removed"

    assert told == "removed"


class Service:
    """A lock service, its connection and its lock in one; calls of these names never return."""

    def __init__(self, *hanging, owner=True):
        """Hang in the calls of these names."""
        self.hanging, self.owner, self.calls = hanging, owner, []

    def _call(self, name):
        self.calls.append(name)
        if name in self.hanging:
            threading.Event().wait()

    def start(self, *, start_heart):
        """Connect."""
        self._call("start")
        assert start_heart

    def get_lock(self, name):
        """The lock."""
        assert name == lock_name("node1")
        return self

    def acquire(self, *, blocking):
        """Take it."""
        self._call("acquire")
        assert not blocking
        return True

    def is_still_owner(self):
        """Ask the service."""
        self._call("is_still_owner")
        return self.owner

    def release(self):
        """Give it back."""
        self._call("release")
        return True

    def stop(self):
        """End the connection."""
        self._call("stop")


BRIEF = 0.2


def run_with(service):
    """A run with this lock service that comes as far as a change."""
    with shared_locks("etcd3://", ["node1"], lambda _url: service, BRIEF) as locks:
        locks.check("node1")
        return "changed"


@pytest.mark.parametrize("hanging", ["start", "acquire", "is_still_owner"])
def test_a_service_that_hangs_ends_the_run_before_the_change(hanging):
    """After one bound, however many calls follow."""
    service, begin = Service(hanging), time.monotonic()

    with pytest.raises(UnavailableError, match=r"no answer within 0.2 s"):
        run_with(service)

    assert service.calls[-1] == hanging
    assert BRIEF <= time.monotonic() - begin < 10 * BRIEF


@pytest.mark.parametrize("hanging", ["release", "stop"])
def test_a_service_that_hangs_at_the_end_keeps_no_run_from_ending(hanging):
    """Its result is shown; the lock lapses."""
    service, begin = Service(hanging), time.monotonic()

    assert run_with(service) == "changed"
    assert time.monotonic() - begin < 10 * BRIEF


def test_a_lock_that_has_lapsed_ends_the_run_before_the_change():
    """Another run may have taken it, and may have ended since."""
    service = Service(owner=False)

    with pytest.raises(BusyError, match=r"node1: the lock at the lock service .* has lapsed"):
        run_with(service)

    assert service.calls[-2:] == ["release", "stop"]


class Lease(Service):
    """An etcd lock, which cannot be asked, with its lease."""

    def __init__(self, seconds):
        """A lease that lives for so many seconds more."""
        super().__init__()
        self._lease, self._seconds = self, seconds

    def is_still_owner(self):
        """Fail as etcd's driver does."""
        raise tooz.NotImplemented

    def ttl(self):
        """Seconds that are left; -1 after the end."""
        return self._seconds


def test_the_lease_of_an_etcd_lock_is_asked_for():
    """It ends while a machine is suspended."""
    assert run_with(Lease(20)) == "changed"
    with pytest.raises(BusyError, match="has lapsed"):
        run_with(Lease(-1))


def test_a_name_of_a_lock_fits_every_service():
    """MySQL takes 64 characters and folds case."""
    names = {lock_name(host) for host in ("node1", "NODE1", "n" * 255, "\udcff")}

    assert len({name.lower() for name in names}) == 4
    assert all(len(name) <= 64 for name in names)
