# SPDX-License-Identifier: Apache-2.0
"""Makes the servers of every kind, and what they need: zone, flavors, groups, volumes, ports."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.lab import Lab
from tests.lab.schema import IMAGE
from tests.lab.servers import reached
from tests.lab.waiting import wait_until
from tests.moving.kinds import BOTH, CLASSES, GROUPS, HERE, MEMBERS, NEAR, TRAITS, Kind
from tests.scenarios import beside, calls, states, volumes

#: For the hosts that have the PCI devices.
CARDS = (
    '[pci]\ndevice_spec = [{"vendor_id": "8086", "product_id": "154d"}, '
    '{"vendor_id": "8086", "product_id": "154e", "live_migratable": "yes"}]\n'
)
TIMEOUT = 120.0
ACTIONS: Mapping[str, dict[str, Any]] = {
    "SHUTOFF": {"os-stop": None},
    "PAUSED": {"pause": None},
    "SUSPENDED": {"suspend": None},
    "SHELVED": {"shelve": None},
    "RESCUE": {"rescue": None},
    "ERROR": {"os-resetState": {"state": "error"}},
}
#: An agent with which neutron binds ports, and whose ports nova does not wait for.
AGENT = (
    "INSERT INTO agents (id, agent_type, `binary`, topic, host, admin_state_up, created_at, "
    "started_at, heartbeat_timestamp, configurations, `load`) VALUES (%s, 'Open vSwitch agent', "
    "'neutron-openvswitch-agent', 'N/A', %s, 1, UTC_TIMESTAMP(), UTC_TIMESTAMP(), "
    "UTC_TIMESTAMP() + INTERVAL 1 DAY, %s, 0)"
)
UNHYBRID = json.dumps({"ovs_hybrid_plug": False, "bridge_mappings": {}, "tunnel_types": []})


@dataclass
class Making:
    """The servers by the names of their kinds, and what was made for them."""

    lab: Lab
    host: str
    beside: str
    servers: dict[str, str] = field(default_factory=dict)
    disks: dict[str, str] = field(default_factory=dict)
    _others: list[str] = field(default_factory=list)
    _made: list[tuple[str, str]] = field(default_factory=list)
    _groups: dict[str, str] = field(default_factory=dict)
    _flavors: dict[str, str] = field(default_factory=dict)
    _images: dict[str, str] = field(default_factory=dict)
    _zone: str = ""

    def make(self, kinds: Iterable[Kind]) -> None:
        """Boot all side by side, then bring each into its state."""
        kinds = tuple(kinds)
        self._prepare(kinds)
        network = self._network()
        for host, group in MEMBERS.items():
            self._others.append(self._boot(Kind(f"other-{group}", group=group), host, network))
        for kind in kinds:
            self.servers[kind.name] = self._boot(kind, self.host, network)
        self._await(dict.fromkeys([*self._others, *self.servers.values()], "ACTIVE"))
        self._attach(kinds)
        larger = {"VERIFY_RESIZE": {"resize": {"flavorRef": self._flavor({}, memory=128)}}}
        actions = {**ACTIONS, **larger}
        self._act((k, actions[k.status]) for k in kinds if k.status in actions)
        self._await({self.servers[kind.name]: kind.status for kind in kinds})
        self._act((k, {"lock": {"locked_reason": "mine"}}) for k in kinds if k.is_locked)

    def clean(self) -> None:
        """Delete what was made, but the hosts."""
        self.lab.delete_servers(*self.servers.values(), *self._others)
        for volume in self.disks.values():
            volumes.await_status(self.lab, volume, "available")
            beside.cinder(self.lab, "DELETE", f"/volumes/{volume}")
        for host in (self.host, self.beside):
            self._leave_zone(host)
        for path, of in reversed(self._made):
            {"compute": calls.compute, "network": calls.network}[of](self.lab, "DELETE", path)
        calls.sql(self.lab, "neutron", "DELETE FROM agents WHERE configurations = %s", UNHYBRID)

    def forget_agent(self, host: str) -> None:
        """Take neutron's record of the agent of one host away."""
        statement = "DELETE FROM agents WHERE configurations = %s AND host = %s"
        calls.sql(self.lab, "neutron", statement, UNHYBRID, host)

    def _prepare(self, kinds: tuple[Kind, ...]) -> None:
        """Zone, placement, groups and volumes."""
        zone = self._post("/os-aggregates", {
            "aggregate": {"name": "kinds", "availability_zone": NEAR}
        })["aggregate"]["id"]  # fmt: skip
        self._zone = zone
        self._made.append((f"/os-aggregates/{zone}", "compute"))
        for host in (self.host, self.beside):
            action = f"/os-aggregates/{zone}/action"
            self._post(action, {"add_host": {"host": host}})
            self._describe(host)
        for name, (policy, most) in GROUPS.items():
            group: dict[str, Any] = {"name": f"kinds-{name}", "policy": policy}
            if most:
                group["rules"] = {"max_server_per_host": most}
            made = self._post("/os-server-groups", {"server_group": group})
            self._groups[name] = made["server_group"]["id"]
            self._made.append((f"/os-server-groups/{self._groups[name]}", "compute"))
        for kind in kinds:
            for name in filter(None, (kind.boots_from, kind.attached)):
                if name not in self.disks:
                    (made,) = volumes.volumes(self.lab, 1, shared=name == "shared")
                    self.disks[name] = made

    def _leave_zone(self, host: str) -> None:
        """Take the host out of the zone, if it has not been removed."""
        path = f"/os-aggregates/{self._zone}"
        if host in calls.compute(self.lab, "GET", path)["aggregate"]["hosts"]:
            self._post(f"{path}/action", {"remove_host": {"host": host}})

    def _describe(self, host: str) -> None:
        """Give the host traits and classes that its hypervisor would report."""
        node = calls.node_uuid(self.lab, host)
        for trait in (HERE, BOTH):
            calls.placement(self.lab, "PUT", f"/traits/{trait}")
        path = f"/resource_providers/{node}/traits"
        now = calls.placement(self.lab, "GET", path)
        here = [HERE] if host == self.host else []
        now["traits"] = sorted({*now["traits"], *TRAITS, *here})
        calls.placement(self.lab, "PUT", path, now)
        child = str(uuid.uuid4())
        body = {"uuid": child, "name": f"{host}-devices", "parent_provider_uuid": node}
        calls.placement(self.lab, "POST", "/resource_providers", body)
        inventories = {name: {"total": 4} for name in CLASSES}
        inventory = {"resource_provider_generation": 0, "inventories": inventories}
        calls.placement(self.lab, "PUT", f"/resource_providers/{child}/inventories", inventory)

    def _network(self) -> str:
        """A network whose ports neutron can bind on each host."""
        for host in (self.host, self.beside, "node1", "node2"):
            calls.sql(self.lab, "neutron", AGENT, str(uuid.uuid4()), host, UNHYBRID)
        made = calls.network(self.lab, "POST", "/networks", {"network": {"name": "kinds"}})
        self._made.append((f"/networks/{made['network']['id']}", "network"))
        subnet = {"network_id": made["network"]["id"], "ip_version": 4, "cidr": "10.9.0.0/24"}
        calls.network(self.lab, "POST", "/subnets", {"subnet": subnet})
        return str(made["network"]["id"])

    def _boot(self, kind: Kind, host: str, network: str) -> str:
        server: dict[str, Any] = {
            "name": f"kind-{kind.name}",
            "flavorRef": self._flavor(kind.specs),
            "networks": [{"uuid": network}] if kind.has_port else "none",
            "host": host,
        }
        if kind.boots_from:
            server |= volumes.disk_of(self.disks[kind.boots_from])
        else:
            server["imageRef"] = self._image(kind.image)
        if kind.zone:
            server["availability_zone"] = kind.zone
        body: dict[str, Any] = {"server": server}
        if kind.group:
            body["os:scheduler_hints"] = {"group": self._groups[kind.group]}
        # Nova looks for cinder in the catalogue of the token that it is given.
        made = calls.of_service(self.lab, "compute", "POST", "/servers", body)
        return str(made["server"]["id"])

    def _flavor(self, specs: Mapping[str, str], memory: int = 64) -> str:
        key = json.dumps([dict(specs), memory])
        if key not in self._flavors:
            name = f"kinds-{len(self._flavors)}"
            flavor = {"name": name, "vcpus": 1, "ram": memory, "disk": 1}
            made = self._post("/flavors", {"flavor": flavor})["flavor"]["id"]
            self._made.append((f"/flavors/{made}", "compute"))
            if specs:
                self._post(f"/flavors/{made}/os-extra_specs", {"extra_specs": dict(specs)})
            self._flavors[key] = str(made)
        return self._flavors[key]

    def _image(self, properties: Mapping[str, str]) -> str:
        """The lab's image; with properties one that stays, as glance's cannot harm."""
        name = "lab-uefi" if properties else IMAGE
        if name not in self._images:
            image: Any = self.lab.connection().image
            found = image.find_image(name) or image.create_image(
                name, data=bytes(1024), disk_format="raw", container_format="bare",
                validate_checksum=False, **properties,
            )  # fmt: skip
            self._images[name] = str(found.id)
        return self._images[name]

    def _attach(self, kinds: Iterable[Kind]) -> None:
        for kind in kinds:
            if kind.attached:
                volumes.attach(self.lab, self.servers[kind.name], self.disks[kind.attached])

    def _await(self, wanted: Mapping[str, str]) -> None:
        for server, status in wanted.items():
            wait_until(
                lambda: reached(calls.show(self.lab, server), status),  # noqa: B023
                timeout=TIMEOUT,
                what=f"server {server} to become {status}",
            )

    def _act(self, actions: Iterable[tuple[Kind, dict[str, Any]]]) -> None:
        for kind, action in actions:
            path = f"/servers/{self.servers[kind.name]}/action"
            calls.of_service(self.lab, "compute", "POST", path, action)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return calls.compute(self.lab, "POST", path, body)


@contextmanager
def made(lab: Lab, host: str, beside: str, kinds: Iterable[Kind]) -> Iterator[Making]:
    """The servers on the host, as long as they are needed."""
    states.no_quota(lab)
    making = Making(lab, host, beside)
    try:
        making.make(kinds)
        yield making
    finally:
        making.clean()
