# SPDX-License-Identifier: Apache-2.0
"""One story: a host, a removal that is disturbed, and the same command until it is done."""

import difflib
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nova_decom.exit_codes import ExitCode
from tests.chaos.fate import KILLS, MODES, Disturbance, Kind, Mode, matters, passes
from tests.chaos.process import Ended, Site, live
from tests.chaos.shapes import HOST, SHAPES, make
from tests.chaos.truth import Truth, check
from tests.faults.openstack import PASSWORD

COMMAND = ("remove", HOST, "--yes", "-f", "json", "--settle", "5", "--report-interval", "1")
KILLED = -9
#: How a disturbed run may end. Never in a bug of its own, and in success only when all is done.
HONEST = {
    KILLED,
    ExitCode.SUCCESS,
    ExitCode.FAILED,
    ExitCode.CHANGES,
    ExitCode.TIMEOUT,
    ExitCode.UNAVAILABLE,
}
CODES = {
    Mode.BUG: ExitCode.BUG,
    Mode.HANGUP: ExitCode.TERMINATED,
    # Between the plan and the first change, the plan is no longer what was reviewed.
    Mode.REVOKED: ExitCode.STALE,
}
#: A service that fails for long is longer than what is tried again, or shorter.
TIMES = (1, 1, 1, 2, 3, 12)
MOST_RUNS = 4


@dataclass(frozen=True)
class Undisturbed:
    """What a removal of this shape does when nothing happens."""

    points: tuple[str, ...]
    end: str


@dataclass
class Stories:
    """Tells stories at one site; how a shape ends is found out once."""

    site: Site
    known: dict[str, Undisturbed] = field(default_factory=dict)
    processes: int = 0
    struck: list[str] = field(default_factory=list)

    def undisturbed(self, shape: str) -> Undisturbed:
        if shape not in self.known:
            options = make(self.site, shape)
            ended = self._live(options)
            assert ended.code == ExitCode.SUCCESS, self._complaint(ended)
            self.known[shape] = Undisturbed(ended.points, Truth.read(self.site).comparable())
        return self.known[shape]

    def tell(self, shape: str, disturbances: list[Disturbance]) -> None:
        """Remove, disturbed; again, until nothing disturbs; and check after each process."""
        end = self.undisturbed(shape).end
        options = make(self.site, shape)
        before = Truth.read(self.site)
        known = before.comparable()
        for number in range(MOST_RUNS):
            disturbance = disturbances[number] if number < len(disturbances) else None
            ended = self._live(options, disturbance)
            now = Truth.read(self.site)
            check(self.site, before, now)
            assert ended.code in HONEST | _due_to(ended.struck), self._complaint(ended)
            if ended.code != KILLED and passes(ended.struck):
                assert ended.code == ExitCode.SUCCESS, self._complaint(ended)
            if ended.code == ExitCode.SUCCESS:
                assert now.comparable() == end, _difference(now.comparable(), end)
            if ended.code != KILLED and now.comparable() != known:
                assert ended.output.get("changed") is True, self._complaint(ended)
            known = now.comparable()
            if disturbance is None:
                break
        assert ended.code == ExitCode.SUCCESS, self._complaint(ended)

    def _live(self, options: tuple[str, ...], disturbance: Disturbance | None = None) -> Ended:
        self.processes += 1
        ended = live(self.site, [*COMMAND, *options], disturbance)
        self.struck += ended.struck or (["killed"] if ended.code == KILLED else [])
        return ended

    def _complaint(self, ended: Ended) -> str:
        """What a process said of its end."""
        hosts = ended.output.get("hosts") or [ended.output]
        errors = [str(host.get("error")) for host in hosts]
        stderr = (self.site.directory / "stderr").read_text()[-2000:]
        return "\n".join([f"exit {ended.code}", *errors, *ended.struck, stderr])


def _due_to(struck: tuple[str, ...]) -> set[int]:
    """The exit codes by which a process tells what has happened to itself."""
    modes = {mode for mode in CODES if any(s.startswith(f"{mode}:") for s in struck)}
    return {CODES[mode] for mode in modes}


def _difference(now: str, end: str) -> str:
    lines = difflib.unified_diff(end.splitlines(), now.splitlines(), "undisturbed", "now", n=0)
    return "\n".join(["success was said too early, or the end is another:", *lines])


def story(stories: Stories, seed: int) -> None:
    """Tell the story of a seed."""
    chance = random.Random(seed)
    shape = chance.choice(tuple(SHAPES))
    points = stories.undisturbed(shape).points
    all_points = range(1, len(points) + 1)
    that_matter = [n for n in all_points if matters(points[n - 1])]
    disturbances = [
        Disturbance(
            chance.choice(chance.choice((all_points, that_matter))),
            chance.getrandbits(32),
            chance.choice(TIMES),
        )
        for _ in range(chance.choice((1, 1, 2, 3)))
    ]
    stories.tell(shape, disturbances)


def every_death(stories: Stories, shape: str) -> Iterator[Disturbance]:
    """SIGKILL before, during and after each point that writes, one for each story."""
    for number, point in enumerate(stories.undisturbed(shape).points, start=1):
        if matters(point):
            kind = Kind(point.split(" ", maxsplit=1)[0])
            for mode in (m for m in MODES[kind] if m in KILLS):
                yield Disturbance(number, mode=mode)


def every_fault(stories: Stories, shape: str) -> Iterator[Disturbance]:
    """All else that can happen to each write and each COMMIT."""
    for number, point in enumerate(stories.undisturbed(shape).points, start=1):
        kind, what = point.split(" ", maxsplit=1)
        if matters(point) and (kind == Kind.HTTP or what == "COMMIT"):
            for mode in (m for m in MODES[Kind(kind)] if m not in KILLS):
                yield Disturbance(number, mode=mode)


def prepare(site: Site) -> None:
    """The surroundings of the program: a cloud to log in to, databases to connect to."""
    clouds = site.directory / "clouds.yaml"
    clouds.write_text(clouds_yaml("http://cloud.test"))
    for name in [n for n in os.environ if n.startswith(("OS_", "NOVA_DECOM_"))]:
        if name != "NOVA_DECOM_LAB_CACHE":
            del os.environ[name]
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(clouds)
    os.environ["OS_CLOUD"] = "scripted"
    os.environ["NOVA_DECOM_API_DB_URL"] = site.server.url("nova_api")


def clouds_yaml(base: str, timeout: float | None = None) -> str:
    """The way to the scripted cloud."""
    auth = {
        "auth_url": f"{base}/identity/v3",
        "username": "admin",
        "password": PASSWORD,
        "project_name": "admin",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    cloud = {"region_name": "R", "auth": auth, "api_timeout": timeout}
    return json.dumps({"clouds": {"scripted": {k: v for k, v in cloud.items() if v}}})


def site_at(directory: Path, server: object) -> Site:
    """A site with its surroundings."""
    found = Site(server, directory)  # type: ignore[arg-type]
    prepare(found)
    return found
