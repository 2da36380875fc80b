# SPDX-License-Identifier: Apache-2.0
"""Names with a fixed set of values, and what the operator asks for. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NOVA_COMPUTE = "nova-compute"


#: What a transaction names in place of a cell when it is for nova's API database.
API_DATABASE = "API database"


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
    ENABLED = "enabled"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CLEAN = "clean"
    LEFTOVERS = "leftovers"
    RESTORED = "restored"


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
    ROOM = "room"
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


class Servers(StrEnum):
    """By which way servers leave the host."""

    REFUSE = "refuse"
    LIVE = "live"
    COLD = "cold"
    AUTO = "auto"
    EVACUATE = "evacuate"


class Action(StrEnum):
    """What nova is asked to do with a server, by the name of the action in its API."""

    LIVE = "os-migrateLive"
    COLD = "migrate"
    EVACUATE = "evacuate"
    CONFIRM = "confirmResize"
    OFFLOAD = "shelveOffload"
    START = "os-start"
    STOP = "os-stop"


class Rows(StrEnum):
    """What becomes of the host's rows in the cell database."""

    PURGE = "purge"
    KEEP = "keep"


class Owner(StrEnum):
    """Whose an allocation of the host's providers is, by what nova knows of the consumer."""

    HERE = "here"  # a server on the host, or a migration in progress: it belongs there
    ELSEWHERE = "elsewhere"  # a server that lives on another host, or on none
    MIGRATION = "migration"  # a migration that is over
    NOTHING = "nothing"  # neither: the server was deleted
    FOREIGN = "foreign"  # not nova's at all


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asked for, as far as it decides what is to be done."""

    claim: str = "nova-decom RUN by OPERATOR: decommissioned"
    stop_with: StopWith = StopWith.SSH
    offline: bool = False
    rows: Rows = Rows.PURGE
    all_binaries: bool = False
    keep_agents: bool = False
    aliases: frozenset[str] = frozenset()
    absent_ok: bool = False
    skip_guards: frozenset[str] = frozenset()
    report_interval: float = 10.0
    servers: Servers = Servers.REFUSE
    target: str | None = None
    confirm_resizes: bool = False
    leave_stopped: bool = False
    leaving: frozenset[str] = frozenset()
    max_hosts: int = 10

    @property
    def moves_servers(self) -> bool:
        """True when a way is chosen by which servers leave."""
        return self.servers is not Servers.REFUSE

    @property
    def evacuates(self) -> bool:
        """True when the host is dead, so that its servers are built anew elsewhere."""
        return self.moves_servers and self.offline

    @property
    def silence(self) -> float:
        """Seconds for which a heartbeat must stand still: two report intervals."""
        return 2 * self.report_interval
