# SPDX-License-Identifier: Apache-2.0
"""A nova that moves the servers of one host, with its own idea of what happens and when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from nova_decom.errors import ConflictError, NotFoundError, UnavailableError
from nova_decom.model.cloud import Action, LiveProgress, Migration, MoveSnapshot, Owner, Server
from nova_decom.model.host import HostFacts

BEGINS, TAKES, CONFIRMS, LINGERS = 1.0, 10.0, 1.0, 3.0
ALLOWED = {
    Action.LIVE: {"ACTIVE", "PAUSED"},
    Action.COLD: {"ACTIVE", "SHUTOFF"},
    Action.EVACUATE: {"ACTIVE", "SHUTOFF", "ERROR"},
    Action.OFFLOAD: {"SHELVED"},
    Action.CONFIRM: {"VERIFY_RESIZE"},
    Action.START: {"SHUTOFF"},
    Action.STOP: {"ACTIVE"},
}
TYPES = {Action.LIVE: "live-migration", Action.COLD: "migration", Action.EVACUATE: "evacuation"}
SHOWN = {Action.LIVE: "MIGRATING", Action.COLD: "RESIZE", Action.EVACUATE: "REBUILD"}
#: How an attempt to move may go: as asked, failed on the other host, failed and the server in
#: ERROR, no host found, cancelled by somebody, never ending, accepted and forgotten.
WAYS = ("well", "fails", "breaks", "no host", "cancelled", "stuck", "forgotten")
WELL, FAILS, BREAKS, NO_HOST, CANCELLED, STUCK, FORGOTTEN = WAYS


@dataclass
class Nova:
    """What the host's servers do; ``world.truth`` shows what is left of it on the host."""

    world: object
    elsewhere: dict[str, Server] = field(default_factory=dict)
    records: dict[int, Migration] = field(default_factory=dict)
    scripts: dict[str, deque[str]] = field(default_factory=dict)
    takes: dict[str, float] = field(default_factory=dict)
    leaves_stopped: bool = False
    silent_until: float = 0.0
    looks: list[tuple[float, str]] = field(default_factory=list)
    asked: list[tuple[str, Action, str | None]] = field(default_factory=list)
    progress: dict[str, LiveProgress] = field(default_factory=dict)
    progress_asked: list[tuple[float, str]] = field(default_factory=list)
    most: int = 0
    before: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What goes on already goes on."""
        truth: HostFacts = self.world.truth
        for migration in truth.migrations:
            self._resume(migration)
        self._count(truth.migrations)
        for server in truth.servers:
            if server.status == "BUILD":
                self.world.time.at(TAKES, lambda s=server: self.set(s.id, status="ACTIVE"))

    def script(self, server: str, *ways: str, takes: float = TAKES) -> None:
        """How the next attempts to move this server go; later ones go well."""
        self.scripts[server] = deque(ways)
        self.takes[server] = takes

    # Reading

    def watch(self, host: str, look: str) -> MoveSnapshot:
        """The newest migrations of the host, and the servers of exactly one host."""
        self.looks.append((self.world.time.now(), look))
        self.answer()
        assert host == self.world.truth.host
        if look == host:
            servers = self.world.truth.servers
        else:
            servers = tuple(s for s in self.elsewhere.values() if s.host == look)
        newest = tuple(sorted(self.records.values(), key=lambda m: -m.id))
        return MoveSnapshot(newest, look, servers)

    def answer(self) -> None:
        """Nova answers, unless it is silent at the moment."""
        if self.world.time.now() < self.silent_until:
            raise UnavailableError("compute: no answer", "look")

    # Writing

    def act(self, server: str, action: Action, target: str | None) -> None:
        """What POST /servers/ID/action does."""
        self.asked.append((server, action, target))
        if server not in {*self.elsewhere, *(s.id for s in self.world.truth.servers)}:
            raise NotFoundError("HTTP 404: no such server", "look")
        found = self._server(server)
        if found.status not in ALLOWED[action] or found.task_state:
            raise ConflictError(f"HTTP 409: {found.status}, {found.task_state}", "look")
        self.before.setdefault(server, found.status)
        if action in TYPES:
            self._assert_service(action)
            self._move(found, action, target)
        elif action is Action.CONFIRM:
            self._confirm(server)
        elif action is Action.OFFLOAD:
            self.set(server, task_state="shelving_offloading")
            # Nova shows the new state, and a moment later no host.
            done = {"task_state": None, "status": "SHELVED_OFFLOADED"}
            self.world.time.at(TAKES - LINGERS, lambda: self.set(server, **done))
            self.world.time.at(TAKES, lambda: self.land(server, "", "SHELVED_OFFLOADED"))
        else:
            self.set(server, status={"SHUTOFF": "ACTIVE", "ACTIVE": "SHUTOFF"}[found.status])

    def _assert_service(self, action: Action) -> None:
        is_up = self.world.truth.service.is_up
        assert is_up is (action is not Action.EVACUATE), "nova answers 400"

    def _move(self, server: Server, action: Action, target: str | None) -> None:
        script = self.scripts.get(server.id)
        way = script.popleft() if script else WELL
        if way == FORGOTTEN:
            return
        number = max(self.records, default=100) + 1
        uuid = f"migration-{number}"
        migration = Migration(
            number, uuid, server.id, "accepted", TYPES[action], server.host, None
        )
        self.set(server.id, status=SHOWN[action], task_state="migrating")
        self._record(migration)
        goes = target or "node2"
        if way == NO_HOST:
            self.world.time.at(BEGINS, lambda: self._fail(number, server, "error", action))
            return
        running = {"status": "running", "destination": goes}
        self.world.time.at(BEGINS, lambda: self._become(number, **running))
        later = self.takes.get(server.id, TAKES)
        if way == BREAKS:
            server = replace(server, status="ERROR")
        if way in {FAILS, BREAKS, CANCELLED}:
            status = "cancelled" if way == CANCELLED else "error"
            self.world.time.at(later, lambda: self._fail(number, server, status, action))
        elif way == WELL:
            self.world.time.at(later, lambda: self._arrive(number, server, goes, action))

    def _fail(self, number: int, server: Server, status: str, action: Action) -> None:
        """The server is where it was; evacuation makes it an ERROR."""
        self._become(number, status=status)
        state = "ERROR" if action is Action.EVACUATE else server.status
        self.set(server.id, status=state, task_state=None)

    def _arrive(self, number: int, server: Server, goes: str, action: Action) -> None:
        if not self._knows(server.id):
            self._become(number, status="error")
            return
        if action is Action.COLD:
            self.land(server.id, goes, "VERIFY_RESIZE")
            self._become(number, status="finished")
            return
        status = server.status
        if action is Action.EVACUATE:
            status = "SHUTOFF" if self.leaves_stopped else status.replace("ERROR", "ACTIVE")
        self.land(server.id, goes, status)
        self._become(number, status="done" if action is Action.EVACUATE else "completed")

    def _confirm(self, server: str) -> None:
        number = next(
            m.id for m in self.records.values() if (m.server, m.status) == (server, "finished")
        )
        self._become(number, status="confirming")

        def confirmed() -> None:
            self._become(number, status="confirmed")
            status = self.before.get(server, "ACTIVE")
            self.set(server, status="ACTIVE" if status == "VERIFY_RESIZE" else status)

        self.world.time.at(CONFIRMS, confirmed)

    def _resume(self, migration: Migration) -> None:
        """A migration that somebody began before."""
        host, number = self.world.truth.host, migration.id
        self.records[number] = migration
        arrived = Server(migration.server, migration.server, "node2", "VERIFY_RESIZE")
        if migration.status == "finished":
            if migration.source == host:
                self.elsewhere[migration.server] = arrived
            return

        def end() -> None:
            if migration.source == host:
                self.land(migration.server, "node2", "ACTIVE")
            else:
                self.arrive(replace(arrived, host=host, status="ACTIVE"))
            self._become(number, status="completed")

        self.world.time.at(TAKES, end)

    # What is where

    def arrive(self, server: Server) -> None:
        """A server appears on the host."""
        if self.world.truth.service is None:
            return  # nova sends nothing to a host that it does not have
        self.world.change(servers=(*self.world.truth.servers, server))

    def delete(self, server: str) -> None:
        """Its owner deletes it."""
        self.elsewhere.pop(server, None)
        self._leave(server)
        for number, record in tuple(self.records.items()):
            if record.server == server and record.status == "finished":
                self._become(number, status="confirmed")

    def land(self, server: str, host: str, status: str) -> None:
        """It is on another host, or on none."""
        if self._knows(server):
            found = self._server(server)
            self.elsewhere[server] = replace(found, host=host, status=status, task_state=None)
            self._leave(server)

    def set(self, server: str, **what: object) -> None:
        """Something happens to a server, wherever it is."""
        if server in self.elsewhere:
            self.elsewhere[server] = replace(self.elsewhere[server], **what)
        servers = self.world.truth.servers
        self.world.change(
            servers=tuple(replace(s, **what) if s.id == server else s for s in servers)
        )

    def _knows(self, server: str) -> bool:
        return server in {*self.elsewhere, *(s.id for s in self.world.truth.servers)}

    def _server(self, server: str) -> Server:
        here = {s.id: s for s in self.world.truth.servers}
        return here.get(server) or self.elsewhere[server]

    def _leave(self, server: str) -> None:
        """Nova takes its allocations along, unless the host is dead."""
        truth = self.world.truth
        base = truth.database
        if truth.service is not None and truth.service.is_up:
            held = tuple(a for a in truth.allocations if a.consumer != server)
        else:
            held = tuple(
                replace(a, owner=Owner.ELSEWHERE) if a.consumer == server else a
                for a in truth.allocations
            )
        if base is not None:
            rest = tuple(i for i in base.instances if i.uuid != server)
            base = replace(base, instances=rest)
        servers = tuple(s for s in truth.servers if s.id != server)
        self.world.change(servers=servers, allocations=held, database=base)

    def _become(self, number: int, **what: object) -> None:
        migration = self.records[number]
        if not migration.is_over:
            self._record(replace(migration, **what))

    def _record(self, migration: Migration) -> None:
        self.records[migration.id] = migration
        truth = self.world.truth
        active = tuple(m for m in self.records.values() if not m.is_over)
        held = truth.allocations
        if migration.is_over:
            held = tuple(a for a in held if a.consumer != migration.uuid)
        base = truth.database
        if base is not None:
            known = {m.id for m in active}
            rest = tuple(m for m in base.active_migrations if m.id in known)
            base = replace(base, active_migrations=rest)
        self.world.change(migrations=active, allocations=held, database=base)
        self._count(active)

    def _count(self, active: tuple[Migration, ...]) -> None:
        host = self.world.truth.host
        leaving = [m for m in active if m.leaves(host) and m.status != "finished"]
        self.most = max(self.most, len(leaving))
