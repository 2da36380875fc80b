# SPDX-License-Identifier: Apache-2.0
"""Hosts to be removed, each in some state, among neighbours; always the same ids and values."""

import shutil
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tests.chaos.process import NEIGHBOURS, Site
from tests.database.rows import STAMP, ApiRows, CellRows, Table
from tests.faults.openstack import UNIT_OFF, State

HOST = "node1"
#: Names for uuids that are the same in every run.
NAMESPACE = uuid.UUID("6f6c3a52-0000-4000-8000-000000000000")


def named(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))


class _Numbered(Table):
    """Gives its rows the same ids and uuids every time, whatever was there before."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._last: dict[str, int] = {}

    def insert(self, table: str, **values: object) -> int:
        self._last[table] = self._last.get(table, 0) + 1
        if "uuid" in values and table == "aggregates":
            values["uuid"] = named(f"aggregate {values['name']}")
        return super().insert(table, id=self._last[table], **values)


class _CellRows(_Numbered, CellRows):
    pass


class _ApiRows(_Numbered, ApiRows):
    pass


class World:
    """The rows and the rest of a cloud in which one host is to go."""

    def __init__(self, site: Site) -> None:
        site.server.empty()
        shutil.rmtree(site.state_dir, ignore_errors=True)
        connection = site.server.connect()
        self.cell = _CellRows(connection, "nova")
        self.api = _ApiRows(connection, "nova_api")
        self.state = State(site.state)
        self._pci = 0
        self._cell1 = self.api.cell("cell1", site.server.url("nova"), named("cell1"))
        for neighbour in NEIGHBOURS:
            self.host(neighbour)
        self.cell.insert("instances", uuid=named("web"), host="node2", vm_state="active",
                         display_name="web", deleted=0)  # fmt: skip

    def host(self, host: str) -> int:
        """A compute host in order; its compute node."""
        self.service(host)
        node = self.node(host)
        self.api.host(host, self._cell1)
        self.state.provide(named(f"node {host}"), host)
        return node

    def service(self, host: str, tag: str = "", **values: object) -> int:
        identity = named(f"service {host} {tag}")
        return self.cell.service(host, uuid=identity, **values)

    def node(self, host: str, tag: str = "", **values: object) -> int:
        identity = named(f"node {host}{tag}")
        return self.cell.compute_node(host, uuid=identity, **values)

    def pci(self, node: int, *, deleted: bool = False) -> None:
        self._pci += 1
        address = f"0000:00:{self._pci:02x}.0"
        self.cell.pci_device(node, deleted=deleted, address=address, uuid=named(address))

    def agent(self, name: str, host: str, *, alive: bool) -> None:
        self.state.agents[named(name)] = {
            "id": named(name),
            "binary": "neutron-openvswitch-agent",
            "agent_type": "Open vSwitch agent",
            "host": host,
            "alive": alive,
        }


def in_order(world: World) -> None:
    world.host(HOST)


def full(world: World) -> None:
    """All that nova knows of a host, with its history."""
    world.service(HOST, "older", deleted=True, updated_at=STAMP)
    old = world.node(HOST, " older", deleted=True)
    node = world.host(HOST)
    world.pci(old, deleted=True)
    world.pci(node)
    world.pci(node)
    world.api.aggregate("fast", HOST, "node2")
    world.api.aggregate("ssd", HOST)
    world.agent("dead", HOST, alive=False)
    world.agent("other", "node2", alive=True)
    world.state.allocate(named("nobody"), named(f"node {HOST}"), named("node node2"))


def without_provider(world: World) -> None:
    """Somebody deleted it; nova answers 500 for ever."""
    world.host(HOST)
    del world.state.providers[named(f"node {HOST}")]
    world.api.aggregate("fast", HOST)


def without_node(world: World) -> None:
    """Its row was deleted by SQL; the host is in an aggregate."""
    world.service(HOST)
    world.api.host(HOST, 1)
    world.api.aggregate("fast", HOST, "node2")
    world.state.provide(named(f"node {HOST}"), HOST)


def ghost(world: World) -> None:
    """The service went by the API while nova-compute ran: the rest came back."""
    world.service(HOST, deleted=True)
    world.pci(world.node(HOST))
    world.state.provide(named(f"node {HOST}"), HOST)
    world.state.units[HOST] = UNIT_OFF


def by_sql(world: World) -> None:
    """Both rows went by SQL: what remains is everywhere else."""
    world.api.host(HOST, 1)
    world.api.aggregate("fast", HOST)
    world.state.provide(named(f"node {HOST}"), HOST)
    world.state.units[HOST] = UNIT_OFF


def all_in_one(world: World) -> None:
    """A conductor of the same host stays."""
    world.host(HOST)
    world.service(HOST, "conductor", binary="nova-conductor")
    world.api.aggregate("fast", HOST)


def down(world: World) -> None:
    """Already stopped."""
    full(world)
    world.state.units[HOST] = UNIT_OFF


SHAPES: Mapping[str, tuple[Callable[[World], None], tuple[str, ...]]] = {
    "in order": (in_order, ()),
    "full": (full, ()),
    "full, rows kept": (full, ("--rows", "keep")),
    "without provider": (without_provider, ()),
    "without compute node": (without_node, ()),
    "ghost": (ghost, ("--stop-with", "none")),
    "ghost, rows kept": (ghost, ("--rows", "keep")),
    "by sql": (by_sql, ()),
    "all in one": (all_in_one, ()),
    "stopped by the operator": (down, ("--stop-with", "none")),
    "offline": (down, ("--offline",)),
}


def make(site: Site, shape: str) -> tuple[str, ...]:
    """Bring the cloud into the shape; the options that belong to it."""
    world = World(site)
    build, options = SHAPES[shape]
    build(world)
    world.state.units.setdefault(HOST, {"active": True, "enabled": True})
    world.state.write()
    return options
