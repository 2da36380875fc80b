# SPDX-License-Identifier: Apache-2.0
"""The standard streams, so that a full disk or a lost terminal ends no run."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

#: How the program's own signs are written where the stream cannot encode them.
PLAIN = {"→": "->", "…": "...", "✓": "ok", "✗": "FAILED", "\N{EN DASH}": "-"}


class Tolerant:
    """A text stream whose writes may fail: the text is lost, and the caller goes on."""

    def __init__(self, stream: TextIO | io.TextIOBase) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text if the stream takes it."""
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream if it can be."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the stream."""
        return getattr(self._stream, name)


class Closed(io.TextIOBase):
    """The stream of a program that was started without it."""

    def write(self, _text: str) -> int:
        """Fail as a closed descriptor does."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


class Stdout:
    """stdout; ``lost`` is true after a write that failed, whose error may come through click."""

    def __init__(self, stream: TextIO | io.TextIOBase) -> None:
        self._stream, self.lost = stream, False

    def write(self, text: str) -> int:
        """Write the text, or note that it is lost."""
        try:
            return self._stream.write(text)
        except OSError:
            self.lost = True
            raise

    def flush(self) -> None:
        """Write what is buffered, or note that it is lost."""
        try:
            self._stream.flush()
        except OSError:
            self.lost = True
            raise

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the stream."""
        return getattr(self._stream, name)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Let no write to stderr fail within; encode what the streams cannot in plain letters."""
    codecs.register_error("nova-decom", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="nova-decom")
    before = sys.stdout, sys.stderr
    # A program that is started with a stream closed has None here.
    sys.stdout, sys.stderr = Stdout(before[0] or Closed()), Tolerant(before[1] or Closed())
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def abandon(stream: TextIO) -> None:
    """Drop the buffer of the stream, which the interpreter would fail to write at its exit."""
    with suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    signs = (PLAIN.get(c) or c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    return "".join(signs), error.end
