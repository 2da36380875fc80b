# SPDX-License-Identifier: Apache-2.0
"""Host discovery by a process that stays: nova-manage takes seconds to load nova, each time."""

import select
import subprocess
from functools import cache
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.layout import Site
from tests.lab.processes import Daemon

PROGRAM = Path(__file__).parent / "inside" / "discover.py"
TIMEOUT = 120


class Discovery:
    """Runs nova's discover_hosts for one lab; its process ends with ours."""

    def __init__(self, python: str, conf: Path, log: Path) -> None:
        self._command = (python, str(PROGRAM), str(conf))
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def map(self, by: str) -> None:
        """Map all hosts that have none, `by` their "nodes" or "services".

        :raises LabError: nova failed, or did not answer in time.
        """
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{by}\n")
        process.stdin.flush()
        in_time, _, _ = select.select([process.stdout], [], [], TIMEOUT)
        if not in_time or not process.stdout.readline().startswith("mapped"):
            process.kill()
            raise LabError(f"discover_hosts by {by} failed; see {self._log}")

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    self._command,
                    env=Daemon("discover", self._command, self._log).environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
        return self._process


@cache
def _discovery(python: str, conf: Path, log: Path) -> Discovery:
    return Discovery(python, conf, log)


def discovery(site: Site) -> Discovery:
    """The one of this lab."""
    return _discovery(site.program("python"), site.layout.nova_conf, site.layout.log("discover"))
