# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.chaos.lab``: removals on a real Nova, killed at a random time.

A host that lives, the real program in a process of its own, SIGKILL somewhere between its
start and its end, once or twice; then the same command until it ends by itself.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.run import PROGRAM
from tests.cli.snapshot import Snapshot
from tests.lab import Lab

CHECKOUT = Path(__file__).parents[2]
NEIGHBOURS = ("node1", "node2")
#: Hosts that are started at once: starting is what takes the time.
BATCH = 8
OPTIONS = ("--yes", "-f", "json", "--settle", "1", "--report-interval", "2")
KILLED = -signal.SIGKILL
PATIENCE = 180
IMAGES = ("pci_devices", "compute_nodes", "services")


@dataclass
class LabStories:
    """Removals on one lab, all with one state directory."""

    lab: Lab
    state_dir: Path
    length: float = 6.0
    lengths: list[float] = field(default_factory=list)
    kills: int = 0
    processes: int = 0

    def tell(self, host: str, seed: int) -> None:
        """Kill its removal at times of chance, and finish it."""
        chance = random.Random(seed)
        snapshot = Snapshot(self.lab)
        before = {name: snapshot.rows_of(name) for name in NEIGHBOURS}
        for _ in range(chance.choice((1, 1, 2))):
            begin = time.monotonic()
            code, output = self._remove(host, after=chance.uniform(0.5, self.length))
            if code != KILLED:
                if output.get("changed"):
                    # It was faster than we thought: the next is to be met in the middle.
                    self.length = min(self.length, time.monotonic() - begin)
                assert code == 0, f"exit {code} without having been killed"
                assert snapshot.traces_of(host) == set(), "success was said too early"
        self._finish(host, snapshot)
        assert {n: snapshot.rows_of(n) for n in NEIGHBOURS} == before, "a neighbour changed"
        self._check_journals(host)

    def _finish(self, host: str, snapshot: Snapshot) -> None:
        code, output = self._remove(host)
        assert code == 0, (code, output)
        assert output["hosts"][0]["result"] in {"removed", "unchanged"}
        assert snapshot.traces_of(host) == set()
        again, output = self._remove(host)
        assert (again, output["changed"]) == (0, False)

    def _remove(self, host: str, after: float | None = None) -> tuple[int, dict[str, Any]]:
        """Run the program; killed after so many seconds, if it still runs then."""
        self.processes += 1
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        begin = time.monotonic()
        process = subprocess.Popen(
            [str(PROGRAM), "remove", host, *OPTIONS],
            env=keep | self.lab.env() | {"NOVA_DECOM_STATE_DIR": str(self.state_dir)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            out, err = process.communicate(timeout=after or PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            assert after is not None, f"{host}: not within {PATIENCE} s\n{err}"
            self.kills += 1
            return KILLED, {}
        assert "Traceback" not in err, err
        output = json.loads(out)
        if after is None and output["changed"]:
            self.lengths.append(time.monotonic() - begin)
        return process.returncode, output

    def measure(self, host: str) -> None:
        """How long an undisturbed removal takes: the time in which others are killed."""
        code, output = self._remove(host)
        assert (code, output["changed"]) == (0, True), output
        self.length = self.lengths[-1]

    def _check_journals(self, host: str) -> None:
        """Whatever went of it by SQL was saved; every line but a torn last one is whole."""
        saved = set()
        for path in (self.state_dir / "runs").glob("*.jsonl"):
            events = [json.loads(li) for li in path.read_bytes().split(b"\n")[:-1]]
            saved |= {
                (event["table"], row["id"])
                for event in events
                if event["event"] == "before-image" and event["table"] in IMAGES
                for row in event["rows"]
                if row.get("host") == host
            }
        assert {table for table, _ in saved} >= {"compute_nodes", "services"}, saved


def main() -> int:
    """Remove so many hosts; those that went wrong are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.lab", description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, help="of the first; by chance if not given")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    first = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    lab = Lab(Path(os.environ.get("NOVA_DECOM_LAB", CHECKOUT / ".lab")))
    ran_before = bool(lab.processes.running())
    lab.up(computes=NEIGHBOURS)
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-") as directory:
            return _tell(LabStories(lab, Path(directory) / "state"), first, options.runs)
    finally:
        if not ran_before:
            lab.down()


def _tell(stories: LabStories, first: int, runs: int) -> int:
    begin, wrong = time.monotonic(), []
    for batch in _batches(runs + 1):
        hosts = [f"chaos{number}" for number in batch]
        stories.lab.start_compute(*hosts)
        for number, host in zip(batch, hosts, strict=True):
            if number == 0:
                stories.measure(host)
                continue
            seed = first + number - 1
            try:
                stories.tell(host, seed)
                print(f"{host}: done, {stories.kills} killed so far", flush=True)
            except AssertionError as error:
                wrong.append(seed)
                print(f"WRONG: {host}, --seed {seed} --runs 1: {error}", flush=True)
        for host in hosts:
            stories.lab.purge_host(host)
    lengths = sorted(stories.lengths)
    print(
        f"chaos on the lab from seed {first}: {runs} removals, {stories.processes} processes, "
        f"{stories.kills} killed, {len(wrong)} wrong, {time.monotonic() - begin:.0f} s; "
        f"an undisturbed one takes {stories.length:.1f} s, the last of a killed one "
        f"{lengths[len(lengths) // 2]:.1f} s"
    )
    return 1 if wrong else 0


def _batches(number: int) -> Iterator[range]:
    for begin in range(0, number, BATCH):
        yield range(begin, min(begin + BATCH, number))


if __name__ == "__main__":
    sys.exit(main())
