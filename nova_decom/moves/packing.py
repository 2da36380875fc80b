# SPDX-License-Identifier: Apache-2.0
"""Whether servers find room however nova spreads them, or in no way at all. Pure.

Nova's scheduler chooses one host after the other, by weights that an operator configures, so that
a drain that fits in one way may not fit in the way that nova chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

#: Choices that are tried; with more servers and hosts the answer is "unknown".
BUDGET = 20_000


class Fit(StrEnum):
    """Whether all servers find a host."""

    ALWAYS = "always"  # however they are spread
    SOMETIMES = "sometimes"  # in one way at least, and not in each
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Need:
    """A server that moves: what it takes, the hosts that may take it, its groups (numbers)."""

    demand: Mapping[str, int]
    hosts: tuple[str, ...]
    groups: tuple[int, ...] = ()


class _ExhaustedError(Exception):
    """More choices than are tried."""


@dataclass(slots=True)
class Packing:
    """The room of the hosts, and the members of each group on them; ``most`` is its limit."""

    rooms: dict[str, dict[str, int]]
    most: Sequence[int] = ()
    members: dict[tuple[int, str], int] = field(default_factory=dict)
    _left: int = BUDGET
    _users: dict[str, tuple[bool, ...]] = field(default_factory=dict)

    def fit(self, needs: Sequence[Need]) -> Fit:
        """How the servers fit that move in this order."""
        if all(self._is_safe(number, needs) for number in range(len(needs))):
            return Fit.ALWAYS
        self._users = {h: tuple(h in need.hosts for need in needs) for h in self.rooms}
        try:
            if self._each_way(needs):
                return Fit.ALWAYS
            largest = sorted(needs, key=lambda n: sum(n.demand.values()), reverse=True)
            return Fit.SOMETIMES if self._one_way(largest) else Fit.NEVER
        except _ExhaustedError:
            return Fit.UNKNOWN

    def _is_safe(self, number: int, needs: Sequence[Need]) -> bool:
        """True when the others cannot take all hosts of one server, even all together.

        To keep it off a host through one resource class they must take what is free there, but
        for a little less than it needs; each member of its groups may keep it off one host.
        """
        need, others = needs[number], (*needs[:number], *needs[number + 1 :])
        hosts = [h for h in need.hosts if self._takes(need, h)]
        lost = sum(not set(n.groups).isdisjoint(need.groups) for n in others)
        for name, amount in need.demand.items():
            left = sum(n.demand.get(name, 0) for n in others)
            for gap in sorted(
                self.rooms[h][name] - amount + 1 for h in hosts if name in self.rooms[h]
            ):
                left -= gap
                if left < 0:
                    break
                lost += 1
        return lost < len(hosts)

    def _each_way(self, needs: Sequence[Need]) -> bool:
        if not needs:
            return True
        ways = list(self._choices(needs[0]))
        return bool(ways) and all(self._with(needs, h, self._each_way) for h in ways)

    def _one_way(self, needs: Sequence[Need]) -> bool:
        return not needs or any(
            self._with(needs, h, self._one_way) for h in list(self._choices(needs[0]))
        )

    def _with(
        self, needs: Sequence[Need], host: str, then: Callable[[Sequence[Need]], bool]
    ) -> bool:
        """The answer of ``then`` for the servers after the first, which is on this host."""
        self._left -= 1
        if self._left < 0:
            raise _ExhaustedError
        self._put(needs[0], host, 1)
        try:
            return then(needs[1:])
        finally:
            self._put(needs[0], host, -1)

    def _choices(self, need: Need) -> Iterator[str]:
        """The hosts that take the server; of hosts that are alike to all servers only one."""
        known = set()
        for host in need.hosts:
            if self._takes(need, host):
                groups = tuple(self.members.get((g, host), 0) for g in range(len(self.most)))
                alike = (tuple(sorted(self.rooms[host].items())), groups, self._users[host])
                if alike not in known:
                    known.add(alike)
                    yield host

    def _takes(self, need: Need, host: str) -> bool:
        room = self.rooms.get(host)
        if room is None:
            return False
        is_kept_off = any(self.members.get((g, host), 0) >= self.most[g] for g in need.groups)
        return not is_kept_off and all(v <= room.get(n, v) for n, v in need.demand.items())

    def _put(self, need: Need, host: str, times: int) -> None:
        for name, amount in need.demand.items():
            if name in self.rooms[host]:
                self.rooms[host][name] -= times * amount
        for group in need.groups:
            self.members[group, host] = self.members.get((group, host), 0) + times
