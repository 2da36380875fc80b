# SPDX-License-Identifier: Apache-2.0
"""Readings for many hosts at once: whoever asks while one goes on is served by the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nova_decom.errors import NovaDecomError
from nova_decom.model import Part

Wanted = Mapping[str, frozenset[Part]]


@dataclass(slots=True)
class _Batch:
    wanted: dict[str, frozenset[Part]] = field(default_factory=dict)
    is_done: bool = False
    was_read: bool = False
    error: NovaDecomError | None = None


class SharedReads:
    """Collects what hosts want read, and reads it for all of them by one round of calls.

    A host alone is served at once. ``turn`` is held while anything is read.
    """

    def __init__(self, read: Callable[[Wanted], None]) -> None:
        """``read`` is called by one thread at a time."""
        self._read = read
        self._next = _Batch()
        self._collecting = threading.Lock()
        self.turn = threading.RLock()

    def __call__(self, host: str, parts: frozenset[Part]) -> None:
        """Return when these parts of the host were read after this was called.

        :raises NovaDecomError: the reading failed, for all that shared it.
        """
        with self._collecting:
            batch = self._next
            batch.wanted[host] = batch.wanted.get(host, frozenset()) | parts
        with self.turn:
            if not batch.is_done:
                self._serve(batch)
        if batch.error is not None:
            raise batch.error
        if not batch.was_read:
            raise RuntimeError("a shared reading ended by a bug: nothing old is taken for new")

    def _serve(self, batch: _Batch) -> None:
        with self._collecting:
            self._next = _Batch()
        try:
            self._read(batch.wanted)
            batch.was_read = True
        except NovaDecomError as error:
            batch.error = error
        finally:
            batch.is_done = True
