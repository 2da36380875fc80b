# SPDX-License-Identifier: Apache-2.0
"""What the guards that look at servers let pass when a way is chosen, and what they object to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from nova_decom.model.cloud import HostCapacity, Owner, ServerGroup
from nova_decom.model.plan import Verdict
from nova_decom.model.request import Servers
from nova_decom.model.resource_query import ResourceQuery
from tests.unit import build
from tests.unit.build import database, facts, request, service

OK, WARNING, BLOCKED = Verdict.OK, Verdict.WARNING, Verdict.BLOCKED
AUTO = request(servers=Servers.AUTO)
DEAD = {
    "service": service(state="down"),
    "request": request(servers=Servers.EVACUATE, offline=True),
}
LOSING = request(servers=Servers.EVACUATE, offline=True, rebuild_local_disks=True)
WEB = (build.server(),)
SUSPENDED = build.server(status="SUSPENDED")
DRAINING = request(servers=Servers.AUTO, may_be_partial=True)
PARTIAL = request(servers=Servers.AUTO, may_be_partial=True, partial=True)
CHOSEN = request(servers=Servers.AUTO, only=frozenset({"id-of-web"}))
ON_DISK = (build.server("disk", has_local_disk=True),)
HELD = (build.allocation(resources=(("MEMORY_MB", 512), ("VCPU", 2))),)
GPU = ResourceQuery((("MEMORY_MB", 512), ("VGPU", 1)))
WITH_GPU = (build.allocation(resources=GPU.resources),)
FAST = ResourceQuery(HELD[0].resources, ("FAST",))
COMING = build.allocation(owner=Owner.ARRIVING, server="'web' BUILD, scheduling")
BUSY = build.allocation(owner=Owner.BUSY, server="'web' ACTIVE, rebooting")
OTHERS = set(Owner) - {Owner.ARRIVING, Owner.BUSY}
OF_WEB = build.pci_row(status="allocated", instance_uuid="id-of-web")
TOGETHER = ServerGroup("g", "affinity", ("id-of-web",))
PINNED_EAST = build.server(pin_is_known=True, pinned_zone="east")
UNPINNED = build.server(pin_is_known=True)
WEST = build.fleet(service(), build.neighbour("w", zone="west"))


def moving(**what):
    """A host with one server, which moves."""
    return facts(**{"request": AUTO, "servers": WEB} | what)


def silent_for(seconds, host="node2"):
    """A cloud in which nova-compute of one host reported these seconds before the others."""
    hosts = {
        service().host: service(),
        "node2": build.neighbour(),
        "node3": build.neighbour("node3"),
    }
    last = datetime(2026, 11, 23, 4, 15, tzinfo=UTC)
    times = {name: last - timedelta(seconds=seconds if name == host else 0) for name in hosts}
    return build.fleet(
        *(replace(s, updated_at=f"{times[n]:%Y-%m-%dT%H:%M:%S}.0") for n, s in hosts.items())
    )


def room(host="node2", memory=512, cpus=2):
    """What a host has free."""
    return HostCapacity(host, (("MEMORY_MB", memory), ("VCPU", cpus)))


def with_room(*rooms, **what):
    """A host with one server, and these rooms for it."""
    return moving(**{"rooms": rooms, "allocations": HELD} | what)


#: guard, what is the case, facts, verdict, words of the message
MOVING_CASES = [
    ("servers-present", "it moves", moving(), OK, ""),
    (
        "servers-present",
        "one moves, another only the database shows",
        moving(database=database(instances=(build.instance_row("lost"),))),
        BLOCKED,
        "1 server on the host: 'lost' id-of-lost active (database only)",
    ),
    ("servers-present", "dead, and empty", facts(**DEAD), OK, ""),
    ("servers-present", "dead", moving(**DEAD), WARNING, "the host must be fenced"),
    (
        "servers-present",
        "one is chosen, another is left",
        moving(request=CHOSEN, servers=(*WEB, build.server("db"))),
        WARNING,
        "1 server is not chosen, and left on the host: 'db' id-of-db ACTIVE",
    ),
    ("servers-present", "all are chosen", moving(request=CHOSEN), OK, ""),
    (
        "servers-arriving",
        "only servers that are here are chosen",
        moving(request=CHOSEN, allocations=(COMING,)),
        OK,
        "",
    ),
    (
        "servers-movable",
        "one that is not chosen cannot leave",
        moving(request=CHOSEN, servers=(*WEB, build.server("db", status="SUSPENDED"))),
        OK,
        "",
    ),
    (
        "migrations-active",
        "of a server that is not chosen",
        moving(request=CHOSEN, migrations=(build.migration(server="id-of-db"),)),
        OK,
        "",
    ),
    ("servers-arriving", "none is on its way", facts(), OK, ""),
    (
        "servers-arriving",
        "allocations of others",
        facts(allocations=tuple(build.allocation(owner=o) for o in OTHERS)),
        OK,
        "",
    ),
    (
        "servers-arriving",
        "one that nova has put on no host yet",
        facts(allocations=(COMING,)),
        BLOCKED,
        "1 server is on the way to the host, or may be: 'web' BUILD, scheduling id-of-web",
    ),
    (
        "servers-arriving",
        "it is waited for, and moved",
        moving(servers=(), allocations=(COMING,)),
        WARNING,
        "1 server is on the way",
    ),
    (
        "servers-arriving",
        "one on another host with a task, and the host is dead",
        facts(**DEAD, allocations=(BUSY,)),
        WARNING,
        "1 server is on the way to the host, or may be: 'web' ACTIVE, rebooting id-of-web",
    ),
    (
        "servers-arriving",
        "two, and the host is down",
        facts(
            service=service(state="down"),
            allocations=(COMING, replace(COMING, consumer="other", server="")),
        ),
        BLOCKED,
        "'web' BUILD, scheduling id-of-web, server other; without nova-compute nothing arrives",
    ),
    (
        "servers-arriving",
        "the host is dead, and its servers are evacuated",
        facts(**DEAD, allocations=(COMING,)),
        BLOCKED,
        "without nova-compute nothing arrives",
    ),
    (
        "servers-arriving",
        "there is no nova-compute",
        build.ghost(allocations=(COMING,), request=AUTO),
        BLOCKED,
        "without nova-compute nothing arrives",
    ),
    ("local-disks", "alive: the disk moves along", moving(servers=ON_DISK), OK, ""),
    ("local-disks", "dead, and on volumes", moving(**DEAD), OK, ""),
    (
        "local-disks",
        "dead, one of two on a local disk",
        moving(**DEAD, servers=(*WEB, *ON_DISK)),
        BLOCKED,
        "1 server has local disks, which nova creates again, empty, unless",
    ),
    (
        "local-disks",
        "dead, and the loss is allowed",
        moving(**DEAD | {"request": LOSING}, servers=(*WEB, *ON_DISK)),
        WARNING,
        "1 server has local disks, which nova creates again, empty, unless",
    ),
    (
        "local-disks",
        "dead, and the others move alone",
        moving(**DEAD | {"request": replace(DEAD["request"], partial=True)}, servers=ON_DISK),
        WARNING,
        "1 server has local disks",
    ),
    (
        "local-disks",
        "dead, and cannot be evacuated anyway",
        moving(**DEAD, servers=(build.server("disk", has_local_disk=True, status="PAUSED"),)),
        OK,
        "",
    ),
    (
        "servers-movable",
        "dead, and its loss is another guard's",
        moving(**DEAD, servers=ON_DISK),
        OK,
        "",
    ),
    ("servers-movable", "it is", moving(), OK, ""),
    ("servers-movable", "no way chosen", facts(servers=WEB), OK, ""),
    (
        "servers-movable",
        "suspended",
        moving(servers=(build.server(status="SUSPENDED"),)),
        BLOCKED,
        "1 server cannot leave the host: 'web' id-of-web (SUSPENDED)",
    ),
    (
        "servers-movable",
        "one of two, and the others may move alone",
        moving(request=DRAINING, servers=(*WEB, SUSPENDED)),
        BLOCKED,
        "1 server cannot leave the host: 'web' id-of-web (SUSPENDED)",
    ),
    (
        "servers-movable",
        "one of two, and the others move alone",
        moving(request=PARTIAL, servers=(*WEB, SUSPENDED)),
        WARNING,
        "1 server cannot leave the host: 'web' id-of-web (SUSPENDED)",
    ),
    (
        "servers-movable",
        "with --partial, one without a host for it",
        moving(request=PARTIAL, groups=(TOGETHER,)),
        WARNING,
        "is in server group 'g' (affinity)",
    ),
    (
        "servers-movable",
        "with --partial, and the host is down",
        moving(request=PARTIAL, service=service(state="down")),
        BLOCKED,
        "nova-compute on node1 is down",
    ),
    (
        "servers-movable",
        "the host is down, and nobody says that it is dead",
        moving(service=service(state="down")),
        BLOCKED,
        "nova-compute on node1 is down, and servers leave only while it runs",
    ),
    (
        "servers-movable",
        "there is no nova-compute",
        moving(service=None),
        BLOCKED,
        "nova has no compute service on node1, and moves no server from there",
    ),
    (
        "servers-movable",
        "there is no nova-compute, and the host is dead",
        moving(service=None, request=DEAD["request"]),
        BLOCKED,
        "nova has no compute service on node1, and moves no server from there",
    ),
    (
        "servers-movable",
        "down and empty",
        moving(service=service(state="down"), servers=()),
        OK,
        "",
    ),
    ("servers-movable", "dead", moving(**DEAD), OK, ""),
    (
        "servers-movable",
        "a target that is not there",
        moving(request=request(servers=Servers.AUTO, target="node9")),
        BLOCKED,
        "--target node9 is no other enabled host",
    ),
    (
        "servers-movable",
        "a target that went when all had moved",
        facts(request=request(servers=Servers.AUTO, target="node9")),
        OK,
        "",
    ),
    (
        "servers-movable",
        "a target",
        moving(request=request(servers=Servers.AUTO, target="node2")),
        OK,
        "",
    ),
    (
        "servers-movable",
        "a target that was killed a moment ago",
        moving(fleet=silent_for(31), request=request(servers=Servers.AUTO, target="node2")),
        BLOCKED,
        "nova-compute on --target node2 has not reported for 31 s, though nova takes it for up",
    ),
    (
        "servers-movable",
        "a target that reports late",
        moving(fleet=silent_for(30), request=request(servers=Servers.AUTO, target="node2")),
        OK,
        "",
    ),
    (
        "servers-movable",
        "another host than the target is silent",
        moving(
            fleet=silent_for(31, "node3"), request=request(servers=Servers.AUTO, target="node2")
        ),
        OK,
        "",
    ),
    (
        "servers-movable",
        "a group that keeps its members together",
        moving(groups=(TOGETHER,)),
        BLOCKED,
        "is in server group 'g' (affinity)",
    ),
    (
        "servers-movable",
        "a member of a group that cannot leave anyway",
        moving(groups=(TOGETHER,), servers=(build.server(status="SUSPENDED"),)),
        BLOCKED,
        "1 server cannot leave the host: 'web' id-of-web (SUSPENDED)",
    ),
    (
        "servers-movable",
        "dead, pinned to a zone without hosts",
        moving(**DEAD, servers=(PINNED_EAST,)),
        BLOCKED,
        "is pinned to availability zone 'east'",
    ),
    (
        "servers-movable",
        "pinned to no zone, and a target in another",
        moving(servers=(UNPINNED,), fleet=WEST, request=request(servers=Servers.AUTO, target="w")),
        OK,
        "",
    ),
    (
        "capacity",
        "pinned to no zone",
        with_room(room("w"), servers=(UNPINNED,), fleet=WEST),
        OK,
        "",
    ),
    (
        "capacity",
        "who finds no host needs no room",
        with_room(room(memory=1), groups=(TOGETHER,)),
        OK,
        "",
    ),
    ("capacity", "nobody moves", facts(servers=WEB, rooms=(room(memory=1),)), OK, ""),
    ("capacity", "not known", moving(), OK, ""),
    ("capacity", "just enough", with_room(room()), OK, ""),
    (
        "capacity",
        "room in one way only",
        with_room(
            room("node2", 512),
            room("node3", 1024, 4),
            fleet=build.fleet(service(), build.neighbour(), build.neighbour("node3")),
            servers=(*WEB, build.server("db")),
            allocations=(
                *HELD,
                build.allocation(
                    consumer="id-of-db", resources=(("MEMORY_MB", 1024), ("VCPU", 2))
                ),
            ),
        ),
        WARNING,
        "just enough room for 2 servers",
    ),
    ("capacity", "no other host", with_room(), BLOCKED, "no other host has room for 1 of 1"),
    (
        "capacity",
        "with --partial nova is asked",
        with_room(room(memory=511), request=PARTIAL),
        WARNING,
        "'web' id-of-web",
    ),
    (
        "capacity",
        "a class that no other host has",
        with_room(room(), allocations=WITH_GPU, fitting={GPU: frozenset({"node1"})}),
        BLOCKED,
        "no other host has room for 1 of 1 server: 'web' id-of-web (needs VGPU:1)",
    ),
    (
        "capacity",
        "a class that another host has",
        with_room(room(), allocations=WITH_GPU, fitting={GPU: frozenset({"node2"})}),
        OK,
        "",
    ),
    (
        "capacity",
        "a trait of the image that no other host has",
        with_room(
            room(),
            servers=(build.server(image="i"),),
            images={"i": {"trait:FAST": "required"}},
            fitting={FAST: frozenset()},
        ),
        BLOCKED,
        "'web' id-of-web (needs trait FAST)",
    ),
    (
        "capacity",
        "placement did not answer",
        with_room(room(), allocations=WITH_GPU),
        WARNING,
        "1 of 1 server not judged: placement was not asked for what they need",
    ),
    (
        "capacity",
        "a group of resources",
        with_room(room(), servers=(build.server(extra_specs=(("resources1:VGPU", "1"),)),)),
        WARNING,
        "'web' id-of-web",
    ),
    (
        "capacity",
        "a PCI device, which placement does not know",
        with_room(
            room(), servers=(build.server(extra_specs=(("pci_passthrough:alias", "card:1"),)),)
        ),
        WARNING,
        "1 of 1 server not judged",
    ),
    ("capacity", "too little memory", with_room(room(memory=511)), BLOCKED, "'web' id-of-web"),
    ("capacity", "too few processors", with_room(room(cpus=1)), BLOCKED, "'web' id-of-web"),
    ("capacity", "on this host only", with_room(room("node1")), BLOCKED, "'web' id-of-web"),
    (
        "capacity",
        "who cannot leave needs no room",
        with_room(servers=(build.server(status="SUSPENDED"),)),
        OK,
        "",
    ),
    (
        "migrations-active",
        "one that is waited for",
        moving(migrations=(build.migration(),)),
        OK,
        "",
    ),
    (
        "migrations-active",
        "a resize of a user's, whose server is elsewhere",
        facts(request=AUTO, migrations=(build.migration(type="resize", status="finished"),)),
        BLOCKED,
        "1 migration in progress: 7 (resize of id-of-web, finished",
    ),
    (
        "migrations-active",
        "a resize of a user's, to be confirmed",
        facts(
            request=request(servers=Servers.AUTO, confirm_resizes=True),
            migrations=(build.migration(type="resize", status="finished"),),
        ),
        OK,
        "",
    ),
    (
        "migrations-active",
        "one that cannot end, as the host is dead",
        moving(**DEAD, migrations=(build.migration(),)),
        BLOCKED,
        "1 migration in progress: 7",
    ),
    (
        "pci-allocated",
        "its server moves",
        moving(database=database(pci_devices=(OF_WEB,))),
        OK,
        "",
    ),
    (
        "pci-allocated",
        "its server cannot move",
        moving(
            servers=(build.server(status="SUSPENDED"),),
            database=database(pci_devices=(OF_WEB,)),
        ),
        BLOCKED,
        "0000:01:00.0 allocated by id-of-web",
    ),
]
