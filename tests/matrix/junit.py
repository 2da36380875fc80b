# SPDX-License-Identifier: Apache-2.0
"""Run pytest, and read what became of each test."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True)
class Outcome:
    """A test that ran: its file, its name with parameters, and how it ended."""

    file: str
    name: str
    passed: bool
    seconds: float

    def is_of(self, node: str) -> bool:
        """True when the node id is the test's, that of its file, or its without parameters."""
        own = f"{self.file}::{self.name}"
        return node in {self.file, own, own.partition("[")[0]}


def run(arguments: list[str], environment: Mapping[str, str] | None = None) -> list[Outcome]:
    """The tests that pytest ran; one that was left out has not passed."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", "--quiet", f"--junitxml={report}", *arguments]
        subprocess.run(command, env={**os.environ, **(environment or {})}, check=False)
        return list(_tests(report)) if report.exists() else []


def _tests(report: Path) -> Iterator[Outcome]:
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own file
        file = case.get("classname", "").replace(".", "/") + ".py"
        seconds = float(case.get("time", "0"))
        yield Outcome(file, case.get("name", ""), passed=len(case) == 0, seconds=seconds)
