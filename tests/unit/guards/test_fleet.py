# SPDX-License-Identifier: Apache-2.0
"""The guards about the other hosts, for runs of many hosts."""

from __future__ import annotations

from dataclasses import replace

from nova_decom.guards.fleet import fleet_healthy, last_host
from nova_decom.model.request import Request
from tests.unit.build import facts, fleet, neighbour

HOSTS = 50


class Walked(frozenset):
    """A set that counts how often it is gone through."""

    walks = 0

    def __iter__(self):
        Walked.walks += 1
        return super().__iter__()


def test_the_hosts_of_a_run_are_gone_through_once_for_all_of_them(monkeypatch):
    """Each host has its own facts and the same fleet; work for each pair would be too much."""
    monkeypatch.setattr(Walked, "walks", 0)
    names = [f"node{number}" for number in range(HOSTS)]
    leaving = Walked(names[1:])
    whole = fleet(*(neighbour(name) for name in names))
    one = facts(request=Request(leaving=leaving), fleet=whole, database=None)

    found = [
        guard(replace(one, host=name, services=(neighbour(name),)))
        for guard in (fleet_healthy, last_host)
        for name in names[1:]
    ]

    assert found == [None] * len(found)
    assert Walked.walks <= 2
