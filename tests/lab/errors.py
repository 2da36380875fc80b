# SPDX-License-Identifier: Apache-2.0
"""The one exception of the lab."""

from pathlib import Path

TAIL_LINES = 25


class LabError(Exception):
    """Something in the lab did not do what was waited for; the message says what, with the log."""


def failure(what: str, log: Path | None = None) -> LabError:
    """A LabError that ends with the tail of `log`."""
    if log is None:
        return LabError(what)
    return LabError(f"{what}\n--- end of {log} ---\n{tail(log)}")


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    if not log.exists():
        return "(no log)"
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 64 * 1024))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
