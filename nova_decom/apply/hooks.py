# SPDX-License-Identifier: Apache-2.0
"""Hooks: programs of the operator's, called during a run; only ``on-start`` can refuse.

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
#: Calls the hook of this name with these variables; returns its problem, or None.
Call = Callable[[str, Mapping[str, str]], str | None]


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks of a run; ``about`` are the variables that every call has."""

    call: Call
    warn: Callable[[str], None]
    about: Mapping[str, str]
    #: There is no directory of hooks.
    are_none: bool = False

    def start(self, host: str) -> None:
        """Call ``on-start`` before anything is changed on a host.

        :raises RefusedError: the hook refuses, cannot be run, or takes too long.
        """
        problem = self._call(START, {"HOST": host})
        if problem is not None:
            raise RefusedError(
                f"{host}: the hook {START} refuses: {problem}; nothing was changed",
                "find out why, then run again",
            )

    def change(self, host: str, change: Change, status: str, note: str = "") -> None:
        """Call ``on-step`` after each change, also one that failed."""
        if status in _ENDS:
            variables = {
                "HOST": host,
                "STEP": change.step,
                "ACTION": change.action,
                "TARGET": change.target,
                "DETAIL": change.detail,
                "STATUS": status,
                "NOTE": note,
            }
            self._inform(STEP, variables)

    def waiting(self, host: str, what: str, seconds: float) -> None:
        """Call no hook."""

    def moves(self, moves: MoveProgress) -> None:
        """Call no hook: each move of a server is a change too."""

    def end(self, report: HostReport) -> None:
        """Call ``on-success`` or ``on-failure`` after a host."""
        variables = {
            "HOST": report.host,
            "STATUS": str(report.result),
            "EXIT_CODE": str(int(report.exit_code)),
            "ERROR": report.error or "",
            "REMEDY": report.remedy or "",
        }
        self._inform(FAILURE if report.exit_code else SUCCESS, variables)

    def _inform(self, name: str, variables: Mapping[str, str]) -> None:
        problem = self._call(name, variables)
        if problem is not None:
            self.warn(f"the hook {name} failed: {problem}")

    def _call(self, name: str, variables: Mapping[str, str]) -> str | None:
        known = {**self.about, **variables, "HOOK": name}
        return self.call(name, {f"NOVA_DECOM_{key}": text for key, text in known.items()})


def no_hooks() -> Hooks:
    """Hooks of a run without a directory of hooks."""
    return Hooks(lambda _name, _variables: None, lambda _text: None, {}, are_none=True)
