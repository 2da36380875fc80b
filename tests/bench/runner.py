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

import yaml

from tests.bench.build import TODAY, Build
from tests.lab import Lab

HERE = Path(__file__).parent
LONGEST = 1800
#: The exit code of an audit that found something.
FOUND = 3
#: What builds of long ago know of the section in the lab's clouds.yaml.
KNOWN = {"api_db_url", "cell_db_url", "ssh_config", "state_dir", "report_interval", "settle"}


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

    @property
    def cpu(self) -> float:
        return self.median(lambda took: took.cpu)

    @property
    def peak(self) -> float:
        return self.median(lambda took: took.peak)


class Runner:
    """Runs commands against one lab, each in a process of its own."""

    def __init__(self, lab: Lab, scratch: Path) -> None:
        self._lab = lab
        self._scratch = scratch
        self.port = str(lab.site.ports["mariadb"])
        self._old_clouds = scratch / "clouds.yaml"
        clouds = yaml.safe_load(Path(lab.env()["OS_CLIENT_CONFIG_FILE"]).read_text("utf-8"))
        section = clouds["nova-decom"]
        clouds["nova-decom"] = {k: v for k, v in section.items() if k in KNOWN}
        self._old_clouds.touch(mode=0o600)
        self._old_clouds.write_text(yaml.safe_dump(clouds), encoding="utf-8")

    def script(self, name: str, *arguments: str) -> Took:
        """A shell script of this directory, with the lab's own ``openstack``."""
        return self._run([str(HERE / name), *arguments])

    def floor(self, *hosts: str) -> Took:
        return self._run([sys.executable, "-m", "tests.bench.floor", self.port, *hosts])

    def program(self, *arguments: str, build: Build = TODAY) -> Took:
        """nova-decom as it is installed."""
        return self._run([build.program, *arguments], build)

    def counted(self, *arguments: str, build: Build = TODAY) -> Took:
        """nova-decom, told apart from its waits."""
        file = self._scratch / "waited"
        command = [build.python, "-m", "tests.bench.counted", str(file), *arguments]
        took = self._run(command, build)
        return Took(took.seconds, took.cpu, took.peak, float(file.read_text("utf-8")))

    def other(self, *command: str) -> Took:
        """Any other command."""
        return self._run(command)

    def _run(self, command: Sequence[str], build: Build = TODAY) -> Took:
        file = self._scratch / "took"
        keep = {name: os.environ[name] for name in ("HOME", "USER", "LANG") if name in os.environ}
        with tempfile.TemporaryDirectory(dir=self._scratch) as state:
            done = subprocess.run(
                [sys.executable, "-S", str(HERE / "child.py"), str(file), *command],
                env=keep
                | self._lab.env()
                | {
                    "PATH": f"{self._lab.site.venv / 'bin'}:{os.environ['PATH']}",
                    "PYTHONPATH": str(build.tree),
                    "OS_COMPUTE_API_VERSION": "2.95",
                    "NOVA_DECOM_STATE_DIR": state,
                }
                | ({} if build is TODAY else {"OS_CLIENT_CONFIG_FILE": str(self._old_clouds)}),
                cwd=self._scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST,
                check=False,
            )
        if done.returncode not in {0, FOUND}:
            raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return Took(**json.loads(file.read_text("utf-8")))
