# SPDX-License-Identifier: Apache-2.0
"""One append-only JSON Lines file per run: who, why, what was seen, what was saved, what came.

The cloud says what is done; the journal says who did what, when and why, and holds the
before-image of every row that went. Files are 0600 in directories of 0700.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import stat
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from nova_decom import sqlfile
from nova_decom.errors import ConfigurationError, JournalError
from nova_decom.model.host import HostFacts, Identity
from nova_decom.model.sql import Image

VERSION = 1
#: Fixed, so that the request id of a run can be computed from its id by anyone.
_NAMESPACE = uuid.UUID("5d2f0d1c-3a52-5b0e-9d43-6c9b7a2f4e11")


def new_run_id(now: datetime | None = None) -> str:
    """A sortable run id, e.g. ``20261123T041500Z-7f3a``."""
    now = now or datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def request_id(run: str) -> str:
    """The OpenStack global request id of a run; nova takes no other form than req-UUID."""
    return f"req-{uuid.uuid5(_NAMESPACE, run)}"


def open_state_dir(path: Path) -> Path:
    """Create the state directory, or check that nobody else can write to it.

    :raises ConfigurationError: it belongs to somebody else, others may write there, or it
        cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.stat()
    except OSError as error:
        raise ConfigurationError(
            f"state directory {path}: {error.strerror}", "give --state-dir"
        ) from error
    if info.st_uid != os.geteuid():
        raise ConfigurationError(
            f"state directory {path} belongs to uid {info.st_uid}, not to you",
            "give --state-dir, or run as its owner",
        )
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(
            f"state directory {path} can be written by others", f"chmod 0700 {path}"
        )
    return path


class RunJournal:
    """The journal of one run."""

    def __init__(self, state_dir: Path, run: str) -> None:
        """Create ``runs/RUN.jsonl``; it must not exist."""
        self.run = run
        self.state_dir = open_state_dir(state_dir)
        directory = self.state_dir / "runs"
        self.path = directory / f"{run}.jsonl"
        self._turn = threading.RLock()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        with _writing(self.path):
            directory.mkdir(mode=0o700, exist_ok=True)
            self._file = os.open(self.path, flags, 0o600)
            _sync_directory(directory)

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        os.close(self._file)

    def event(self, kind: str, **data: Any) -> None:  # noqa: ANN401
        """Append one event; it is on the disk when this returns.

        :raises JournalError: it cannot be written.
        """
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"v": VERSION, "at": stamp, "run": self.run, "event": kind, **data}
        rest = memoryview((json.dumps(line, default=_encode) + "\n").encode())
        with self._turn, _writing(self.path):
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)

    def save(self, images: Sequence[Image]) -> None:
        """Keep what is about to be changed as it is; it is on the disk when this returns.

        A transaction that is tried again is saved again: the last image of a row holds.

        :raises JournalError: it cannot be written.
        """
        with self._turn:
            for image in images:
                transaction = image.transaction
                self.event(
                    "before-image",
                    host=transaction and transaction.host,
                    cell=transaction and transaction.cell,
                    database=image.source,
                    table=image.table,
                    rows=list(image.rows),
                )
            if text := sqlfile.block(images):
                self._append_sql(text)

    def _append_sql(self, text: str) -> None:
        """Beside the journal, ``RUN.sql``: on the disk when this returns."""
        path = self.path.with_suffix(".sql")
        with _writing(path):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
            handle = os.open(path, flags, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                if not os.fstat(handle).st_size:
                    file.write(sqlfile.heading(self.run))
                    _sync_directory(path.parent)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())

    def remember(self, facts: HostFacts) -> None:
        """Keep the host's names and uuids: after the purge nothing else knows them."""
        memory = HostMemory(self.state_dir)
        known = memory.recall(facts.host) or Identity()
        memory.keep(facts.host, known.union(facts.identity))


class HostMemory:
    """What earlier runs knew of hosts that may be gone by now: one small file per host."""

    def __init__(self, state_dir: Path) -> None:
        """Nothing is read or made yet."""
        self._directory = state_dir / "hosts"

    def _path(self, host: str) -> Path:
        digest = hashlib.sha256(host.encode("utf-8", "surrogateescape")).hexdigest()
        return self._directory / f"{digest}.json"

    def recall(self, host: str) -> Identity | None:
        """The identity of a host that an earlier run worked on, or None."""
        try:
            data = json.loads(self._path(host).read_text("utf-8"))
            identity = Identity(frozenset(data["node_uuids"]), frozenset(data["names"]))
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

    def keep(self, host: str, identity: Identity) -> None:
        """Write the identity, whole or not at all."""
        data = {"host": host} | {k: sorted(v) for k, v in asdict(identity).items()}
        path = self._path(host)
        scratch = path.with_suffix(".new")
        with _writing(path):
            self._directory.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
            _sync_directory(self._directory)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JournalError(
            f"the journal {path} cannot be written: {error.strerror}; "
            "nothing is changed without it",
            "make room for it, then run again",
        ) from error


def _encode(value: object) -> object:
    """JSON for what a database row or a fact may hold: dates as text, bytes as base64."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    return sorted(value) if isinstance(value, frozenset | set) else str(value)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
