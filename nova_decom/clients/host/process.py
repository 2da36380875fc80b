# SPDX-License-Identifier: Apache-2.0
"""A program with a bound: ended when its time is over, together with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO


def run(
    command: Sequence[str],
    seconds: float,
    streams: tuple[IO[bytes] | int, IO[bytes], IO[bytes]],
    env: Mapping[str, str | bytes] | None = None,
    cwd: str | None = None,
) -> int:
    """The exit code of the command itself, as soon as it has ended.

    Its ``streams`` (input, output, errors) are files, and no pipes: children that keep those open
    are not waited for. It leads a session of its own, so Ctrl-C is not for it: a change in hand
    is finished.

    :raises subprocess.TimeoutExpired: it has not ended within ``seconds``.
    :raises OSError: it cannot be run.
    """
    process = subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        start_new_session=True,
    )
    try:
        return process.wait(seconds)
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
