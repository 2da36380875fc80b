# SPDX-License-Identifier: Apache-2.0
"""The shell of somebody who follows a page: one bash from its first line to its last."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pexpect

PROMPT = re.compile(r"type the (host name|number of hosts) to remove: ")
#: The lines that are drawn over and over and do not stay: the spinner's, and what is read.
LIVE = re.compile(r"^(?:[\u2800-\u28ff]|reading) .*$", re.MULTILINE)
STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Shell:
    """A bash without a terminal that keeps directory and variables between commands."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=directory,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bash.kill()
        self._bash.communicate()

    def run(self, command: str) -> tuple[int, str]:
        """The exit code of a command and what it wrote."""
        end = secrets.token_hex(8)
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(
            f"{{ {command}\n}} </dev/null 2>&1\nprintf '\\n%s %s\\n' {end} $?\n"
        )
        self._bash.stdin.flush()
        lines = []
        for line in self._bash.stdout:
            if line.startswith(f"{end} "):
                return int(line.split()[1]), "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended with: {command}")

    def answer(self, command: str, types: str) -> tuple[int, str]:
        """As :meth:`run`, at a terminal, where its one question is answered."""
        _, directory = self.run("pwd")
        _, variables = self.run("env -0 | tr '\\0' '\\n'")
        environment = dict(v.split("=", 1) for v in variables.splitlines() if "=" in v)
        child = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile", "-c", command],
            cwd=directory.strip(),
            env=environment | {"TERM": "xterm"},
            encoding="utf-8",
            timeout=120,
            dimensions=(60, 200),
        )
        child.expect(PROMPT)
        seen = child.before + child.after
        child.sendline(types)
        child.expect(pexpect.EOF)
        child.close()
        text = STEERING.sub("", seen + child.before).replace("\r", "\n")
        return int(child.exitstatus), LIVE.sub("", text)
