# SPDX-License-Identifier: Apache-2.0
"""The registrars: what is done with each service that knows hosts beside nova."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nova_decom.model.plan import summary
from nova_decom.model.registrar import Registrar
from nova_decom.registrars import REGISTRARS
from pages.markdown import code, docstring, page, table

TEXT = """\
A registrar is a service beside nova that keeps records of compute hosts. `remove`, `verify`,
`audit`, `list` and `doctor` read each of them in bulk: the number of requests does not grow with
the number of hosts. Where a registrar cannot be read, *Safe to re-add* is *unknown* with the
commands that look and clean, and `doctor` tells what that costs."""


def registrars() -> str:
    """The page of the services that know hosts."""
    rows = (
        (
            f"[{r.name}](#{r.name})",
            summary(type(r)),
            _names(step.name for step in r.steps),
            _names(guard.name for guard in r.guards),
        )
        for r in REGISTRARS
    )
    head = ("Registrar", "Records", "Steps", "Guards")
    return page("Services that know hosts", TEXT, table(head, rows), *map(_section, REGISTRARS))


def _section(registrar: Registrar[Any, Any]) -> Iterator[str]:
    yield from (f"## {registrar.name}", "", docstring(type(registrar)), "")
    yield f"Rights: {registrar.rights}."


def _names(names: Iterator[str]) -> str:
    return ", ".join(map(code, names)) or "-"
