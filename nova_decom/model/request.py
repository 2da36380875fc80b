# SPDX-License-Identifier: Apache-2.0
"""The operator's choices that decide what a plan contains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: nova's default report_interval: seconds between two heartbeats of a service.
REPORT_INTERVAL = 10.0


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
    DATABASE = "database"
    HEARTBEATS = "heartbeats"
    UNIT = "unit"


#: The parts of nova that planning reads. The unit on the host is asked for only by the step that
#: stops it, and the heartbeats come with the services and their rows.
NOVA_PARTS = frozenset(Part) - {Part.UNIT, Part.HEARTBEATS}


class StopWith(StrEnum):
    """How nova-compute is stopped on the host."""

    SSH = "ssh"
    COMMAND = "command"
    NONE = "none"


class Servers(StrEnum):
    """The way by which servers leave the host."""

    REFUSE = "refuse"
    LIVE = "live"
    COLD = "cold"
    AUTO = "auto"
    EVACUATE = "evacuate"
    STOP = "stop"


class Rows(StrEnum):
    """Whether the host's rows in the cell database are purged or kept."""

    PURGE = "purge"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Request:
    """The operator's options that decide the plan."""

    claim: str = "nova-decom RUN by OPERATOR: decommissioned"
    stop_with: StopWith = StopWith.SSH
    offline: bool = False
    rows: Rows = Rows.PURGE
    #: Rows that nova itself has soft-deleted are no leftovers where nothing else is left.
    history_may_stay: bool = False
    all_binaries: bool = False
    keep_agents: bool = False
    reschedule_agents: bool = False
    discard_messages: bool = False
    close_evacuations: bool = False
    aliases: frozenset[str] = frozenset()
    absent_ok: bool = False
    skip_guards: frozenset[str] = frozenset()
    report_interval: float = REPORT_INTERVAL
    servers: Servers = Servers.REFUSE
    target: str | None = None
    confirm_resizes: bool = False
    leave_stopped: bool = False
    rebuild_local_disks: bool = False
    partial: bool = False
    #: Servers may be left behind: nothing is deleted while one is on the host.
    may_be_partial: bool = False
    leaving: frozenset[str] = frozenset()
    max_hosts: int = 10
    #: The servers (ids) that are to move; None for all.
    only: frozenset[str] | None = None
    #: The host to which servers of a drain come back; the servers that were stopped on it, and
    #: those that do not come back, each with why.
    home: str | None = None
    stopped: frozenset[str] = frozenset()
    staying: tuple[str, ...] = ()

    @property
    def reviewed(self) -> dict[str, Any]:
        """The options that a reviewed plan binds, as they are written into a plan file."""
        return {
            "servers": str(self.servers),
            "target": self.target,
            "confirm_resizes": self.confirm_resizes,
            "leave_stopped": self.leave_stopped,
            "rebuild_local_disks": self.rebuild_local_disks,
            "partial": self.partial,
            "stop_with": str(self.stop_with),
            "offline": self.offline,
            "rows": str(self.rows),
            "all_binaries": self.all_binaries,
            "keep_agents": self.keep_agents,
            "reschedule_agents": self.reschedule_agents,
            "discard_messages": self.discard_messages,
            "close_evacuations": self.close_evacuations,
            "host_alias": sorted(self.aliases),
            "skip_guard": sorted(self.skip_guards),
        }

    @property
    def moves_servers(self) -> bool:
        """True when the run moves servers, or stops or starts them where they are."""
        return self.servers is not Servers.REFUSE

    def leaves(self, server: str) -> bool:
        """True when this server is not among those that are to move."""
        return self.only is not None and server not in self.only

    @property
    def evacuates(self) -> bool:
        """True when the host is dead, so that its servers are rebuilt on other hosts."""
        return self.moves_servers and self.offline

    @property
    def asks_machines(self) -> bool:
        """True when the run asks the machines of its hosts over ssh."""
        return self.stop_with is StopWith.SSH and not self.offline

    @property
    def silence(self) -> float:
        """Seconds for which a heartbeat must be unchanged: two report intervals."""
        return 2 * self.report_interval
