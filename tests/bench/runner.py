# SPDX-License-Identifier: Apache-2.0
"""Runs a command of a benchmark and tells what it took."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Lab

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
PROGRAM = str(Path(sys.executable).parent / "nova-decom")
LONGEST = 1800


@dataclass(frozen=True)
class Took:
    """Seconds by the clock and of processor, MiB at the peak, and seconds that only waited."""

    seconds: float
    cpu: float
    peak: float
    waited: float = 0.0

    @property
    def counted(self) -> float:
        return self.seconds - self.waited


@dataclass(frozen=True)
class Row:
    what: str
    runs: tuple[Took, ...]

    def median(self, of: Callable[[Took], float]) -> float:
        return statistics.median(map(of, self.runs))

    @property
    def counted(self) -> float:
        return self.median(lambda took: took.counted)


class Runner:
    """Runs commands against one lab, each in a process of its own."""

    def __init__(self, lab: Lab, scratch: Path) -> None:
        self._lab = lab
        self._scratch = scratch
        self.port = str(lab.site.ports["mariadb"])

    def script(self, name: str, *arguments: str) -> Took:
        """A shell script of this directory, with the lab's own ``openstack``."""
        return self._run([str(HERE / name), *arguments])

    def floor(self, *hosts: str) -> Took:
        return self._run([sys.executable, "-m", "tests.bench.floor", self.port, *hosts])

    def program(self, *arguments: str) -> Took:
        """nova-decom as it is installed."""
        return self._run([PROGRAM, *arguments])

    def counted(self, *arguments: str) -> Took:
        """nova-decom, told apart from its waits."""
        file = self._scratch / "waited"
        took = self._run([sys.executable, "-m", "tests.bench.counted", str(file), *arguments])
        return Took(took.seconds, took.cpu, took.peak, float(file.read_text("utf-8")))

    def openstack(self, *arguments: str) -> Took:
        return self._run(["openstack", *arguments])

    def _run(self, command: Sequence[str]) -> Took:
        file = self._scratch / "took"
        keep = {name: os.environ[name] for name in ("HOME", "USER", "LANG") if name in os.environ}
        with tempfile.TemporaryDirectory(dir=self._scratch) as state:
            done = subprocess.run(
                [sys.executable, "-S", str(HERE / "child.py"), str(file), *command],
                env=keep
                | self._lab.env()
                | {
                    "PATH": f"{self._lab.site.venv / 'bin'}:{os.environ['PATH']}",
                    "PYTHONPATH": str(CHECKOUT),
                    "OS_COMPUTE_API_VERSION": "2.95",
                    "NOVA_DECOM_STATE_DIR": state,
                },
                cwd=self._scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST,
                check=False,
            )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return Took(**json.loads(file.read_text("utf-8")))
