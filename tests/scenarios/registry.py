# SPDX-License-Identifier: Apache-2.0
"""What each scenario is about: for the tests, and for the table in the documentation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
HEADER = ("state", "what by-hand SQL does", "what nova-decom does", "result")

INTRODUCTION = """\
<!-- Written by: python -m tests.scenarios > docs/scenarios.md -->

# Scenarios

Clouds are dirty: hosts were removed by SQL, removed half, added again, evacuated, renamed.
`tests/scenarios` makes each of these states on a real Nova, by the means of the field.
Then it plans, removes, compares the real facts with what the plan promised, verifies, and
removes again, which must change nothing.
A neighbour with a server on it must look as before.
T01 to T07 run on a nova with two cells, and a neighbour in each.
"""


@dataclass(frozen=True)
class Scenario:
    """A state, what SQL by hand makes of it, and what nova-decom makes of it."""

    ids: tuple[str, ...]
    state: str
    by_hand: str
    does: str
    result: str
    hosts: tuple[str, ...]
    conf: str = ""

    def row(self) -> tuple[str, ...]:
        return (f"{', '.join(self.ids)}: {self.state}", self.by_hand, self.does, self.result)


REGISTRY: dict[str, Scenario] = {}


def scenario(
    *ids: str,
    state: str,
    by_hand: str,
    does: str,
    result: str = "clean",
    hosts: tuple[str, ...] | None = None,
    conf: str = "",
) -> Callable[[F], F]:
    """Register a test; its hosts (one of the first id's name, unless given) run when it begins.

    Their nova-compute reads the sections ``conf`` last.
    """
    names = (ids[0].lower(),) if hosts is None else hosts
    told = Scenario(ids, state, by_hand, does, result, names, conf)

    def register(test: F) -> F:
        REGISTRY[f"{test.__module__}::{test.__name__}"] = told
        test.scenario = told  # type: ignore[attr-defined]
        return test

    return register


def load() -> tuple[Scenario, ...]:
    """All scenarios, by their first id."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        import_module(f"{__package__}.{path.stem}")
    return tuple(sorted(REGISTRY.values(), key=lambda s: s.ids))


def markdown() -> Iterator[str]:
    """The table, line by line."""
    yield _line(HEADER)
    yield _line(("---",) * len(HEADER))
    yield from (_line(s.row()) for s in load())


def page() -> str:
    """The page of the documentation."""
    return "\n".join((INTRODUCTION, *markdown(), ""))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
