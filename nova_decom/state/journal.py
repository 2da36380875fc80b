# SPDX-License-Identifier: Apache-2.0
"""The journal of a run: an append-only JSON Lines file with every change and saved row.

The cloud says what is done; the journal says who did what, when and why, and holds the
before-image of every row that went. Files are 0600 in directories of 0700.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from nova_decom.model.host import HostFacts, HostIdentity
from nova_decom.model.sql import Image
from nova_decom.state import sql_backup as sqlfile
from nova_decom.state.directory import (
    journal_writing,
    open_private,
    open_state_dir,
    sync_directory,
)
from nova_decom.state.known_hosts import HostMemory

VERSION = 1
#: Fixed, so that the request id of a run can be computed from its id by anyone.
_NAMESPACE = uuid.UUID("5d2f0d1c-3a52-5b0e-9d43-6c9b7a2f4e11")


def new_run_id(now: datetime | None = None) -> str:
    """A sortable run id, e.g. ``20261123T041500Z-7f3a``."""
    now = now or datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def request_id(run: str) -> str:
    """The OpenStack global request id of a run; nova accepts only the form req-UUID."""
    return f"req-{uuid.uuid5(_NAMESPACE, run)}"


class RunJournal:
    """The journal of one run."""

    def __init__(self, state_dir: Path, run: str, cloud: str = "") -> None:
        """Create ``runs/RUN.jsonl``; it must not exist. ``cloud`` is the key of the cloud."""
        self.run, self._cloud = run, cloud
        self.state_dir = open_state_dir(state_dir)
        directory = self.state_dir / "runs"
        self.path = directory / f"{run}.jsonl"
        self._begun = time.monotonic()
        self._turn = threading.RLock()
        #: The host that a thread works on; each host of a run has a thread.
        self._own = threading.local()
        with journal_writing(self.path):
            directory.mkdir(mode=0o700, exist_ok=True)
            self._file = open_private(self.path, os.O_WRONLY | os.O_APPEND | os.O_EXCL)
            sync_directory(directory)

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        os.close(self._file)

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._begun

    def event(self, kind: str, **data: Any) -> None:  # noqa: ANN401
        """Append one event; it is on the disk when this returns.

        :raises JournalError: it cannot be written.
        """
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._own.host = data.get("host") or getattr(self._own, "host", None)
        line = {"v": VERSION, "at": stamp, "run": self.run, "event": kind, **data}
        rest = memoryview((json.dumps(line, default=_encode) + "\n").encode())
        with self._turn, journal_writing(self.path):
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)

    def save(self, images: Sequence[Image]) -> None:
        """Save the before-images of a change; they are on the disk when this returns.

        A transaction that is tried again is saved again: the last image of a row holds.

        :raises JournalError: it cannot be written.
        """
        with self._turn:
            for image in images:
                transaction = image.transaction
                self.event(
                    "before-image",
                    host=transaction.host if transaction else getattr(self._own, "host", None),
                    cell=transaction and transaction.cell,
                    database=image.source,
                    table=image.table,
                    rows=list(image.rows),
                )
            if text := sqlfile.block(images):
                self._append_sql(text)

    def _append_sql(self, text: str) -> None:
        """Append to ``RUN.sql`` beside the journal; the text is on the disk when this returns."""
        path = self.path.with_suffix(".sql")
        with journal_writing(path):
            handle = open_private(path, os.O_WRONLY | os.O_APPEND)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                if not os.fstat(handle).st_size:
                    file.write(sqlfile.heading(self.run))
                    sync_directory(path.parent)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())

    def remember(self, facts: HostFacts) -> None:
        """Save the host's names and uuids: after the purge nothing else has them."""
        memory = HostMemory(self.state_dir, self._cloud)
        known = memory.recall(facts.host) or HostIdentity()
        memory.keep(facts.host, known.union(facts.own_identity))


def _encode(value: object) -> object:
    """A value of a row or a fact as JSON: dates as text, bytes as base64."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    return sorted(value) if isinstance(value, frozenset | set) else str(value)
