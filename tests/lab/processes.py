# SPDX-License-Identifier: Apache-2.0
"""Starts, finds and stops daemons.

A daemon leads a session of its own. Its record (pid and start time) is written before anything
waits for it, and is all that is needed to stop it later, from any process.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.lab.errors import LabError, failure
from tests.lab.waiting import POLL, wait_until

STOP_TIMEOUT = 10.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Daemon:
    """What to run, and where its output goes."""

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Nothing is inherited: a caller's OS_* variables or locale must not reach a daemon."""
        base = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.log.parent),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONUNBUFFERED": "1",
        }
        return base | dict(self.env)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"log": str(self.log)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Daemon":
        data = json.loads(text)
        return cls(data["name"], tuple(data["argv"]), Path(data["log"]), data["env"])


@dataclass(frozen=True)
class Record:
    """A started process; boot and start time tell it from a later one with the same pid."""

    name: str
    pid: int
    started: int
    boot: str
    log: str

    @property
    def alive(self) -> bool:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)  # when it is our own child: leave no zombie behind
        stat = _stat(self.pid)
        return stat is not None and self._is_it(stat) and stat.state not in "ZX"

    def is_gone(self) -> bool:
        return not self.alive

    def signal(self, number: signal.Signals) -> None:
        """Signal the leader of the session, if it is still the process that was started."""
        if self.alive:
            _kill(self.pid, number)

    def kill_session(self) -> None:
        """Kill the whole session: workers outlive a leader that was killed."""
        if self.boot != _boot_id():
            return
        leader = _stat(self.pid)
        if leader is not None and not self._is_it(leader):
            return  # the pid was given to somebody else, so the session is theirs
        for pid in _session_members(self.pid):
            _kill(pid, signal.SIGKILL)

    def _is_it(self, stat: "_Stat") -> bool:
        return stat.started == self.started and self.boot == _boot_id()


class Processes:
    """The daemons whose records are in one directory."""

    def __init__(self, records: Path) -> None:
        self._records = records

    def start(self, daemon: Daemon) -> Record:
        """Start `daemon` unless it is running."""
        record = self.record(daemon.name)
        if record is not None:
            if record.alive:
                return record
            record.kill_session()
        self._records.mkdir(parents=True, exist_ok=True)
        daemon.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            pid = _spawn(daemon)
        except OSError as error:
            raise LabError(f"cannot start {daemon.name}: {daemon.argv[0]}: {error}") from error
        stat = _stat(pid)
        started = stat.started if stat else 0
        record = Record(daemon.name, pid, started, _boot_id(), str(daemon.log))
        self._write(record)
        return record

    def wait_ready(
        self, name: str, check: Callable[[], bool], *, timeout: float, what: str
    ) -> None:
        """Wait for `check`, but no longer than the process lives."""
        record = self.record(name)
        if record is None:
            raise LabError(f"{name} was not started")
        log = Path(record.log)

        def ready() -> bool:
            if not record.alive:
                raise failure(f"{name} (pid {record.pid}) ended before {what}", log)
            return check()

        wait_until(ready, timeout=timeout, what=what, log=log)

    def stop(self, *names: str, timeout: float = STOP_TIMEOUT) -> None:
        """TERM to all, a bounded wait, KILL to what is left; returns when all are gone."""
        records = [record for name in names if (record := self.record(name))]
        for record in records:
            record.signal(signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while any(record.alive for record in records) and time.monotonic() < deadline:
            time.sleep(POLL / 3)
        for record in records:
            record.kill_session()
            wait_until(record.is_gone, timeout=10, what=f"the end of {record.name}")
            self._path(record.name).unlink(missing_ok=True)

    def alive(self, name: str) -> bool:
        record = self.record(name)
        return record is not None and record.alive

    def record(self, name: str) -> Record | None:
        try:
            text = self._path(name).read_text()
        except FileNotFoundError:
            return None
        return Record(**json.loads(text))

    def records(self) -> list[Record]:
        names = sorted(path.name.removesuffix(".json") for path in self._records.glob("*.json"))
        return [record for name in names if (record := self.record(name))]

    def running(self) -> set[str]:
        return {record.name for record in self.records() if record.alive}

    def _path(self, name: str) -> Path:
        return self._records / f"{name}.json"

    def _write(self, record: Record) -> None:
        path = self._path(record.name)
        partial = path.with_name(path.name + ".new")
        partial.write_text(json.dumps(asdict(record)))
        partial.replace(path)


@dataclass(frozen=True)
class _Stat:
    state: str
    session: int
    started: int


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name, in parentheses, may hold blanks; the fields are counted from behind it.
    fields = text.rpartition(")")[2].split()
    return _Stat(state=fields[0], session=int(fields[3]), started=int(fields[19]))


def _session_members(session: int) -> Iterable[int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if (stat := _stat(pid)) and stat.session == session]


def _boot_id() -> str:
    return BOOT_ID.read_text().strip()


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _spawn(daemon: Daemon) -> int:
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        daemon.argv[0],
        daemon.argv,
        daemon.environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(daemon.log), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGTERM],
    )
