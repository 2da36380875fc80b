# SPDX-License-Identifier: Apache-2.0
"""The names and uuids of hosts of earlier runs, by cloud."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from nova_decom.model.host import HostIdentity
from nova_decom.state.directory import journal_writing, write_private


class HostMemory:
    """The identity of each host that earlier runs removed, by cloud: one small file a host."""

    def __init__(self, state_dir: Path, cloud: str = "") -> None:
        """``cloud`` is the key of the cloud: a host of another one is not known here."""
        self._directory = state_dir / "hosts" / cloud

    def _path(self, host: str) -> Path:
        digest = hashlib.sha256(host.encode("utf-8", "surrogateescape")).hexdigest()
        return self._directory / f"{digest}.json"

    def recall(self, host: str) -> HostIdentity | None:
        """The identity of a host that an earlier run worked on, or None."""
        try:
            data = json.loads(self._path(host).read_text("utf-8"))
            identity = HostIdentity(frozenset(data["node_uuids"]), frozenset(data["names"]))
            return identity if data["host"] == host else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def hosts(self) -> frozenset[str]:
        """All hosts that earlier runs worked on."""
        found = set()
        for path in self._directory.glob("*.json"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                found.add(str(json.loads(path.read_text("utf-8"))["host"]))
        return frozenset(found)

    def keep(self, host: str, identity: HostIdentity) -> None:
        """Write the identity of the host, whole or not at all."""
        data = {"host": host} | {k: sorted(v) for k, v in asdict(identity).items()}
        path = self._path(host)
        with journal_writing(path):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, json.dumps(data))
