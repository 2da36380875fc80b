# SPDX-License-Identifier: Apache-2.0
"""The guards' forecast against nova's own scheduler, on seeded placements of 12 servers.

    python -m tests.moving.scheduler --seeds 200 [--first 1]

Six hosts in two zones, with servers that are pinned or not, in anti-affinity groups or in none. A
seed decides where each server is and how much is free on each host; nova's records and placement
say so, and no server moves. The guards judge a drain of one host. Nova's scheduler is then asked
for each server of the host in the order of the moves, and claims what it chooses.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.clients.cloud import LiveCloud
from nova_decom.guards import judge
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Verdict
from nova_decom.model.request import Request, Servers
from nova_decom.plan.jobs import DRAIN
from nova_decom.steps.move_servers import MoveServers
from tests.lab import Lab
from tests.lab.schema import IMAGE
from tests.lab.template import INSIDE
from tests.lab.waiting import wait_until
from tests.scenarios import calls, states

ZONES = {"east": ("sched1", "sched2", "sched3"), "west": ("sched4", "sched5", "sched6")}
HOSTS = (*ZONES["east"], *ZONES["west"])
SOURCE = "sched1"
#: Placement keeps what a test says as long as nova-compute does not report its own numbers.
QUIET = "[DEFAULT]\nupdate_resources_interval = -1\n"
#: name -> CPUs, MB
FLAVORS = {"sched-small": (1, 512), "sched-middle": (2, 1024), "sched-large": (4, 2048)}
#: Server groups: their rule, and how many members.
GROUPS = {"apart": (1, 3), "pairs": (2, 4)}
SERVERS = 12
PINS = (None, None, "east", "east", "west", None)
API = "2.96"
JUDGES = ("servers-movable", "capacity")


@dataclass(frozen=True)
class Kind:
    """A server that was booted: its flavor, pin and group."""

    id: str
    flavor: str
    pin: str | None
    group: str | None


@dataclass(frozen=True)
class Case:
    """What a seed came to: the guards' word on the drain, and nova's hosts for its servers."""

    seed: int
    blocked: tuple[str, ...]
    warned: tuple[str, ...]
    chosen: dict[str, str | None]

    @property
    def nova_can(self) -> bool:
        """Nova has a host for each server."""
        return None not in self.chosen.values()

    @property
    def differs(self) -> bool:
        """A yes that nova does not keep, or a no to what nova does."""
        if self.blocked:
            return self.nova_can
        return not self.nova_can and not self.warned

    def __str__(self) -> str:
        """One line."""
        word = "no" if self.blocked else "perhaps" if self.warned else "yes"
        can = sum(host is not None for host in self.chosen.values())
        text = f"seed {self.seed}: guards {word}, nova {can} of {len(self.chosen)}"
        return f"{text}: DIFFERS {self.blocked or self.chosen}" if self.differs else text


class Scheduler:
    """Nova's scheduler, in a process of its own."""

    def __init__(self, lab: Lab) -> None:
        with (lab.layout.logs / "asked-scheduler.log").open("ab") as log:
            self._process = subprocess.Popen(
                [lab.site.program("python"), str(INSIDE / "scheduler.py"), str(lab.nova_conf)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def destinations(self, source: str, servers: Sequence[str]) -> dict[str, str | None]:
        """The host of each server, chosen one after the other."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"source": source, "servers": servers}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "nova's scheduler has ended: see the log asked-scheduler.log of the lab"
        return dict(zip(servers, json.loads(line), strict=True))


@dataclass
class Range:
    """The six hosts and twelve servers, and how they stand for one seed."""

    lab: Lab
    servers: list[Kind] = field(default_factory=list)
    _nodes: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    _image: str = ""
    _project: str = ""
    _sql: Any = None

    def build(self) -> None:
        """Zones, flavors, groups and servers; other hosts take no server meanwhile."""
        for zone, hosts in ZONES.items():
            aggregate = self._post("/os-aggregates", {
                "aggregate": {"name": f"sched-{zone}", "availability_zone": zone}
            })["aggregate"]["id"]  # fmt: skip
            for host in hosts:
                self._post(f"/os-aggregates/{aggregate}/action", {"add_host": {"host": host}})
        connection = self.lab.connection()
        self._project = str(connection.current_project_id)
        self._sql = self.lab.sql("nova")
        self._image = connection.image.find_image(IMAGE, ignore_missing=False).id
        flavors = {name: self._flavor(name, *size) for name, size in FLAVORS.items()}
        groups = {name: self._group(name, most) for name, (most, _) in GROUPS.items()}
        members = [n for n, (_, count) in GROUPS.items() for _ in range(count)]
        for number in range(SERVERS):
            group = members[number] if number < len(members) else None
            name, pin = tuple(FLAVORS)[number % len(FLAVORS)], PINS[number % len(PINS)]
            id_ = self._boot(number, flavors[name], pin, groups.get(group or ""))
            self.servers.append(Kind(id_, name, pin, group))
        self._await_active()
        statement = (
            "SELECT host, id, uuid, hypervisor_hostname FROM compute_nodes WHERE deleted = 0"
        )
        found = calls.rows(self.lab, "nova", statement)
        self._nodes = {host: (number, uuid, name) for host, number, uuid, name in found}

    def tear_down(self) -> None:
        """Take away what was built, but the hosts."""
        self.lab.delete_servers(*(s.id for s in self.servers))
        for aggregate in calls.compute(self.lab, "GET", "/os-aggregates")["aggregates"]:
            if aggregate["name"].startswith("sched-"):
                for host in aggregate["hosts"]:
                    path = f"/os-aggregates/{aggregate['id']}/action"
                    self._post(path, {"remove_host": {"host": host}})
                calls.compute(self.lab, "DELETE", f"/os-aggregates/{aggregate['id']}")
        for group in calls.compute(self.lab, "GET", "/os-server-groups")["server_groups"]:
            if not group["name"].startswith("sched-"):
                continue
            calls.compute(self.lab, "DELETE", f"/os-server-groups/{group['id']}")
        for flavor in calls.compute(self.lab, "GET", "/flavors")["flavors"]:
            if flavor["name"] in FLAVORS:
                calls.compute(self.lab, "DELETE", f"/flavors/{flavor['id']}")

    def close(self) -> None:
        """Close the connection to nova's database."""
        if self._sql is not None:
            self._sql.close()

    def place(self, seed: int) -> None:
        """Put each server somewhere, and leave so much free on each host."""
        dice = random.Random(seed)
        used = {host: [0, 0] for host in HOSTS}
        where = self._drawn(dice)
        for server in self.servers:
            # One that holds nothing yet has no generation to tell.
            calls.placement(self.lab, "DELETE", f"/allocations/{server.id}")
        for server in self.servers:
            for number, amount in enumerate(FLAVORS[server.flavor]):
                used[where[server.id]][number] += amount
        for host in HOSTS:
            self._set_free(host, used[host], dice.randint(0, 6), 512 * dice.randint(0, 6))
        for server in self.servers:
            self._put(server, where[server.id])

    def _drawn(self, dice: random.Random) -> dict[str, str]:
        """A host for each server, as nova may have chosen it; a pin may be newer than that."""
        where: dict[str, str] = {}
        for server in self.servers:
            zone = HOSTS if server.pin is None or dice.random() < 0.1 else ZONES[server.pin]
            most = GROUPS[server.group][0] if server.group else SERVERS
            free = [h for h in zone if self._members(where, server, h) < most]
            # More than a sixth of them on the host that is drained.
            where[server.id] = dice.choice([*free, *([SOURCE] if SOURCE in free else [])])
        return where

    def _members(self, where: dict[str, str], server: Kind, host: str) -> int:
        group = {s.id for s in self.servers if s.group == server.group}
        return sum(on == host and other in group for other, on in where.items())

    def _set_free(self, host: str, used: list[int], cpus: int, memory: int) -> None:
        node, uuid, _ = self._nodes[host]
        totals = (used[0] + cpus, used[1] + memory)
        path = f"/resource_providers/{uuid}/inventories"
        now = calls.placement(self.lab, "GET", path)
        whole = {"reserved": 0, "allocation_ratio": 1.0, "min_unit": 1, "step_size": 1}
        inventories = now["inventories"]
        for name, total in zip(("VCPU", "MEMORY_MB"), totals, strict=True):
            inventories[name] = whole | {"total": max(1, total), "max_unit": max(1, total)}
            if not total:
                inventories[name]["reserved"] = 1
        calls.placement(self.lab, "PUT", path, now)
        self._update(
            "UPDATE compute_nodes SET vcpus = %s, vcpus_used = %s, memory_mb = %s, "
            "memory_mb_used = %s, free_ram_mb = %s, updated_at = UTC_TIMESTAMP() WHERE id = %s",
            totals[0], used[0], totals[1], used[1], memory, node,
        )  # fmt: skip

    def _put(self, server: Kind, host: str) -> None:
        node, uuid, name = self._nodes[host]
        self._update(
            "UPDATE instances SET host = %s, node = %s, compute_id = %s WHERE uuid = %s",
            host, name, node, server.id,
        )  # fmt: skip
        cpus, memory = FLAVORS[server.flavor]
        project = self._project
        calls.placement(self.lab, "PUT", f"/allocations/{server.id}", {
            "allocations": {uuid: {"resources": {"VCPU": cpus, "MEMORY_MB": memory}}},
            "consumer_generation": None, "project_id": project, "user_id": project,
            "consumer_type": "INSTANCE",
        })  # fmt: skip

    def _update(self, statement: str, *values: object) -> None:
        with self._sql.cursor() as cursor:
            cursor.execute(statement, values)

    def _boot(self, number: int, flavor: str, pin: str | None, group: str | None) -> str:
        body: dict[str, Any] = {"server": {
            "name": f"sched-{number}", "flavorRef": flavor, "imageRef": self._image,
            "networks": "none",
        }}  # fmt: skip
        if pin:
            body["server"]["availability_zone"] = pin
        if group:
            body["os:scheduler_hints"] = {"group": group}
        return str(self._post("/servers", body)["server"]["id"])

    def _await_active(self) -> None:
        def booted() -> bool:
            found = {s.id: calls.show(self.lab, s.id)["status"] for s in self.servers}
            assert "ERROR" not in found.values(), found
            return set(found.values()) == {"ACTIVE"}

        wait_until(booted, timeout=120.0, what="twelve servers")

    def _flavor(self, name: str, cpus: int, memory: int) -> str:
        flavor = {"name": name, "vcpus": cpus, "ram": memory, "disk": 0}
        return str(self._post("/flavors", {"flavor": flavor})["flavor"]["id"])

    def _group(self, name: str, most: int) -> str:
        rules = {"max_server_per_host": most}
        group = {"name": f"sched-{name}", "policy": "anti-affinity", "rules": rules}
        return str(self._post("/os-server-groups", {"server_group": group})["server_group"]["id"])

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return calls.compute(self.lab, "POST", path, body)


@contextmanager
def built(lab: Lab) -> Iterator[Range]:
    """The range on hosts of its own, while no other host takes servers."""
    states.no_quota(lab)
    services = calls.compute(lab, "GET", "/os-services?binary=nova-compute")["services"]
    others = [service["id"] for service in services if service["status"] == "enabled"]
    lab.start_compute(*HOSTS, conf=QUIET)
    made = Range(lab)
    for service in others:
        calls.compute(lab, "PUT", f"/os-services/{service}", {"status": "disabled"})
    try:
        made.build()
        yield made
    finally:
        for service in others:
            calls.compute(lab, "PUT", f"/os-services/{service}", {"status": "enabled"})
        made.tear_down()
        made.close()
        for host in HOSTS:
            lab.purge_host(host)


def forecast(cloud: LiveCloud) -> HostFacts:
    """The facts that a drain of the host is judged by."""
    request = Request(servers=Servers.AUTO, may_be_partial=True, leaving=frozenset({SOURCE}))
    (facts,) = LiveCloud(cloud.clients, request).read_hosts((SOURCE,))
    return facts


def cases(lab: Lab, made: Range, app: Context, seeds: Sequence[int]) -> Iterator[Case]:
    """What each seed comes to."""
    cloud = app.reading()
    guards = [g for g in DRAIN.guards if g.name in JUDGES]
    with Scheduler(lab) as scheduler:
        for seed in seeds:
            made.place(seed)
            facts = forecast(cloud)
            found = judge(facts, guards)
            moves = [c.target for c in MoveServers().changes(facts)]
            yield Case(
                seed,
                tuple(f.message for f in found if f.verdict is Verdict.BLOCKED),
                tuple(f.message for f in found if f.verdict is Verdict.WARNING),
                scheduler.destinations(SOURCE, moves),
            )


def context_of(lab: Lab, state_dir: Path) -> Context:
    """The program inside this process, on the lab."""
    os.environ |= lab.env()
    given = GivenOptions()
    given.put("state_dir", str(state_dir), 2)
    return Context(given)


def main(arguments: Sequence[str]) -> int:
    """Run the seeds; 1 where a forecast differs from what nova's scheduler does."""
    parser = argparse.ArgumentParser(prog="python -m tests.moving.scheduler")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    asked = parser.parse_args(arguments)
    lab = Lab(Path(os.environ.get("NOVA_DECOM_LAB", ".lab")))
    lab.up(computes=("node1", "node2"))
    begun, found = time.monotonic(), []
    with built(lab) as made:
        app = context_of(lab, lab.layout.state_dir)
        for case in cases(lab, made, app, range(asked.first, asked.first + asked.seeds)):
            print(case, flush=True)
            found.append(case)
    wrong = [case for case in found if case.differs]
    words = {"no": sum(bool(c.blocked) for c in found), "nova can": sum(c.nova_can for c in found)}
    words["perhaps"] = sum(bool(c.warned) and not c.blocked for c in found)
    print(f"{len(found)} seeds, {words}, {len(wrong)} differ, {time.monotonic() - begun:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
