# SPDX-License-Identifier: Apache-2.0
"""Servers in any state, and what nova's own records tell of their moves."""

import itertools
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from nova_decom.model.cloud import TERMINAL_MIGRATIONS
from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.scenarios import calls

SAMPLE = 0.1
DOWN_WITHIN = 60.0
ENDED = ", ".join(f"'{status}'" for status in sorted(TERMINAL_MIGRATIONS))


class Fleet:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.servers: dict[str, str] = {}

    def boot(self, host: str, **counts: int) -> dict[str, str]:
        """Servers on the host, so many of each status; their ids with their status."""
        new: dict[str, str] = {}
        for status, count in counts.items():
            ids = self._lab.create_servers(count, on=host, status=status)
            new |= dict.fromkeys(ids, status)
        self.servers |= new
        return new

    def now(self) -> dict[str, tuple[str, str]]:
        """Where each server is, and in which status."""
        found = {}
        for server in self.servers:
            seen = calls.show(self._lab, server)
            found[server] = (seen["OS-EXT-SRV-ATTR:host"], seen["status"])
        return found

    def holdings(self) -> dict[str, set[str]]:
        """The resource providers of which each server holds something."""
        return {server: set(calls.holdings(self._lab, server)) for server in self.servers}

    def delete(self) -> None:
        self._lab.delete_servers(*self.servers)


def migrations(lab: Lab, source: str) -> list[dict[str, Any]]:
    """Nova's records of all migrations from the host, oldest first."""
    names = ("id", "instance_uuid", "status", "migration_type", "dest_compute")
    found = calls.rows(
        lab,
        "nova",
        f"SELECT {', '.join(names)} FROM migrations WHERE BINARY source_compute = %s ORDER BY id",
        source,
    )
    return [dict(zip(names, row, strict=True)) for row in found]


def in_progress(lab: Lab, source: str) -> int:
    """How many migrations from the host nova has in progress.

    A user's resize that only waits to be confirmed is none of them.
    """
    ((count,),) = calls.rows(
        lab,
        "nova",
        "SELECT COUNT(*) FROM migrations WHERE BINARY source_compute = %s "
        f"AND status NOT IN ({ENDED}) AND NOT (migration_type = 'resize' AND status = 'finished')",
        source,
    )
    return int(count)


def await_down(lab: Lab, host: str) -> None:
    def down() -> bool:
        return bool(calls.service(lab, host)["state"] == "down")

    wait_until(down, timeout=DOWN_WITHIN, what=f"nova to take {host} for down")


@dataclass
class Observer:
    """Counts the migrations in progress from a host, ten times a second, while it is entered."""

    lab: Lab
    host: str
    samples: list[tuple[float, int]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    @property
    def most(self) -> int:
        """The largest number at once."""
        return max(count for _, count in self.samples)

    @property
    def longest_idle(self) -> float:
        """The longest time, between the first move and the last, in which none went on."""
        busy = [at for at, count in self.samples if count]
        return max((b - a for a, b in itertools.pairwise(busy)), default=0.0)

    def _watch(self) -> None:
        while not self._end.wait(SAMPLE):
            self.samples.append((time.monotonic(), in_progress(self.lab, self.host)))
