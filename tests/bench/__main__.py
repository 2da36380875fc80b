# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.bench``: side by side on the lab, medians, as tables in Markdown."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.bench import growth, rows, shares
from tests.bench.build import CHECKOUT, COMMIT, TODAY, Build, before
from tests.bench.crowd import crowd
from tests.bench.photograph import Photograph
from tests.bench.runner import Row, Runner, Took
from tests.bench.table import LOOKED, REMOVED, Table, machine, say
from tests.bench.targets import Targets
from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.scenarios import calls, states

LIVING = ("node1", "node2", "node3")
#: Of these only the counted part is looked at, so the waits are made short.
SHORT = ("--settle", "0", "--report-interval", "0.1")
#: As an operator gets them who says nothing.
SETTLE = 60
DEFAULTS = ("--settle", str(SETTLE), "--report-interval", "10")
#: The hosts of the bench are stopped, and so most of the lab is down.
ALLOWED = ("--skip-guard", "fleet-healthy", "--max-hosts", "100", "--yes", "-q")
BATCH = 5
#: Live migrations that nova runs at once -> the least times as fast as one by one.
AT_ONCE = {1: 3, 4: 6}
LARGE, HUGE = 2000, 20_000
WITHOUT_SSH = ("--stop-with", "none")
ON_LAB = ("one", "many", "start", "large", "drain")
#: Parts that need no lab.
ALONE = {"rows": rows.measure, "growth": growth.measure, "profile": shares.measure}
PARTS = (*ON_LAB, *ALONE)
#: As a shell asks when TAB is pressed.
COMPLETION = (
    *("env", "_NOVA_DECOM_COMPLETE=bash_complete", "COMP_WORDS=nova-decom rem", "COMP_CWORD=1"),
    TODAY.program,
)
IMPORT_CLICK = (sys.executable, "-c", "import click")


class Bench:
    def __init__(self, lab: Lab, scratch: Path, options: argparse.Namespace) -> None:
        self.lab = lab
        self.run = Runner(lab, scratch)
        self.runs: int = options.runs
        self.rack = tuple(f"rack-{n}" for n in range(1, options.hosts + 1))
        self.servers: int = options.servers
        self.before = before(lab.layout.cache_root)
        self.targets = Targets()

    # Removals

    def one(self) -> None:
        """One host whose nova-compute is stopped."""
        self._prepare()
        self._removals("One host", self.rack[:1], by_hand_runs=self.runs, ratios=(3, 1.5))

    def many(self) -> None:
        """All hosts of the rack; by hand once, for it takes minutes."""
        self._prepare()
        title = f"{len(self.rack)} hosts"
        now, then = self._removals(title, self.rack, by_hand_runs=1, ratios=(40, 1.2))
        self.targets.most(f"{title} by ssh, seconds / {COMMIT}", now.counted / then.counted, 1 / 3)
        self.targets.most(f"{title} by ssh, CPU / {COMMIT}", now.cpu / then.cpu, 1 / 3)

    def _removals(
        self, title: str, hosts: tuple[str, ...], by_hand_runs: int, ratios: tuple[float, float]
    ) -> tuple[Row, Row]:
        """Rows of (d), of today and long ago; ``ratios`` are the targets by hand, of the floor."""
        kept = Photograph(self.lab, hosts)
        table = Table(f"{title}, nova-compute stopped", REMOVED)

        def measure(what: str, runs: int, command: Callable[[], Took]) -> Row:
            took = []
            for _ in range(runs):
                kept.put_back()
                took.append(command())
                self._all_gone(hosts)
            return table.add(Row(what, tuple(took)))

        def remove(*options: str, build: Build = TODAY) -> Callable[[], Took]:
            return lambda: self.run.counted("remove", *hosts, *ALLOWED, *options, build=build)

        by_hand = measure(
            "(a) `tests/bench/by-hand`",
            by_hand_runs,
            lambda: self.run.script("by-hand", self.run.port, *hosts),
        )
        floor = measure(
            "(b) the floor: `tests/bench/floor.py`", self.runs, lambda: self.run.floor(*hosts)
        )
        stopped = (*WITHOUT_SSH, *SHORT)
        ours = measure(
            f"(c) `nova-decom remove {' '.join(WITHOUT_SSH)}`", self.runs, remove(*stopped)
        )
        measure(f"(c) of {COMMIT}", self.runs, remove(*stopped, build=self.before))
        ssh = measure("(d) the same, asking each host by ssh", self.runs, remove(*SHORT))
        old = measure(f"(d) of {COMMIT}", self.runs, remove(*SHORT, build=self.before))
        waiting = measure("the same with the default waits", 1, remove(*DEFAULTS))
        kept.put_back()
        if len(hosts) == 1:
            seconds = waiting.median(lambda took: took.seconds)
            self.targets.most(f"{title} by ssh, default waits, seconds", seconds, 65)
            self.targets.most(f"{title} by ssh, seconds beside settle", seconds - SETTLE, 3)
        self.targets.least(f"{title}, (a) / (c)", by_hand.counted / ours.counted, ratios[0])
        self.targets.most(f"{title}, (c) / (b)", ours.counted / floor.counted, ratios[1])
        return ssh, old

    def _all_gone(self, hosts: Sequence[str]) -> None:
        found = calls.rows(self.lab, "nova", "SELECT host FROM services")
        left = {host for (host,) in found} & set(hosts)
        if left:
            raise SystemExit(f"not removed: {', '.join(sorted(left))}")

    def _prepare(self) -> None:
        """The rack, known to nova and stopped for so long that nova says so."""
        new = [host for host in self.rack if host not in self._states()]
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            self.lab.start_compute(*batch)
            self.lab.stop_compute(*batch)
        wait_until(self._is_down, timeout=60, what="the rack to be down")

    def _is_down(self) -> bool:
        return set(self._states().values()) == {"down"}

    def _states(self) -> dict[str, str]:
        """What nova says of each host of the rack that it knows."""
        services = calls.compute(self.lab, "GET", "/os-services?binary=nova-compute")["services"]
        return {s["host"]: s["state"] for s in services if s["host"] in self.rack}

    # Servers

    def drain(self) -> None:
        """A host full of servers, by live migration."""
        states.no_quota(self.lab)
        source = LIVING[-1]
        table = Table(f"{self.servers} servers, live migration", LOOKED)
        loop = self._emptied(
            table,
            "(a) `tests/bench/one-by-one`",
            source,
            lambda: self.run.script("one-by-one", source),
        )
        for limit, times in AT_ONCE.items():
            self._let_leave(source, limit)
            ours = self._emptied(
                table,
                f"(b) `nova-decom drain --max-moves {2 * limit}`, {limit} at once by nova",
                source,
                lambda moves=2 * limit: self.run.program(
                    "drain", source, *ALLOWED, "--max-moves", str(moves)
                ),
            )
            self.targets.least(
                f"drain, {limit} at once: (a) / (b)", loop.counted / ours.counted, times
            )
        self._let_leave(source, 1)

    def _let_leave(self, source: str, limit: int) -> None:
        """Set how many live migrations the nova-compute of the host runs at once."""
        conf = f"[DEFAULT]\nmax_concurrent_live_migrations = {limit}\n"
        self.lab.stop_compute(source)
        self.lab.start_compute(source, conf=conf)

    def _emptied(self, table: Table, what: str, source: str, command: Callable[[], Took]) -> Row:
        """Fill the host, empty it, and let it take servers again. Once: it takes minutes."""
        servers = self.lab.create_servers(self.servers, on=source)
        try:
            took = command()
            left = [s for s in servers if self._host_of(s) == source]
            if left:
                raise SystemExit(f"{what}: {len(left)} servers are still on {source}")
        finally:
            self.lab.delete_servers(*servers)
            service = calls.service(self.lab, source)["id"]
            self.lab.connection().compute.enable_service(service)
        return table.add(Row(what, (took,)))

    def _host_of(self, server: str) -> str:
        return str(calls.show(self.lab, server)["OS-EXT-SRV-ATTR:host"])

    # Looking

    def start(self) -> None:
        """Start-up, and one table instead of three."""
        table = Table("Start-up and looking", LOOKED)

        def often(what: str, command: Callable[[], Took]) -> Row:
            return table.add(Row(what, tuple(command() for _ in range(self.runs))))

        click = often("`python -c 'import click'`", partial(self.run.other, *IMPORT_CLICK))
        for option in ("--version", "--help"):
            took = often(f"`nova-decom {option}`", partial(self.run.program, option))
            self.targets.most(f"{option} / import click", took.counted / click.counted, 2)
        took = often("completion of a command", partial(self.run.other, *COMPLETION))
        self.targets.most("completion / import click", took.counted / click.counted, 2)
        often("`openstack --version`", partial(self.run.other, "openstack", "--version"))
        ours = often("`nova-decom list`", partial(self.run.program, "list"))
        three = often("`tests/bench/three-lists`", partial(self.run.script, "three-lists"))
        often("`nova-decom plan node1`", partial(self.run.program, "plan", "node1"))
        say(f"\nthree lists / list = {three.counted / ours.counted:.1f}")

    def large(self) -> None:
        """Plans for a cloud of 2,000 hosts, and the audit of one of 20,000."""
        with crowd(self.lab, LARGE) as all_of_them:
            table = Table(f"{LARGE} hosts", LOOKED)
            # By ssh the plan would ask 2,000 machines that do not exist; long ago it asked none.
            many = ("plan", "--match", all_of_them, "--max-hosts", str(LARGE), *WITHOUT_SSH)
            for command, share in ((("list",), 1 / 2), (("plan",), 1 / 2), (many, 1 / 6)):
                now, then = self._both(table, *command)
                text = " ".join(command[:2])
                self.targets.most(f"{text}, seconds / {COMMIT}", now.counted / then.counted, share)
                self.targets.most(f"{text}, MiB", now.peak, 100)
        with crowd(self.lab, HUGE):
            now, then = self._both(Table(f"{HUGE} hosts", LOOKED), "audit")
            self.targets.most(f"audit, CPU / {COMMIT}", now.cpu / then.cpu, 1 / 2)

    def _both(self, table: Table, *command: str) -> tuple[Row, Row]:
        """A command of today, and of long ago."""
        text = f"`nova-decom {' '.join(command)}`"

        def row(what: str, build: Build) -> Row:
            took = self.run.program(*command, "-f", "json", "-q", build=build)
            return table.add(Row(what, (took,)))

        return row(text, TODAY), row(f"{text} of {COMMIT}", self.before)


def main() -> None:
    """Measure; the lab is there only for the parts that need it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--runs", type=int, default=5, help="of which the median is taken")
    parser.add_argument("--hosts", type=int, default=20, help="of the rack")
    parser.add_argument("--servers", type=int, default=20, help="that are moved")
    rows.add_options(parser)
    growth.add_options(parser)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parts = options.parts or PARTS
    scratch = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        on_lab = [part for part in parts if part in ON_LAB]
        problems = _on_lab(on_lab, scratch, options) if on_lab else []
        for part in (part for part in parts if part in ALONE):
            problems += ALONE[part](options, scratch)
    finally:
        shutil.rmtree(scratch)
    sys.exit("\n".join(problems) or None)


def _on_lab(parts: Sequence[str], scratch: Path, options: argparse.Namespace) -> list[str]:
    """The targets that were missed, on a lab that is taken down if it was not there before."""
    lab = Lab(Path(os.environ.get("NOVA_DECOM_LAB", CHECKOUT / ".lab")))
    ran_before = bool(lab.processes.running())
    try:
        lab.up(computes=LIVING)
        say(f"{machine()}, OpenStack {lab.site.release.number}, `make bench`")
        bench = Bench(lab, scratch, options)
        for part in parts:
            getattr(bench, part)()
        return bench.targets.missed
    finally:
        if not ran_before:
            lab.down()


if __name__ == "__main__":
    main()
