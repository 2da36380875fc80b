# SPDX-License-Identifier: Apache-2.0
"""Readings shared by the hosts of a run: requests during one reading go into the next one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nova_decom.errors import NovaDecomError

Wanted = Mapping[str, frozenset[str]]
#: Bounds, in seconds, of the time that a reading waits for other hosts: as long as the last one of
#: the same parts took. A host so waits no longer than it would have to for the next reading.
LEAST, MOST = 0.1, 1.0


@dataclass(slots=True)
class _Batch:
    wanted: dict[str, frozenset[str]] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    was_read: bool = False
    error: NovaDecomError | None = None


class BatchedReads:
    """Collects the parts that hosts ask for, and reads them for all hosts by one round of calls.

    The thread that asks first reads for all that ask before it begins.
    """

    def __init__(
        self, read: Callable[[Wanted], None], gather: Callable[[float], None] | None = None
    ) -> None:
        """``read`` is called by one thread at a time.

        ``gather`` waits while hosts are about to ask, for the seconds that it is given at most.
        """
        self._read = read
        self._gather = gather
        self._next = _Batch()
        self._collecting = threading.Lock()
        self._turn = threading.Lock()
        self._took: dict[frozenset[str], float] = {}

    def __call__(self, host: str, parts: frozenset[str]) -> None:
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

    def _serve(self, batch: _Batch, parts: frozenset[str]) -> None:
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
        """Close the batch; later requests go into the next one."""
        with self._collecting:
            if self._next is batch:
                self._next = _Batch()
