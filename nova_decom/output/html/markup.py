# SPDX-License-Identifier: Apache-2.0
"""HTML elements: every text and every attribute is escaped when the element is made."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from nova_decom.output.escape import safe

#: Elements that have no end tag.
_VOID = {"meta", "br"}


class Html(str):
    """Markup made by :func:`tag`; every other text is data and is escaped."""

    __slots__ = ()


Child = str | Html | None


def tag(element: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """An element. ``class_`` is class, ``_`` in a name a dash, True an attribute without value."""
    words = [element]
    for key, value in attributes.items():
        plain = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(plain)
        elif value is not None and value is not False:
            words.append(f'{plain}="{html.escape(safe(str(value)))}"')
    begin = f"<{' '.join(words)}>"
    return Html(begin if element in _VOID else f"{begin}{together(*children)}</{element}>")


def together(*children: Child) -> Html:
    """Elements and texts, one after the other."""
    return Html("".join(_markup(child) for child in children if child is not None))


def _markup(child: str) -> str:
    return child if isinstance(child, Html) else html.escape(safe(child), quote=False)


def words(text: str) -> Html:
    """Text in which a name, a uuid or an option stays on one line where there is room for it."""
    parts = re.split(r"(\s+)", text)
    return together(*(tag("span", p, class_="word") if "-" in p else p for p in parts))


def table(
    names: Sequence[str], rows: Sequence[Sequence[Child]], numbers: set[int] | None = None
) -> Html:
    """A table; on a narrow screen each cell is a line with the name of its column."""
    numbers = numbers or set()
    head = tag(
        "tr",
        *(tag("th", name, class_="num" if n in numbers else None) for n, name in enumerate(names)),
    )
    body = [
        tag(
            "tr",
            *(
                tag(
                    "td",
                    cell if isinstance(cell, Html) else words(cell or ""),
                    data_name=names[n] if n and names[n] != "what" else None,
                    class_="num" if n in numbers else None,
                )
                for n, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    return tag("table", tag("thead", head), tag("tbody", *body))


def bullets(items: Sequence[str]) -> Child:
    """A list of texts; the word none without any."""
    return tag("ul", *(tag("li", words(item)) for item in items)) if items else "none"
