# SPDX-License-Identifier: Apache-2.0
"""Targets: ratios of one run that are to be reached, and which were missed."""

from dataclasses import dataclass, field

from tests.bench.table import say


@dataclass
class Targets:
    """The lines of those that were missed."""

    missed: list[str] = field(default_factory=list)

    def most(self, what: str, value: float, bound: float) -> None:
        """``value`` must not be above ``bound``."""
        self._note(f"{what}: {value:.2f} (target: at most {bound:g})", kept=value <= bound)

    def least(self, what: str, value: float, bound: float) -> None:
        """``value`` must not be below ``bound``."""
        self._note(f"{what}: {value:.1f} (target: at least {bound:g})", kept=value >= bound)

    def _note(self, line: str, *, kept: bool) -> None:
        say(f"\n{line}{'' if kept else ': missed'}")
        if not kept:
            self.missed.append(f"missed: {line}")
