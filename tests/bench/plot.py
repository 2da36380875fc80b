# SPDX-License-Identifier: Apache-2.0
"""Costs by the number of hosts as an SVG, both axes logarithmic, light or dark as its page."""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from tests.bench.runner import HERE

sys.path.append(str(HERE.parents[1] / "docs"))
from pages.drawing import Drawing

WIDTH, HEIGHT, LEFT, TOP = 390, 260, 66, 40
#: Of the area of one plot.
ACROSS, DOWN = 210, 170
LINE = 15


class Cost(Protocol):
    """Numbers, in the order of the plots."""

    @property
    def values(self) -> tuple[float, ...]: ...


def plot(found: Mapping[str, Mapping[int, Cost]], titles: Sequence[str]) -> str:
    """One plot for each number, with a line for each command."""
    drawing = Drawing("growth", "Cost by the number of hosts", 2 * WIDTH, 2 * HEIGHT)
    for number, title in enumerate(titles):
        x, y = LEFT + number % 2 * WIDTH, TOP + number // 2 * HEIGHT
        series = {c: {n: cost.values[number] for n, cost in f.items()} for c, f in found.items()}
        _one(drawing, x, y, title, series)
    return drawing.svg()


def _one(
    drawing: Drawing, x: int, y: int, title: str, series: Mapping[str, Mapping[int, float]]
) -> None:
    sizes = sorted({size for costs in series.values() for size in costs})
    values = [value for costs in series.values() for value in costs.values()]
    least, most = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def across(size: int) -> float:
        return x + ACROSS * math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])

    def down(value: float) -> float:
        return y + DOWN * (most - math.log10(value)) / max(1, most - least)

    drawing.text(x, y - 14, title, "head")
    for power in range(least, most + 1):
        drawing.line(f"M{x} {down(10**power):.0f}H{x + ACROSS}")
        drawing.text(x - 8, int(down(10**power)) + 5, f"{10**power:,}", "soft end")
    for size in sizes:
        drawing.text(int(across(size)), y + DOWN + 20, f"{size:,}", "soft mid")
    ends = []
    for name, costs in series.items():
        points = [(across(size), down(costs[size])) for size in sorted(costs)]
        drawing.curve(points)
        ends.append((points[-1][1], points[-1][0], name))
    # Names below each other where lines end at one place.
    last: dict[int, int] = {}
    for end, right, name in sorted(ends):
        line = max(int(end) + 5, last.get(int(right), -LINE) + LINE)
        last[int(right)] = line
        drawing.text(int(right) + 8, line, name)
