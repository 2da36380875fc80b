# SPDX-License-Identifier: Apache-2.0
"""The changes in hand, and the lines that name them when a signal asks the run to stop."""

from __future__ import annotations

from rich.console import Console

from nova_decom.apply.observers import MoveProgress
from nova_decom.model.change import Change
from nova_decom.output.console import line
from nova_decom.output.progress_lines import summary
from nova_decom.steps import MOVING_STEPS

#: The most changes that are named.
NAMED = 10


class InHand:
    """A progress that keeps the changes that have begun and not ended."""

    def __init__(self, err: Console) -> None:
        self._err = err
        self._begun: dict[tuple[str, object], Change] = {}
        self._signals = 0

    def change(self, host: str, change: Change, status: str, _note: str = "") -> None:
        """Keep a change that begins; forget one that ends."""
        if status == "started":
            self._begun[host, change.key] = change
        else:
            self._begun.pop((host, change.key), None)

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Keep nothing: a signal ends every wait but those for servers that move."""

    def moves(self, moves: MoveProgress) -> None:
        """Keep nothing: each move is a change."""

    def announce(self, signal: str) -> None:
        """Print what the run waits for until it ends."""
        self._signals += 1
        begun = tuple(self._begun.items())
        moving = any(change.step in MOVING_STEPS for _, change in begun)
        if not begun:
            self._err.print(line(f"{signal}: no change is in hand; the run ends"))
            return
        if moving and self._signals > 1:
            self._err.print(line(f"{signal}: the run ends; nova goes on with the moves"))
            return
        self._err.print(line(f"{signal}: no further change begins; the run waits for"))
        for (host, _), change in begun[:NAMED]:
            self._err.print(line(f"    {host}: {summary(change)}"))
        if len(begun) > NAMED:
            self._err.print(line(f"    and {len(begun) - NAMED} more"))
        if moving:
            self._err.print(line(f"    a second {signal} leaves servers that move to nova"))
