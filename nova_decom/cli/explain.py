# SPDX-License-Identifier: Apache-2.0
"""``nova-decom explain``: a guard, a step, a kind of leftover or an exit code, in words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import click

from nova_decom.cli.help import near
from nova_decom.exit_codes import ExitCode
from nova_decom.guards import GUARDS, OF_ENABLE
from nova_decom.model.guard import Guard
from nova_decom.model.step import Step
from nova_decom.model.tables import LinesReport
from nova_decom.plan.jobs import DRAIN, ENABLE, REMOVE
from nova_decom.steps import PROCEDURE
from nova_decom.verify.kinds import KINDS


def explain(name: str) -> LinesReport:
    """The text about the name, as the pages of the documentation have it.

    :raises click.UsageError: there is no such name.
    """
    found = texts()
    if name.lower() not in found:
        raise click.UsageError(
            f"No guard, step, leftover or exit code is {name!r}.{near(name, found)}"
        )
    return LinesReport("explain", ExitCode.SUCCESS, lines=tuple(found[name.lower()]()))


def texts() -> Mapping[str, Callable[[], list[str]]]:
    """The text of each name; a name of two things has the text of the first."""
    found: dict[str, Callable[[], list[str]]] = {}
    for code in ExitCode:
        found[str(int(code))] = found[code.name.lower()] = lambda c=code: _code(c)  # type: ignore[misc]
    for kind in KINDS:
        found[kind] = lambda k=kind: _kind(k)  # type: ignore[misc]
    for step in (*ENABLE.steps, *PROCEDURE):
        found[step.name] = lambda s=step: _step(s)  # type: ignore[misc]
    for guard in (*OF_ENABLE, *GUARDS):
        found[guard.name] = lambda g=guard: _guard(g)  # type: ignore[misc]
    return found


def _guard(guard: Guard) -> list[str]:
    asked = ", ".join(job.name for job in (REMOVE, DRAIN, ENABLE) if guard in job.guards)
    skip = f"--skip-guard {guard.name} makes it a warning."
    return [
        *_head("guard", guard.name, guard.ask),
        f"Asked by {asked}. {skip if guard.skippable else 'It cannot be skipped.'}",
        f"Its messages, and what to do about each: docs/guards.md#{guard.name}",
    ]


def _step(step: Step) -> list[str]:
    undo = "It can be reversed." if step.reversible else "It cannot simply be reversed."
    more = f"{undo} The order of the steps: docs/procedure.md"
    return [*_head("step", step.name, step), more]


def _kind(kind: str) -> list[str]:
    more = "nova-decom verify and audit name the command that removes it: docs/leftovers.md"
    return [f"leftover {kind}", "", KINDS[kind], "", more]


def _code(code: ExitCode) -> list[str]:
    name = f"exit code {int(code)}, {code.name}"
    return [name, "", f"{code.meaning[0].upper()}{code.meaning[1:]}.", "", "docs/exit-codes.md"]


def _head(what: str, name: str, documented: object) -> list[str]:
    text = inspect.getdoc(documented) or ""
    return [f"{what} {name}", "", *text.replace("``", "").splitlines(), ""]
