# SPDX-License-Identifier: Apache-2.0
"""What happens to a process, and when: one disturbance at one point of its life.

A point is whatever reaches beyond the process: a line of the journal, a statement, a request,
a command on the host. An undisturbed run is the same sequence of points every time.
"""

import os
import random
import signal
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn


class Kind(StrEnum):
    JOURNAL = "journal"
    SQL = "sql"
    HTTP = "http"
    SSH = "ssh"


class Mode(StrEnum):
    KILL_BEFORE = "killed before"
    KILL_DURING = "killed during"
    KILL_AFTER = "killed after"
    FULL = "disk full"
    LOST_BEFORE = "connection lost before"
    LOST_AFTER = "answer lost"
    DEADLOCK = "deadlock"
    UNAVAILABLE = "503 before"
    GATEWAY = "502 after"
    TOO_MANY = "429"
    CONFLICT = "409"
    TRUNCATED = "truncated answer"
    FOREIGN = "an answer that is not JSON"
    HALFWAY = "nova-api dies halfway"
    REVOKED = "right revoked"
    HANGUP = "SIGHUP"
    STDERR = "stderr fails"
    BUG = "bug"


KILLS = (Mode.KILL_BEFORE, Mode.KILL_DURING, Mode.KILL_AFTER)
DEATHS = 0.4
#: What one run survives by itself when it happens once: nobody has to run again.
PASSING = frozenset(
    {
        Mode.LOST_BEFORE,
        Mode.LOST_AFTER,
        Mode.DEADLOCK,
        Mode.UNAVAILABLE,
        Mode.GATEWAY,
        Mode.TOO_MANY,
        Mode.CONFLICT,
        Mode.TRUNCATED,
        Mode.FOREIGN,
    }
)
#: What can happen to the program itself, whatever it does at the moment.
OWN = (Mode.HANGUP, Mode.STDERR, Mode.BUG)
#: What can happen at each kind of point. A statement and a request have no "during" of their
#: own: once sent, they run whether we live or not.
MODES = {
    Kind.JOURNAL: (*KILLS, *OWN, Mode.FULL),
    Kind.SQL: (
        Mode.KILL_BEFORE,
        Mode.KILL_AFTER,
        Mode.LOST_BEFORE,
        Mode.LOST_AFTER,
        Mode.DEADLOCK,
        Mode.REVOKED,
        *OWN,
    ),
    Kind.HTTP: (
        Mode.KILL_BEFORE,
        Mode.KILL_AFTER,
        Mode.LOST_BEFORE,
        Mode.LOST_AFTER,
        Mode.UNAVAILABLE,
        Mode.GATEWAY,
        Mode.TOO_MANY,
        Mode.CONFLICT,
        Mode.TRUNCATED,
        Mode.FOREIGN,
        Mode.HALFWAY,
        Mode.REVOKED,
        *OWN,
    ),
    Kind.SSH: (Mode.KILL_BEFORE, Mode.KILL_AFTER, Mode.LOST_BEFORE, Mode.LOST_AFTER, *OWN),
}


@dataclass(frozen=True)
class Disturbance:
    """At the point with this number, and at the next ``times - 1`` of its kind.

    Without a mode, the seed chooses one that fits the point.
    """

    point: int
    seed: int = 0
    times: int = 1
    mode: Mode | None = None


def _fitting(kind: Kind, seed: int) -> Mode:
    """Two in five die."""
    chance = random.Random(seed)
    kills = [m for m in MODES[kind] if m in KILLS]
    others = [m for m in MODES[kind] if m not in KILLS]
    return chance.choice(kills if chance.random() < DEATHS else others)


def passes(struck: tuple[str, ...]) -> bool:
    """True when what struck a process is nothing that it may die or fail of."""
    where = [s.split(": ", maxsplit=1) for s in struck]
    where = [(mode, what) for mode, what in where if mode != Mode.STDERR]
    return len(where) <= 1 and all(
        mode in PASSING and not what.startswith((Kind.SSH, Kind.JOURNAL)) for mode, what in where
    )


def matters(point: str) -> bool:
    """True unless the point only reads."""
    kind, what = point.split(" ", maxsplit=1)
    if kind == Kind.HTTP:
        return not what.startswith(("GET", "POST /identity"))
    if kind == Kind.SQL:
        return what.startswith(("START", "COMMIT", "DELETE", "UPDATE")) or "FOR UPDATE" in what
    return kind == Kind.JOURNAL or what.startswith("stop")


def _strike(mode: Mode) -> None:
    """What happens to the program itself."""
    if mode is Mode.BUG:
        raise RuntimeError("a bug, by the script")
    if mode is Mode.HANGUP:
        os.kill(os.getpid(), signal.SIGHUP)
    else:
        os.dup2(os.open("/dev/full", os.O_WRONLY), sys.stderr.fileno())


@dataclass
class Fate:
    """Counts the points of a process and tells what happens at each."""

    disturbance: Disturbance | None = None
    points: list[str] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    _mode: Mode | None = None
    _kind: Kind | None = None

    def at(self, kind: Kind, what: str) -> Mode | None:
        """What happens here, None for nothing; ``KILL_BEFORE`` does not return."""
        self.points.append(f"{kind} {what}")
        mode = self._mode_at(kind)
        if mode is None:
            return None
        self.struck.append(f"{mode}: {kind} {what}")
        if mode is Mode.KILL_BEFORE:
            self.die()
        if mode in OWN:
            _strike(mode)
            return None
        return mode

    def _mode_at(self, kind: Kind) -> Mode | None:
        disturbance = self.disturbance
        if disturbance is None or len(self.points) < disturbance.point:
            return None
        if self._mode is None:
            if len(self.points) > disturbance.point and disturbance.mode is None:
                return None
            self._mode, self._kind = disturbance.mode or _fitting(kind, disturbance.seed), kind
        if kind is not self._kind or len(self.struck) >= disturbance.times:
            return None
        return self._mode

    @staticmethod
    def die() -> NoReturn:
        """As by SIGKILL, because it is one: nothing is cleaned up."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError
