# SPDX-License-Identifier: Apache-2.0
"""How requests, statements, processor time and memory grow with the hosts of a cloud.

Needs no lab: the scripted OpenStack of ``tests/faults`` answers, and the rows are nova's own in a
real database. It answers faster than a real nova, so no wall time is taken.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import crowd
from tests.bench.build import TODAY
from tests.bench.plot import plot
from tests.bench.runner import FOUND, HERE, LONGEST
from tests.bench.statements import overheard
from tests.bench.table import machine, markdown, say
from tests.bench.targets import Targets
from tests.chaos.story import clouds_yaml
from tests.database.conftest import Nova, one_cell
from tests.database.server import Server
from tests.database.servers.dialects import Dialect
from tests.faults.openstack import UNIT_OFF, OpenStack, State
from tests.faults.serve import serving

#: The one host that is up, and gives the others their cell.
FIRST = "first"
BEAT = f"UPDATE services SET report_count = report_count + 1 WHERE host = '{FIRST}'"
PLOT = HERE.parents[1] / "docs" / "_static" / "growth.svg"
#: All hosts are down, and nobody is asked by ssh.
ALL = ("--match", f"{crowd.NAME}*", "--max-hosts", "20000", "--stop-with", "none")
REMOVE = ("--yes", "--settle", "0", "--report-interval", "0.1", "--skip-guard", "fleet-healthy")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "list": ("list",),
    "plan": ("plan",),
    "audit": ("audit",),
    "plan --match": ("plan", *ALL),
    "remove": ("remove", *ALL, *REMOVE),
}
#: Commands whose requests and statements do not grow; no host has servers.
LOOKS = ("list", "plan", "audit", "plan --match")
MEASURES = ("requests", "statements", "CPU seconds", "peak MiB")
SIZES = (20, 200, 2000, 20_000)
#: A removal of more takes an hour of the scripted cloud.
MOST_REMOVED = 200
#: Logins and version documents, which openstacksdk asks for by itself.
NOT_COUNTED = ("/identity", "/compute/v2.1/", "/placement/", "/network/")


@dataclass(frozen=True)
class Cost:
    """What one command took, as in ``MEASURES``."""

    requests: int
    statements: int
    cpu: float
    peak: float

    @property
    def values(self) -> tuple[float, ...]:
        return (self.requests, self.statements, self.cpu, self.peak)


class _Kept(State):
    """Kept in memory: a file of 20,000 providers takes longer than what is measured."""

    def write(self) -> None:
        pass


class Crowd(OpenStack):
    """The services of a cloud of which each host is down."""

    kept: State
    dialect: Dialect

    @property
    def state(self) -> State:
        return self.kept

    def hosts(self, count: int) -> None:
        """Make so many, with all their rows; none of those before is left."""
        self.kept = _Kept(Path())
        crowd.fill(self._connection, count, self.dialect)
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT host, uuid FROM nova.compute_nodes WHERE deleted = 0")
            for row in cursor.fetchall():
                self.kept.provide(row["uuid"], row["host"])
                if row["host"] != FIRST:
                    self.kept.units[row["host"]] = UNIT_OFF


@dataclass(frozen=True)
class Site:
    """A cloud, its databases and a directory of the program's own."""

    nova: Nova
    cloud: Crowd
    directory: Path

    def cost(
        self, command: Sequence[str], program: Sequence[str] = (TODAY.program,)
    ) -> tuple[Cost, dict]:
        """Run the program in a process of its own; what it took, and its document."""
        took = self.directory / "took"
        asked = len(self.cloud.answered)
        with overheard(self.nova.server) as sent, _beating(self.nova.server):
            done = subprocess.run(
                [
                    sys.executable, "-S", str(HERE / "child.py"), str(took),
                    *program, *command, "-f", "json", "-q",
                ],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST,
                check=False,
            )  # fmt: skip
        shutil.rmtree(self.directory / "state", ignore_errors=True)
        if done.returncode not in {0, FOUND}:
            raise SystemExit(f"{command}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
        used = json.loads(took.read_text("utf-8"))
        paths = [what.split()[1] for what, _ in self.cloud.answered[asked:]]
        counted = [p for p in paths if not p.startswith("/identity") and p not in NOT_COUNTED]
        cost = Cost(len(counted), len(sent), used["cpu"], used["peak"])
        return cost, json.loads(done.stdout)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        return kept | {
            "PYTHONPATH": str(TODAY.tree),
            "OS_CLIENT_CONFIG_FILE": str(self.directory / "clouds.yaml"),
            "OS_CLOUD": "scripted",
            "NOVA_DECOM_API_DB_URL": self.nova.server.url("nova_api"),
            "NOVA_DECOM_STATE_DIR": str(self.directory / "state"),
        }


@contextmanager
def site(server: Server, directory: Path) -> Iterator[Site]:
    """A cloud without hosts but one, which gives the others their cell."""
    with one_cell(server) as nova, server.connect("nova") as connection:
        (cell,) = nova.api.query("SELECT id FROM nova_api.cell_mappings WHERE name = 'cell1'")
        nova.api.host(FIRST, cell["id"])
        nova.cell.host(FIRST)
        cloud = Crowd(connection, Path())
        cloud.dialect = server.dialect
        with serving(cloud) as port:
            cloud.base = f"http://127.0.0.1:{port}"
            (directory / "clouds.yaml").write_text(clouds_yaml(cloud.base))
            yield Site(nova, cloud, directory)


@contextmanager
def _beating(server: Server) -> Iterator[None]:
    """One host reports: beside it the silence of the others is a proof."""
    ended = threading.Event()

    def beat() -> None:
        with server.connect("nova") as connection, connection.cursor() as cursor:
            while not ended.wait(0.1):
                cursor.execute(BEAT)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes, for smaller tries."""
    parser.add_argument("--growth-sizes", type=int, nargs="+", default=SIZES, metavar="HOSTS")


def measure(options: argparse.Namespace, scratch: Path) -> list[str]:
    """Tables and a plot; the targets that were missed."""
    server = Server(scratch / "growth")
    found: dict[str, dict[int, Cost]] = {name: {} for name in COMMANDS}
    try:
        server.start()
        with site(server, scratch) as here:
            for size in options.growth_sizes:
                here.cloud.hosts(size)
                for name, command in COMMANDS.items():
                    if name != "remove" or size <= MOST_REMOVED:
                        found[name][size] = here.cost(command)[0]
    finally:
        server.stop()
    return _show(found)


def _show(found: Mapping[str, Mapping[int, Cost]]) -> list[str]:
    say(f"\n{machine()}, scripted OpenStack, `make bench PARTS=growth`")
    targets = Targets()
    for number, what in enumerate(MEASURES):
        series = {c: {n: cost.values[number] for n, cost in f.items()} for c, f in found.items()}
        sizes = sorted({size for costs in series.values() for size in costs})
        markdown(
            f"{what[0].upper()}{what[1:]} by hosts",
            ("command", *(f"{size:,}" for size in sizes), "slope"),
            [
                (f"`{c}`", *(_number(s.get(n)) for n in sizes), f"{slope(s):.2f}")
                for c, s in series.items()
            ],
        )
        for name, costs in series.items():
            bound = 0 if name in LOOKS and number < 2 else 1
            targets.most(f"{name}, slope of {what}", slope(costs), bound)
    PLOT.write_text(plot(found, MEASURES), "utf-8")
    return targets.missed


def slope(costs: Mapping[int, float]) -> float:
    """The exponent of growth between the two largest sizes: 1 for as many times as the hosts."""
    (small, large) = sorted(costs)[-2:]
    return math.log(costs[large] / costs[small]) / math.log(large / small)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
