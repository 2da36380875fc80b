# SPDX-License-Identifier: Apache-2.0
"""Run the openstack client as somebody does who types what a remedy says."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Lab

PROGRAM = Path(sys.executable).parent / "openstack"
TIMEOUT = 60.0
COMMAND = re.compile(r"openstack ([^;,()]+)")


@dataclass(frozen=True)
class Client:
    """The openstack client, on the lab."""

    lab: Lab

    def __call__(self, command: str, *arguments: str, version: str | None = None) -> str:
        """Return the output of the command, which may ask no question."""
        done = self.run(command, *arguments, version=version)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def typed(self, remedy: str, command: str, **given: str) -> str:
        """As above, for the one command of the remedy that has these words.

        `given` are values for its words in capitals.
        """
        (found,) = (text for text in COMMAND.findall(remedy) if command in text)
        return self(*(given.get(word, word) for word in shlex.split(found)))

    def run(
        self, command: str, *arguments: str, version: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The command, whatever its exit code."""
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        options = ("--os-compute-api-version", version) if version else ()
        return subprocess.run(
            [str(PROGRAM), *options, *command.split(), *arguments],
            env=keep | self.lab.env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
