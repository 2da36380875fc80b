# SPDX-License-Identifier: Apache-2.0
"""Whether the other hosts have room."""

from __future__ import annotations

import pytest

from nova_decom.model.cloud import Aggregate, HostCapacity, ServerGroup
from nova_decom.model.request import Servers
from nova_decom.moves.capacity import another_target, demand, fit, roomiest, unplaceable
from nova_decom.moves.packing import Fit
from tests.unit.build import allocation, facts, fleet, neighbour, request, server, service

BIG, SMALL = server("big"), server("small")


def held(name, memory, **more):
    """What a server holds of the host."""
    resources = (("MEMORY_MB", memory), *more.items())
    return allocation(consumer=f"id-of-{name}", resources=resources)


def room(host, memory, **more):
    """What a host has free."""
    return HostCapacity(host, (("MEMORY_MB", memory), *more.items()))


BOTH = (held("big", 8), held("small", 2))


def crowded(*rooms, held_by=BOTH, **what):
    """A host with two servers, and others with this much room."""
    others = fleet(service(), *(neighbour(r.host) for r in rooms))
    asked = request(servers=Servers.AUTO, **what.pop("asked", {}))
    known = {"request": asked, "fleet": others, "rooms": rooms, "allocations": held_by}
    return facts(**known | {"servers": (SMALL, BIG)} | what)


ROOMS = [
    ("one host for both", (room("node2", 10),), []),
    ("one for each", (room("node2", 8), room("node3", 2)), []),
    ("room for the larger one only", (room("node2", 9),), ["small"]),
    ("room for the smaller one only", (room("node2", 7),), ["big"]),
    ("none", (), ["big", "small"]),
    ("enough memory, a class missing", (room("node2", 10, VCPU=0),), []),
]


@pytest.mark.parametrize(("rooms", "left"), [pytest.param(r, x, id=c) for c, r, x in ROOMS])
def test_who_finds_no_room(rooms, left):
    """The larger ones choose first; what one has taken is gone for the next."""
    state = crowded(*rooms)

    assert [s.name for s in unplaceable(state, state.servers)] == left


def test_a_host_with_a_member_of_the_group_has_no_room_for_another():
    """However much memory is free there."""
    group = ServerGroup("g", "anti-affinity", ("id-of-big", "far"), (("far", "node2"),))
    alone = crowded(room("node2", 100), groups=(group,))
    beside = crowded(room("node2", 100), room("node3", 8), groups=(group,))

    assert fit(alone, alone.servers) is Fit.NEVER
    assert fit(beside, beside.servers) is not Fit.NEVER


def test_members_that_are_kept_apart_need_a_host_each():
    """The first takes its host from the others of its group."""
    group = ServerGroup(
        "g", "anti-affinity", ("id-of-big", "id-of-small", "far"), (("far", "node4"),)
    )
    three = crowded(room("node2", 99), room("node3", 99), room("node4", 99), groups=(group,))
    two = crowded(room("node2", 99), room("node4", 99), groups=(group,))

    assert unplaceable(three, three.servers) == ()
    assert [s.name for s in unplaceable(two, two.servers)] == ["small"]


def test_a_class_that_a_host_has_itself_counts():
    """Not only memory."""
    both = (held("big", 8, VCPU=2), held("small", 2, VCPU=2))
    state = crowded(room("node2", 100, VCPU=3), held_by=both)

    assert [s.name for s in unplaceable(state, state.servers)] == ["small"]


def test_a_class_that_a_host_does_not_have_is_not_its_to_give():
    """Disk from shared storage, say."""
    state = crowded(room("node2", 100), held_by=(held("big", 8, DISK_GB=900),))

    assert unplaceable(state, state.servers) == ()


def test_demand_is_summed_over_the_providers_of_the_host():
    """A server may hold memory of each of two NUMA nodes."""
    state = facts(allocations=(held("big", 3), held("big", 4, VCPU=1), held("small", 9)))

    assert demand(state, BIG) == {"MEMORY_MB": 7, "VCPU": 1}
    assert demand(state, server("none")) == {}


def test_the_host_with_the_most_memory_is_the_best():
    """As the scheduler weighs."""
    rooms = {"a": {"MEMORY_MB": 5}, "b": {"MEMORY_MB": 9}, "c": {"MEMORY_MB": 99}}

    assert roomiest(rooms, {"MEMORY_MB": 4}, ["a", "b"]) == "b"
    assert roomiest(rooms, {"MEMORY_MB": 100}, rooms) is None


AGGREGATES = (
    Aggregate(1, "ssd", ("node2",), (("disk", "ssd"),)),
    Aggregate(2, "hdd", ("node3",), (("disk", "hdd"),)),
)
EITHER = ["node2", "node3"]
SPECS = [
    ("asks nothing", (), EITHER),
    ("asks for what one has", (("aggregate_instance_extra_specs:disk", "ssd"),), ["node2"]),
    ("asks for what none has", (("aggregate_instance_extra_specs:disk", "tape"),), []),
    (
        "asks by an operator",
        (("aggregate_instance_extra_specs:disk", "<or> a"),),
        ["node2", "node3"],
    ),
    ("asks for something else", (("hw:cpu_policy", "shared"),), EITHER),
]


@pytest.mark.parametrize(("specs", "hosts"), [pytest.param(s, h, id=c) for c, s, h in SPECS])
def test_another_target_has_what_the_flavor_asks_for(specs, hosts):
    """As far as it is plain; the rest is the scheduler's."""
    state = crowded(room("node2", 99), room("node3", 98))
    others = fleet(service(), neighbour(), neighbour("node3"))
    state = facts(
        request=state.request,
        rooms=state.rooms,
        fleet=type(others)(others.services, others.names, AGGREGATES),
    )
    wanting = server(extra_specs=specs)
    found = []
    while (target := another_target(state, wanting, found)) is not None:
        found.append(target)

    assert found == hosts


def test_a_named_target_has_no_alternative():
    """The operator said where to."""
    state = crowded(room("node2", 99), room("node3", 99), asked={"target": "node2"})

    assert another_target(state, BIG, {"node2"}) is None


def test_rooms_that_were_not_read_offer_nothing():
    """Nothing is guessed."""
    assert another_target(facts(request=request(servers=Servers.AUTO)), BIG, ()) is None
