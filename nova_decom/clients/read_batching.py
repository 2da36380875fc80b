# SPDX-License-Identifier: Apache-2.0
"""Readings for many hosts at once: whoever asks while one goes on is served by the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nova_decom.errors import NovaDecomError
from nova_decom.model.request import Part

Wanted = Mapping[str, frozenset[Part]]
#: Seconds for which a reading waits for other hosts: as long as the last one of its kind took,
#: within these bounds. Nobody waits for longer than it would have had to for the next one.
LEAST, MOST = 0.1, 1.0


@dataclass(slots=True)
class _Batch:
    wanted: dict[str, frozenset[Part]] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    was_read: bool = False
    error: NovaDecomError | None = None


class BatchedReads:
    """Collects what hosts want read, and reads it for all of them by one round of calls.

    Who asks first reads for all who ask before it begins. A host alone is served at once.
    """

    def __init__(
        self, read: Callable[[Wanted], None], gather: Callable[[float], None] | None = None
    ) -> None:
        """``read`` is called by one thread at a time.

        ``gather`` waits, for so many seconds at most, while hosts are about to ask.
        """
        self._read = read
        self._gather = gather
        self._next = _Batch()
        self._collecting = threading.Lock()
        self._turn = threading.Lock()
        self._took: dict[frozenset[Part], float] = {}

    def __call__(self, host: str, parts: frozenset[Part]) -> None:
        """Return when these parts of the host were read after this was called.

        :raises NovaDecomError: the reading failed, for all that shared it.
        """
        with self._collecting:
            batch = self._next
            is_first = not batch.wanted
            batch.wanted[host] = batch.wanted.get(host, frozenset()) | parts
        if is_first:
            self._serve(batch, parts)
        else:
            batch.done.wait()
        if batch.error is not None:
            raise batch.error
        if not batch.was_read:
            raise RuntimeError("a shared reading ended by a bug: nothing old is taken for new")

    def _serve(self, batch: _Batch, parts: frozenset[Part]) -> None:
        try:
            if self._gather is not None:
                self._gather(min(max(self._took.get(parts, 0.0), LEAST), MOST))
            with self._turn:
                self._close(batch)
                begun = time.monotonic()
                self._read(batch.wanted)
                self._took[parts] = time.monotonic() - begun
            batch.was_read = True
        except NovaDecomError as error:
            batch.error = error
        finally:
            self._close(batch)
            batch.done.set()

    def _close(self, batch: _Batch) -> None:
        """Who asks from now on is not served by this one."""
        with self._collecting:
            if self._next is batch:
                self._next = _Batch()
