# SPDX-License-Identifier: Apache-2.0
"""Small drawings as SVG, in the colours of the page around them, light or dark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

STYLE = """\
.NAME { max-width: 100%; height: auto; font: 14px system-ui, sans-serif;
  --ink: var(--color-foreground-primary, #1f2328); --soft: var(--color-foreground-secondary, #59636e);
  --paper: var(--color-background-secondary, #f6f8fa); --edge: var(--color-foreground-border, #8c959f);
  --mark: var(--color-brand-content, #0969da); }
@media (prefers-color-scheme: dark) { svg.NAME:root {
  --ink: #e6edf3; --soft: #9198a1; --paper: #161b22; --edge: #6e7681; --mark: #58a6ff; background: #0d1117; } }
.NAME text { fill: var(--ink); }
.NAME .soft { fill: var(--soft); }
.NAME .mid { text-anchor: middle; }
.NAME .head { font-weight: 600; }
.NAME .mark { fill: var(--mark); font-weight: 600; }
.NAME .box { fill: var(--paper); stroke: var(--edge); stroke-width: 1.5; }
.NAME .line { fill: none; stroke: var(--edge); stroke-width: 1.5; stroke-dasharray: 6 4; }
.NAME .end { text-anchor: end; }
.NAME .curve { fill: none; stroke: var(--mark); stroke-width: 2; }
.NAME .way { fill: none; stroke: var(--mark); stroke-width: 2; marker-end: url(#NAME-tip); }
.NAME .tip { fill: var(--mark); }
"""  # noqa: E501 - a declaration a line
TIP = (
    '<defs><marker id="NAME-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
)


@dataclass
class Drawing:
    """A drawing; ``name`` is its class in the style sheet, ``title`` is read to the blind."""

    name: str
    title: str
    width: int
    height: int
    parts: list[str] = field(default_factory=list)

    def text(self, x: int, y: int, text: str, style: str = "") -> None:
        """Write a line of text."""
        self.parts.append(f'<text class="{style}" x="{x}" y="{y}">{escape(text)}</text>')

    def box(self, x: int, y: int, width: int, lines: Iterable[str], height: int = 0) -> None:
        """Draw a box with these lines, the first of them bold."""
        lines = tuple(lines)
        height = height or 16 + 20 * len(lines)
        self.parts.append(
            f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'
        )
        top = y + (height - 20 * len(lines)) // 2 + 15
        for number, line in enumerate(lines):
            style = "mid soft" if number else "mid head"
            self.text(x + width // 2, top + 20 * number, line, style)

    def arrow(self, path: str) -> None:
        """Draw an arrow along a path."""
        self.parts.append(f'<path class="way" d="{path}"/>')

    def line(self, path: str) -> None:
        """Draw a broken line along a path."""
        self.parts.append(f'<path class="line" d="{path}"/>')

    def curve(self, points: Iterable[tuple[float, float]]) -> None:
        """Draw a line from point to point."""
        path = "L".join(f"{x:.0f} {y:.0f}" for x, y in points)
        self.parts.append(f'<path class="curve" d="M{path}"/>')

    def svg(self) -> str:
        """The drawing as a file, which a page may also contain."""
        size = f'viewBox="0 0 {self.width} {self.height}" style="width: {self.width}px"'
        named = f'role="img" aria-labelledby="{self.name}-title"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{self.name}" {size} {named}>',
            f'<title id="{self.name}-title">{escape(self.title)}</title>',
            f"<style>\n{STYLE}</style>".replace("NAME", self.name),
            TIP.replace("NAME", self.name),
        )
        return "\n".join((*head, *self.parts, "</svg>\n"))
