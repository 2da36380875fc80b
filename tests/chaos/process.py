# SPDX-License-Identifier: Apache-2.0
"""One life of the real program: ``nova-decom remove``, in a process of its own that may die.

All of it runs as it is, from the command line to the exit code. Only what reaches beyond the
process passes by fate: journal, database, HTTP and ssh. Time passes when somebody sleeps.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import requests
from pymysql.cursors import DictCursor

import nova_decom.cli.context as app_module
import nova_decom.cli.run as remove_module
from nova_decom.apply.interrupts import Interrupts
from nova_decom.cli.main import run as run_command
from nova_decom.clients.host.ssh import Remote
from nova_decom.clients.mysql.connection import Database
from nova_decom.clients.mysql.transaction import WritableDatabase
from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.session import connect
from nova_decom.clock import Clock
from nova_decom.errors import ChangeFailedError, JournalError
from nova_decom.model.machine import Machine, StopOrder, SystemdUnit, UnitIdentity
from nova_decom.state.journal import RunJournal
from tests.chaos.fate import Disturbance, Fate, Kind, Mode
from tests.database.server import Server
from tests.faults.adapter import Answer, ScriptedAdapter
from tests.faults.openstack import UNIT_OFF, UNIT_ON, OpenStack, State

UNIT = "nova-compute.service"
#: Hosts that nobody stops.
NEIGHBOURS = ("node2", "node10", "node1.example.org")
SERVER_LOST = 2013
#: Real seconds after which a process that does not end is ended.
PATIENCE = 120


@dataclass(frozen=True)
class Site:
    """Where a story happens."""

    server: Server
    directory: Path
    #: The scripted cloud is served by somebody else, not by the process itself.
    over_tcp: bool = False

    @property
    def state(self) -> Path:
        """What of the cloud is no row."""
        return self.directory / "cloud.json"

    @property
    def state_dir(self) -> Path:
        """Of the program."""
        return self.directory / "state"

    @property
    def told(self) -> Path:
        """What a process that lived to its end tells of itself."""
        return self.directory / "told.json"


@dataclass(frozen=True)
class Ended:
    """How a process ended; minus nine by SIGKILL."""

    code: int
    output: dict[str, Any]
    points: tuple[str, ...]
    struck: tuple[str, ...]


def live(site: Site, arguments: list[str], disturbance: Disturbance | None = None) -> Ended:
    """Fork, remove, and tell how it ended."""
    site.told.unlink(missing_ok=True)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _child(site, arguments, Fate(disturbance))
    _, status = os.waitpid(child, 0)
    told = json.loads(site.told.read_text()) if site.told.exists() else {}
    return Ended(
        os.waitstatus_to_exitcode(status),
        told.get("output", {}),
        tuple(told.get("points", ())),
        tuple(told.get("struck", ())),
    )


def _child(site: Site, arguments: list[str], fate: Fate) -> None:
    code = 99
    signal.alarm(PATIENCE)
    try:
        output = site.directory / "stdout"
        # The parent's own streams are left alone.
        sys.stdout = output.open("w")
        sys.stderr = (site.directory / "stderr").open("w")
        _install(site, fate)
        code = run_command([*arguments, "--state-dir", str(site.state_dir)])
        sys.stdout.flush()
        text = output.read_text()
        told = {"output": json.loads(text) if text else {}}
        told |= {"points": fate.points, "struck": fate.struck}
        site.told.write_text(json.dumps(told))
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def _install(site: Site, fate: Fate) -> None:
    """Put fate between the program and the world. This process ends soon; nothing is undone."""
    root = site.server.connect()
    clock = Beating(site, root).clock
    openstack = OpenStack(root, site.state)

    def scripted(*arguments: Any, **options: Any) -> Any:
        connection = connect(*arguments, **options)
        connection.session.mount("http://", ScriptedAdapter(openstack, around(fate, openstack)))
        return connection

    targets: dict[str, Any] = {
        "connect": scripted,
        "Api": lambda connection, request_id, _clock: Api(connection, request_id, clock),
        "Database": lambda target: _fated(Database(target, clock), fate),
        "WritableDatabase": lambda target: _fated(WritableDatabase(target, clock), fate),
        "Remote": lambda _config: FatedRemote(site.state, fate),
        "WritableRemote": lambda _config: FatedWritableRemote(site.state, fate),
    }
    if site.over_tcp:
        del targets["connect"]
    for name, target in targets.items():
        setattr(app_module, name, target)
    remove_module.RunJournal = lambda *a: FatedJournal(fate, *a)  # type: ignore[assignment,misc]
    Interrupts.clock = lambda _self, _tick=0.2: clock  # type: ignore[method-assign]


class Beating:
    """Time that passes only in sleep, and the heartbeats of hosts whose units are on."""

    def __init__(self, site: Site, root: pymysql.Connection) -> None:
        self._site = site
        self._root = root
        self._now = time.monotonic()

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self._now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        beats = int(self._now + seconds) - int(self._now)
        self._now += seconds
        units = dict.fromkeys(NEIGHBOURS, UNIT_ON) | State.read(self._site.state).units
        living = [host for host, unit in units.items() if unit["active"]]
        for host in living if beats else ():
            with self._root.cursor() as cursor:
                cursor.execute(
                    "UPDATE nova.services SET report_count = report_count + %s, "
                    "updated_at = UTC_TIMESTAMP() WHERE host = %s AND `binary` = 'nova-compute' "
                    "AND deleted = 0",
                    (beats, host),
                )


class FatedJournal(RunJournal):
    """Each line may be the last one, or half of it."""

    def __init__(self, fate: Fate, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._fate = fate

    def event(self, kind: str, **data: Any) -> None:
        mode = self._fate.at(Kind.JOURNAL, kind)
        if mode is Mode.FULL:
            raise JournalError(f"the journal {self.path} cannot be written", "make room")
        if mode is Mode.KILL_DURING:
            os.write(self._file, b'{"v": 1, "at": "2026-')
            self._fate.die()
        super().event(kind, **data)
        if mode is Mode.KILL_AFTER:
            self._fate.die()


def _fated(database: Database, fate: Fate) -> Database:
    """Statements of this connection pass by fate, those that set up the session apart."""

    class FatedCursor(DictCursor):
        def execute(self, query: str, args: Any = None) -> int:
            mode = fate.at(Kind.SQL, query)
            if mode is Mode.LOST_BEFORE:
                self.connection._force_close()
                raise pymysql.OperationalError(SERVER_LOST, "Lost connection, by the script")
            if mode is Mode.REVOKED:
                raise pymysql.OperationalError(1142, "command denied to user, by the script")
            if mode is Mode.DEADLOCK:
                super().execute("ROLLBACK")
                raise pymysql.OperationalError(1213, "Deadlock found, by the script")
            found = super().execute(query, args)
            if mode is Mode.KILL_AFTER:
                fate.die()
            if mode is Mode.LOST_AFTER:
                self.connection._force_close()
                raise pymysql.OperationalError(SERVER_LOST, "Lost connection, by the script")
            return found

    original = database._connect

    def connect_fated() -> Any:
        connection = original()
        connection.cursorclass = FatedCursor
        return connection

    database._connect = connect_fated  # type: ignore[method-assign]
    return database


REFUSALS = {Mode.UNAVAILABLE: 503, Mode.TOO_MANY: 429, Mode.CONFLICT: 409}
PAGE = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}


def around(fate: Fate, openstack: OpenStack) -> Callable[[str, Callable[[], Answer]], Answer]:
    """What happens to one request."""

    def call(what: str, ask: Callable[[], Answer]) -> Answer:
        mode = fate.at(Kind.HTTP, what)
        if mode in REFUSALS:
            is_read = what.startswith(("GET", "POST /identity"))
            code = 503 if is_read else REFUSALS[mode]
            return code, PAGE | {"Retry-After": "1"}, b"<html>not now</html>"
        if mode is Mode.REVOKED:
            return 403, JSON, b'{"forbidden": {"code": 403, "message": "Policy, by the script"}}'
        if mode is Mode.LOST_BEFORE:
            raise requests.ConnectionError("reset, by the script")
        openstack.halfway = mode is Mode.HALFWAY
        answer = ask()
        if mode is Mode.KILL_AFTER:
            fate.die()
        return _spoilt(mode, answer)

    return call


def _spoilt(mode: Mode | None, answer: Answer) -> Answer:
    """What comes back of an answer."""
    if mode is Mode.LOST_AFTER:
        raise requests.ConnectionError("reset, by the script")
    if mode is Mode.TRUNCATED:
        raise requests.exceptions.ChunkedEncodingError("truncated, by the script")
    if mode is Mode.GATEWAY:
        return 502, PAGE, b"<html>bad gateway</html>"
    if mode is Mode.FOREIGN:
        return 200, PAGE, b"<html>welcome</html>"
    return answer


class FatedRemote(Remote):
    """The host by the script."""

    def __init__(self, state: Path, fate: Fate) -> None:
        super().__init__()
        self._state = state
        self._fate = fate

    def machine(self, host: str) -> Machine:
        with _ssh(self._fate, f"look at {host}"):
            unit = SystemdUnit(UNIT, **State.read(self._state).units.get(host, UNIT_ON))
            # On every second host the user of ssh sees no processes.
            processes = int(unit.active) if host < "node10" else None
            return Machine((host,), (UnitIdentity(unit, host),), "sum", processes)


class FatedWritableRemote(FatedRemote):
    """A host whose unit can be stopped."""

    def stop(self, host: str, order: StopOrder) -> None:
        assert order.units == (UNIT,), order
        with _ssh(self._fate, f"stop {host}"):
            state = State.read(self._state)
            state.units[host] = UNIT_OFF
            state.write()


@contextmanager
def _ssh(fate: Fate, what: str) -> Iterator[None]:
    """One command on the host."""
    mode = fate.at(Kind.SSH, what)
    if mode is Mode.LOST_BEFORE:
        raise ChangeFailedError("ssh failed with 255, by the script", "look")
    yield
    if mode is Mode.KILL_AFTER:
        fate.die()
    if mode is Mode.LOST_AFTER:
        raise ChangeFailedError("ssh failed with 255, by the script", "look")
