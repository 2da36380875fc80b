# SPDX-License-Identifier: Apache-2.0
"""Run nova-decom as an operator's shell, cron or Ansible would."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.envelope import validate
from tests.lab import Lab

PROGRAM = Path(sys.executable).parent / "nova-decom"


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout, valid by the schema."""
        document: dict[str, Any] = json.loads(self.out)
        validate(document)
        assert document["exit_code"] == self.code
        return document

    @property
    def host(self) -> dict[str, Any]:
        """The only host of the document."""
        (host,) = self.json["hosts"]
        return dict(host)

    @property
    def shown(self) -> str:
        """Both streams for the message of a failed test, without what CI cuts off for its length.

        A JSON document is shown without the guards that found nothing.
        """
        try:
            document = json.loads(self.out)
        except ValueError:
            return self.err + self.out
        for host in document.get("hosts", ()):
            found = host.get("findings", ())
            host["findings"] = [f for f in found if f["verdict"] != "ok"]
        return f"{self.err}{json.dumps(document)}"

    def blocked(self) -> dict[str, str]:
        """The guards that blocked, with what they saw."""
        findings = self.host["findings"]
        return {f["guard"]: f["message"] for f in findings if f["verdict"] == "blocked"}

    def changes(self, status: str) -> list[str]:
        """The changes with a status, as step and action."""
        changes = self.host["changes"]
        return [f"{c['step']} {c['action']}" for c in changes if c["status"] == status]


@dataclass(frozen=True)
class NovaDecom:
    """The program with the environment that the lab's ``env`` command prints."""

    lab: Lab
    state_dir: Path
    #: The environment of another login than the lab's administrator.
    login: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 300.0

    def __call__(self, *arguments: str, stdin: str | None = None, **environment: str) -> Ran:
        """Run it without a terminal, bounded."""
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        lab = self.lab.env() | {"NOVA_DECOM_STATE_DIR": str(self.state_dir)}
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            env=keep | lab | dict(self.login) | environment,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.timeout,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def remove(self, *arguments: str, **environment: str) -> Ran:
        """``remove``, confirmed, with a short settle time and JSON."""
        return self("remove", "--yes", "-f", "json", "--settle", "3", *arguments, **environment)
