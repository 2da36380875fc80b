# SPDX-License-Identifier: Apache-2.0
"""Whether servers fit however they are spread: against all ways, one by one."""

from __future__ import annotations

import copy
import random

import pytest

from nova_decom.moves.packing import BUDGET, Fit, Need, Packing

M = "MEMORY_MB"


def need(memory, *hosts, groups=(), **more):
    """A server of this size that these hosts may take."""
    return Need({M: memory, **more}, hosts or ("a", "b"), groups)


def packing(most=(), **rooms):
    """Hosts with this much free memory."""
    return Packing({host: {M: free} for host, free in rooms.items()}, most)


CASES = [
    ("nothing moves", packing(a=0), [], Fit.ALWAYS),
    ("room enough", packing(a=8, b=8), [need(2), need(2)], Fit.ALWAYS),
    ("one way only", packing(a=8, b=2), [need(2), need(8)], Fit.SOMETIMES),
    ("the larger one first", packing(a=8, b=2), [need(8), need(2)], Fit.ALWAYS),
    ("too much", packing(a=8, b=1), [need(2), need(8)], Fit.NEVER),
    ("a host that is not known", packing(a=8), [need(2, "z")], Fit.NEVER),
    ("a class that the host does not have", packing(a=8), [need(2, "a", DISK_GB=9)], Fit.ALWAYS),
    (
        "a class that the host does not have, tried in each way",
        packing(a=4, b=2),
        [need(2, "a", "b", DISK_GB=9), need(4, "a", "b")],
        Fit.SOMETIMES,
    ),
    ("apart", packing((1,), a=8, b=8), [need(1, groups=(0,))] * 2, Fit.ALWAYS),
    ("apart, a host too few", packing((1,), a=8, b=8), [need(1, groups=(0,))] * 3, Fit.NEVER),
    ("two on a host", packing((2,), a=8, b=8), [need(1, groups=(0,))] * 3, Fit.ALWAYS),
    (
        "another takes the only place of a member",
        packing((1,), a=1, b=8),
        [need(1), need(1, groups=(0,)), need(1, groups=(0,))],
        Fit.SOMETIMES,
    ),
]  # fmt: skip


IDS = [case for case, *_ in CASES]


@pytest.mark.parametrize(("hosts", "needs", "wanted"), [c[1:] for c in CASES], ids=IDS)
def test_how_servers_fit(hosts, needs, wanted):
    """In the order in which they move."""
    before = copy.deepcopy(hosts.rooms)

    assert hosts.fit(needs) is wanted
    assert hosts.rooms == before


def ways(hosts, needs):
    """Whether each way ends well, for all ways, without any thought."""
    if not needs:
        yield True
        return
    first, rest = needs[0], needs[1:]
    taking = [h for h in first.hosts if fits(hosts, first, h)]
    if not taking:
        yield False
    for host in taking:
        other = Packing(copy.deepcopy(hosts.rooms), hosts.most, dict(hosts.members))
        other.rooms[host][M] -= first.demand[M]
        for group in first.groups:
            other.members[group, host] = other.members.get((group, host), 0) + 1
        yield from ways(other, rest)


def fits(hosts, server, host):
    """Room, and no group against it."""
    apart = all(hosts.members.get((g, host), 0) < hosts.most[g] for g in server.groups)
    return apart and server.demand[M] <= hosts.rooms[host][M]


@pytest.mark.parametrize("seed", range(300))
def test_the_answer_is_that_of_all_ways(seed):
    """Small clouds, tight ones and wide ones."""
    dice = random.Random(seed)
    rooms = {h: dice.randint(0, 5) for h in "abcd"}
    hosts = packing((1, 2), **rooms)
    needs = [
        need(
            dice.randint(1, 3),
            *dice.sample("abcd", dice.randint(1, 4)),
            groups=tuple(dice.sample((0, 1), dice.randint(0, 2))),
        )
        for _ in range(dice.randint(1, 4))
    ]
    ends = set(ways(hosts, needs))

    assert hosts.fit(needs) is (
        Fit.ALWAYS if ends == {True} else Fit.SOMETIMES if True in ends else Fit.NEVER
    )


def test_more_ways_than_are_tried_are_no_answer():
    """The greedy count decides then."""
    names = [f"h{number}" for number in range(12)]
    hosts = packing(**{name: 10 + number for number, name in enumerate(names)})
    needs = [need(7, *names) for _ in range(21)]

    assert len(names) ** 6 > BUDGET
    assert hosts.fit(needs) is Fit.UNKNOWN
