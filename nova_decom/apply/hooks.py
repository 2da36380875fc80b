# SPDX-License-Identifier: Apache-2.0
"""Programs of the operator's that are told what goes on; only ``on-start`` has a say.

This decides which hook is called when and with what; calling it is the business of
:mod:`nova_decom.clients.host.hook_runner`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nova_decom.apply.observers import MoveProgress
from nova_decom.errors import RefusedError
from nova_decom.model.change import Change, Status
from nova_decom.model.report import HostReport

START, STEP, SUCCESS, FAILURE = "on-start", "on-step", "on-success", "on-failure"
NAMES = (START, STEP, SUCCESS, FAILURE)
_ENDS = {str(s) for s in Status}
#: Calls the hook of this name with these variables; what was wrong with it, or None.
Call = Callable[[str, Mapping[str, str]], str | None]


@dataclass(frozen=True, slots=True)
class Hooks:
    """Tells the hooks of a run; ``about`` is what they are told each time."""

    call: Call
    warn: Callable[[str], None]
    about: Mapping[str, str]
    #: There is no directory of hooks.
    are_none: bool = False

    def start(self, host: str) -> None:
        """Before anything is done on a host.

        :raises RefusedError: the hook refuses, cannot be run, or takes too long.
        """
        problem = self._tell(START, {"HOST": host})
        if problem is not None:
            raise RefusedError(
                f"{host}: the hook {START} refuses: {problem}; nothing was changed",
                "find out why, then run again",
            )

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """After each change, whatever came of it."""
        if status in _ENDS:
            told = {
                "HOST": host,
                "STEP": change.step,
                "ACTION": change.action,
                "TARGET": change.target,
                "DETAIL": change.detail,
                "STATUS": status,
                "NOTE": note,
            }
            self._inform(STEP, told)

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """No hook is for that."""

    def moves(self, moves: MoveProgress) -> None:
        """Each move of a server is a change, too."""

    def end(self, report: HostReport) -> None:
        """After a host, with how it ended."""
        told = {
            "HOST": report.host,
            "STATUS": str(report.result),
            "EXIT_CODE": str(int(report.exit_code)),
            "ERROR": report.error or "",
            "REMEDY": report.remedy or "",
        }
        self._inform(FAILURE if report.exit_code else SUCCESS, told)

    def _inform(self, name: str, told: Mapping[str, str]) -> None:
        problem = self._tell(name, told)
        if problem is not None:
            self.warn(f"the hook {name} failed: {problem}")

    def _tell(self, name: str, told: Mapping[str, str]) -> str | None:
        told = {**self.about, **told, "HOOK": name}
        return self.call(name, {f"NOVA_DECOM_{key}": text for key, text in told.items()})


def no_hooks() -> Hooks:
    """Nobody is told."""
    return Hooks(lambda _name, _told: None, lambda _text: None, {}, are_none=True)
