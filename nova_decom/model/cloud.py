# SPDX-License-Identifier: Apache-2.0
"""Services, servers, migrations, providers and the like, as the APIs show them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

NOVA_COMPUTE = "nova-compute"
#: A migration in one of these states is over; every other state blocks nova's own delete
#: (nova 34.0.0 db/main/api.py:3300, the list of ``migration_get_in_progress_and_error...``).
TERMINAL_MIGRATIONS = frozenset(
    {"confirmed", "reverted", "completed", "done", "failed", "error", "cancelled"}
)


def seconds_between(earlier: str | None, later: str | None) -> float | None:
    """Seconds between two times of nova's, which are in UTC; None where one is not known."""
    if not earlier or not later:
        return None
    begin, end = (datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (earlier, later))
    return (end - begin).total_seconds()


class Owner(StrEnum):
    """The owner of an allocation of the host, by nova's records of its consumer."""

    HERE = "here"  # a server on the host, or a migration in progress: it belongs there
    ARRIVING = "arriving"  # a server without a host yet, or one that is here and not yet listed
    BUSY = "busy"  # a server on another host with a task in progress: it may be coming
    ELSEWHERE = "elsewhere"  # a server that lives on another host, or on none
    MIGRATION = "migration"  # a migration that is over
    NOTHING = "nothing"  # neither: the server was deleted
    FOREIGN = "foreign"  # not nova's at all


class Action(StrEnum):
    """An action on a server, by its name in nova's API."""

    LIVE = "os-migrateLive"
    COLD = "migrate"
    EVACUATE = "evacuate"
    CONFIRM = "confirmResize"
    OFFLOAD = "shelveOffload"
    START = "os-start"
    STOP = "os-stop"


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
    """A server as the API tells it; ``vm_state`` SOFT_DELETED included.

    ``extra_specs`` are those of its flavor (from 2.47), ``image_properties`` those of the image
    that it boots from (from 2.98). ``pinned_zone`` is the availability zone
    that the scheduler keeps it in; ``pin_is_known`` is False below 2.96, which does not show it.
    ``has_local_disk``: it boots from an image, or its flavor has an ephemeral disk or swap.
    """

    id: str
    name: str
    host: str
    status: str
    task_state: str | None = None
    locked: bool = field(default=False, compare=False)
    extra_specs: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    image: str = field(default="", compare=False)
    image_properties: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    pinned_zone: str | None = field(default=None, compare=False)
    pin_is_known: bool = field(default=False, compare=False)
    has_local_disk: bool = field(default=False, compare=False)
    project: str = field(default="", compare=False)
    updated_at: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration with this host as its source or destination."""

    id: int
    uuid: str
    server: str
    status: str
    type: str
    source: str
    destination: str | None
    created_at: str | None = None
    updated_at: str | None = field(default=None, compare=False)
    #: The cell of its row, where it was read from one.
    cell: str | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """The uuid: ids are unique within a cell only. Rows of before nova 16 may have none."""
        return self.uuid or f"{self.id} of {self.server}"

    def leaves(self, host: str) -> bool:
        """True when the host is its source."""
        return self.source == host

    @property
    def is_over(self) -> bool:
        """True when nothing more will happen to it."""
        return self.status in TERMINAL_MIGRATIONS

    def is_open_evacuation(self, host: str) -> bool:
        """True when nova-compute of the host has still to delete its copy of the server.

        It does so when it starts, and sets the status ``completed`` (nova 34.0.0
        compute/manager.py, _destroy_evacuated_instances).
        """
        return self.type == "evacuation" and self.status == "done" and self.leaves(host)


def distinct(migrations: Iterable[Migration]) -> tuple[Migration, ...]:
    """Each migration once, though it was listed for its source and for its destination."""
    return tuple({m.key: m for m in migrations}.values())


@dataclass(frozen=True, slots=True)
class LiveProgress:
    """The bytes of memory and of disks that a live migration has to copy, and has left."""

    memory: int = 0
    memory_left: int = 0
    disk: int = 0
    disk_left: int = 0


@dataclass(frozen=True, slots=True)
class MoveSnapshot:
    """A reading of moves in progress: a host's newest migrations, and the servers of one host.

    ``looked`` is the host whose servers were read: the one that is being emptied, or another
    on which some have landed.
    """

    migrations: tuple[Migration, ...] = ()
    looked: str = ""
    servers: tuple[Server, ...] = ()

    def server(self, identity: str) -> Server | None:
        """A server on the host that was read."""
        return next((s for s in self.servers if s.id == identity), None)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A host aggregate and its members; ``uuid`` is its name in placement (from 2.41)."""

    id: int
    name: str
    hosts: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    uuid: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ServerGroup:
    """A server group; ``policy`` is affinity, anti-affinity or one of the soft ones.

    ``hosts`` are pairs of a member and its host, ``max_per_host`` is the rule of anti-affinity.
    """

    name: str
    policy: str
    members: tuple[str, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    max_per_host: int = 1

    def with_member_on(self, member: str, host: str) -> ServerGroup:
        """The group after ``member`` has moved to ``host``."""
        others = tuple(pair for pair in self.hosts if pair[0] != member)
        return replace(self, hosts=(*others, (member, host)))


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a server on the host, and whether it asks for resources, alone or in groups."""

    server: str
    vnic_type: str = "normal"
    requests_resources: bool = False
    requests_groups: bool = False


@dataclass(frozen=True, slots=True)
class HostCapacity:
    """The free amount of each resource class on a host, by placement."""

    host: str
    free: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceProvider:
    """A resource provider; the root of a tree is its own root."""

    uuid: str
    name: str
    root: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """The allocation of one consumer on one resource provider.

    ``server`` describes a consumer that is a server and is not listed on the host.
    """

    provider: str
    consumer: str
    resources: tuple[tuple[str, int], ...] = ()
    owner: Owner = Owner.HERE
    server: str = field(default="", compare=False)


def owner_of(server: Server, host: str) -> Owner:
    """The owner of an allocation on the host of a server that is not listed on the host.

    The scheduler makes the allocation before nova knows a host of the server: so it is with a
    build, an unshelve, an evacuation, a migration and a resize. One that is on the host has
    arrived since the list was read.
    """
    if not server.host:
        is_away = server.status == "SHELVED_OFFLOADED" and server.task_state is None
        return Owner.ELSEWHERE if is_away else Owner.ARRIVING
    if server.host == host:
        return Owner.ARRIVING
    return Owner.ELSEWHERE if server.task_state is None else Owner.BUSY
