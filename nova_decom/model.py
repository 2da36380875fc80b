# SPDX-License-Identifier: Apache-2.0
"""Frozen values: what is known about a host, what is to be done, what came of it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

NOVA_COMPUTE = "nova-compute"

#: A migration in one of these states is over; every other state blocks nova's own delete
#: (nova 34.0.0 db/main/api.py:3300, the list of ``migration_get_in_progress_and_error...``).
TERMINAL_MIGRATIONS = frozenset(
    {"confirmed", "reverted", "completed", "done", "failed", "error", "cancelled"}
)


class Verdict(StrEnum):
    """What a guard says."""

    OK = "ok"
    WARNING = "warning"
    BLOCKED = "blocked"


class Result(StrEnum):
    """How a host ended."""

    PLANNED = "planned"
    REMOVED = "removed"
    DRAINED = "drained"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CLEAN = "clean"
    LEFTOVERS = "leftovers"


class Status(StrEnum):
    """How a change ended."""

    PLANNED = "planned"
    DONE = "done"
    NOT_NEEDED = "not-needed"
    FAILED = "failed"
    PENDING = "pending"


class Part(StrEnum):
    """A part of the facts that can be read again by itself."""

    SERVICES = "services"
    COMPUTE_NODES = "compute-nodes"
    SERVERS = "servers"
    MIGRATIONS = "migrations"
    AGGREGATES = "aggregates"
    PROVIDERS = "providers"
    ALLOCATIONS = "allocations"
    AGENTS = "agents"
    DATABASE = "database"
    HEARTBEATS = "heartbeats"
    UNIT = "unit"


#: What planning reads. The unit on the host is asked for only by the step that stops it, and
#: the heartbeats come with the services and their rows.
PLANNED_PARTS = frozenset(Part) - {Part.UNIT, Part.HEARTBEATS}


class StopWith(StrEnum):
    """How nova-compute is stopped on the host."""

    SSH = "ssh"
    COMMAND = "command"
    NONE = "none"


class Rows(StrEnum):
    """What becomes of the host's rows in the cell database."""

    PURGE = "purge"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asked for, as far as it decides what is to be done."""

    claim: str = "nova-decom RUN: decommissioned"
    stop_with: StopWith = StopWith.SSH
    offline: bool = False
    rows: Rows = Rows.PURGE
    all_binaries: bool = False
    absent_ok: bool = False
    skip_guards: frozenset[str] = frozenset()
    report_interval: float = 10.0

    @property
    def silence(self) -> float:
        """Seconds for which a heartbeat must stand still: two report intervals."""
        return 2 * self.report_interval


@dataclass(frozen=True, slots=True)
class ComputeService:
    """An entry of ``GET /os-services``; ``id`` is None when its cell does not answer."""

    id: str | None
    binary: str
    host: str
    zone: str | None = None
    status: str = "enabled"
    state: str | None = "up"
    forced_down: bool = False
    disabled_reason: str | None = None
    updated_at: str | None = field(default=None, compare=False)

    @property
    def is_up(self) -> bool:
        """One reading; the heartbeat is the proof."""
        return self.state == "up"

    @property
    def takes_servers(self) -> bool:
        """True when the scheduler may choose this host."""
        return self.binary == NOVA_COMPUTE and self.is_up and self.status == "enabled"


@dataclass(frozen=True, slots=True)
class ComputeNode:
    """An entry of ``GET /os-hypervisors/detail`` at a microversion with uuids (2.53)."""

    uuid: str
    host: str
    hypervisor_hostname: str
    hypervisor_type: str = "QEMU"


@dataclass(frozen=True, slots=True)
class Server:
    """A server as the API tells it; ``vm_state`` SOFT_DELETED included."""

    id: str
    name: str
    host: str
    status: str
    task_state: str | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration that is not over, with this host as its source or destination."""

    id: int
    uuid: str
    server: str
    status: str
    type: str
    source: str
    destination: str | None
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A host aggregate and its members."""

    id: int
    name: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceProvider:
    """A resource provider; the root of a tree is its own root."""

    uuid: str
    name: str
    root: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one consumer holds of one resource provider."""

    provider: str
    consumer: str
    resources: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkAgent:
    """A neutron agent of exactly this host."""

    id: str
    binary: str
    agent_type: str
    host: str
    alive: bool


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A row of ``<cell>.services``, soft-deleted ones included."""

    id: int
    uuid: str | None
    host: str
    binary: str
    deleted: int
    report_count: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ComputeNodeRow:
    """A row of ``<cell>.compute_nodes``, soft-deleted ones included."""

    id: int
    uuid: str | None
    host: str | None
    hypervisor_hostname: str
    service_id: int | None
    deleted: int
    mapped: int = 0
    hypervisor_type: str = "QEMU"


@dataclass(frozen=True, slots=True)
class PciDeviceRow:
    """A row of ``<cell>.pci_devices``."""

    id: int
    compute_node_id: int
    address: str
    status: str
    instance_uuid: str | None
    deleted: int


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """A row of ``<cell>.instances`` that is not deleted."""

    uuid: str
    name: str
    vm_state: str
    task_state: str | None = None


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the databases hold of this host.

    ``cell`` is None when no cell names the host. ``problems`` are sentences for the guard
    database-access. ``nodes_needed`` counts instances, deleted ones included, that name the
    host and whose ``compute_id`` is still NULL: nova's online migration needs the
    compute_nodes row for them (nova 28, objects/instance.py:1366).
    """

    cell: str | None = None
    cells_naming_host: tuple[str, ...] = ()
    cell_hosts: frozenset[str] = field(default=frozenset(), compare=False)
    host_mapping: str | None = None
    aggregate_hosts: tuple[int, ...] = ()
    services: tuple[ServiceRow, ...] = ()
    compute_nodes: tuple[ComputeNodeRow, ...] = ()
    pci_devices: tuple[PciDeviceRow, ...] = ()
    instances: tuple[InstanceRow, ...] = ()
    active_migrations: tuple[Migration, ...] = ()
    nodes_needed: int = 0
    in_history: bool = False
    problems: tuple[str, ...] = ()

    @property
    def row_ids(self) -> tuple[int, ...]:
        """Ids of the compute_nodes rows, live or soft-deleted, that are this host's."""
        return tuple(row.id for row in self.compute_nodes)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How long the heartbeat of one service has stood still; seconds of a monotonic clock."""

    service: str
    binary: str
    value: str
    since: float
    until: float
    moved: bool = False

    @property
    def still_for(self) -> float:
        """Seconds between the first and the last look at the present value."""
        return self.until - self.since

    def seen(self, value: str, now: float) -> Heartbeat:
        """The heartbeat after one more look at it."""
        if value == self.value:
            return replace(self, until=now)
        return replace(self, value=value, since=now, until=now, moved=True)


@dataclass(frozen=True, slots=True)
class Unit:
    """The nova-compute unit as the host's service manager tells it."""

    name: str
    active: bool
    enabled: bool

    @property
    def is_off(self) -> bool:
        """Neither running nor coming back at the next boot."""
        return not self.active and not self.enabled


@dataclass(frozen=True, slots=True)
class Identity:
    """Every name and uuid under which the host was ever seen; outlives the rows."""

    node_uuids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def union(self, other: Identity) -> Identity:
        """Both together."""
        return Identity(self.node_uuids | other.node_uuids, self.names | other.names)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the guards must know of all the other hosts."""

    services: tuple[ComputeService, ...] = ()
    names: frozenset[str] = frozenset()

    @property
    def unanswering(self) -> int:
        """Entries without id or with status UNKNOWN: their cell is down (microversion 2.69)."""
        return sum(s.id is None or s.status.upper() == "UNKNOWN" for s in self.services)


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Everything that was read about one host. Equal facts mean an equal host."""

    host: str
    request: Request = field(default_factory=Request)
    services: tuple[ComputeService, ...] = ()
    compute_nodes: tuple[ComputeNode, ...] = ()
    servers: tuple[Server, ...] = ()
    migrations: tuple[Migration, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    providers: tuple[ResourceProvider, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    agents: tuple[NetworkAgent, ...] = ()
    database: DatabaseFacts | None = None
    heartbeats: tuple[Heartbeat, ...] = field(default=(), compare=False)
    unit: Unit | None = field(default=None, compare=False)
    identity: Identity = field(default_factory=Identity, compare=False)
    fleet: Fleet = field(default_factory=Fleet, compare=False)
    was_known: bool = field(default=False, compare=False)
    unchecked: tuple[str, ...] = field(default=(), compare=False)

    @property
    def service(self) -> ComputeService | None:
        """The nova-compute service of exactly this host, or None when nova has none."""
        return next((s for s in self.services if s.binary == NOVA_COMPUTE), None)

    @property
    def leaving_services(self) -> tuple[ComputeService, ...]:
        """The services that this run takes: nova-compute, and with --all-binaries those down."""
        others = self.request.all_binaries
        return tuple(
            s for s in self.services if s.binary == NOVA_COMPUTE or (others and not s.is_up)
        )

    @property
    def kept_services(self) -> tuple[ComputeService, ...]:
        """Services of other binaries on this host, which stay."""
        return tuple(s for s in self.services if s not in self.leaving_services)

    @property
    def leaving_binaries(self) -> frozenset[str]:
        """The binaries whose rows may go: nova-compute and those that no longer live."""
        kept = {s.binary for s in self.kept_services}
        if not self.request.all_binaries:
            return frozenset({NOVA_COMPUTE})
        rows = self.database.services if self.database else ()
        return frozenset({r.binary for r in rows} | {NOVA_COMPUTE}) - kept

    def heartbeat_of(self, service: ComputeService) -> Heartbeat | None:
        """The heartbeat of one of the services, if it was looked at."""
        return next((h for h in self.heartbeats if h.service == service.id), None)

    def is_silent(self, service: ComputeService) -> bool:
        """True when the heartbeat is proved to stand still over two report intervals."""
        heartbeat = self.heartbeat_of(service)
        return heartbeat is not None and heartbeat.still_for >= self.request.silence


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement and the number of rows that it must find or touch; no more, no less."""

    sql: str
    params: tuple[int | str, ...]
    rows: int

    @property
    def is_read(self) -> bool:
        """True for the reads that come before any write."""
        return self.sql.startswith("SELECT")

    @property
    def is_image(self) -> bool:
        """True when the rows found are the before-image of what will be written."""
        return self.sql.startswith("SELECT *")

    @property
    def text(self) -> str:
        """The statement as it runs; the database client refuses to run any other text."""
        return self.sql % tuple(_literal(p) for p in self.params)

    @property
    def probe(self) -> str:
        """For a write, the read (same parameters) that finds the rows it has still to touch."""
        head, where = self.sql.split(" WHERE ", maxsplit=1)
        table = head.removeprefix("DELETE FROM ").removeprefix("UPDATE ").split()[0]
        return f"SELECT id FROM {table} WHERE {where}"


_ESCAPES = str.maketrans(
    {
        "\0": "\\0",
        "\n": "\\n",
        "\r": "\\r",
        "\x1a": "\\Z",
        '"': '\\"',
        "'": "\\'",
        "\\": "\\\\",
    }
)


def _literal(value: int | str) -> str:
    return str(value) if isinstance(value, int) else f"'{value.translate(_ESCAPES)}'"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Statements that happen together or not at all: first reads that guard, then writes.

    What a read of whole rows (``SELECT *``) finds is saved in the journal before any write.
    """

    cell: str
    host: str
    statements: tuple[Statement, ...]

    @property
    def reads(self) -> tuple[Statement, ...]:
        """The rows to save, and the guards that must find what was planned."""
        return tuple(s for s in self.statements if s.is_read)

    @property
    def writes(self) -> tuple[Statement, ...]:
        """The statements that change rows."""
        return tuple(s for s in self.statements if not s.is_read)

    @property
    def rows(self) -> int:
        """The number of rows that the transaction changes."""
        return sum(s.rows for s in self.writes)


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation as data: what the plan shows is what runs."""

    step: str
    action: str
    target: str
    detail: str
    rows: int | None = None
    transaction: Transaction | None = field(default=None, compare=False)
    only_waits: bool = field(default=False, compare=False)

    @property
    def key(self) -> tuple[str, str, str, int | None]:
        """What makes two changes the same change."""
        return (self.step, self.action, self.target, self.rows)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one guard saw."""

    guard: str
    verdict: Verdict
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A trace of the host that is still somewhere, and what cures it."""

    kind: str
    target: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Something of the host that stays on purpose, and why."""

    binary: str
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The findings, the changes in order, and the facts expected at the end."""

    host: str
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    leftovers: tuple[Leftover, ...]
    kept: tuple[Kept, ...]
    result: HostFacts
    unchecked: tuple[str, ...] = ()

    @property
    def blocked(self) -> tuple[Finding, ...]:
        """The findings that forbid to begin."""
        return tuple(f for f in self.findings if f.verdict is Verdict.BLOCKED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change and what became of it; ``begun`` when it was made, or may have been."""

    change: Change
    status: Status
    request_id: str | None = None
    error: str | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True)
class HostReport:
    """What one command did to, or saw of, one host."""

    host: str
    result: Result
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    kept: tuple[Kept, ...] = ()
    unchecked: tuple[str, ...] = ()
    error: str | None = None
    remedy: str | None = None
    exit_code: int = 0

    @property
    def changed(self) -> bool:
        """True when at least one change was made, or may have been."""
        return any(o.begun and not o.change.only_waits for o in self.outcomes)


@dataclass(frozen=True, slots=True)
class Report:
    """What a command returns; the output package renders it as text, JSON or YAML."""

    command: str
    exit_code: int
    hosts: tuple[HostReport, ...] = ()
    run: str | None = None
    error: str | None = None
    remedy: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """True when any host was changed."""
        return any(h.changed for h in self.hosts)


def summary(thing: object) -> str:
    """The first sentence of the docstring of a step or of a guard."""
    return " ".join((thing.__doc__ or "").split("\n\n", maxsplit=1)[0].split())
