# SPDX-License-Identifier: Apache-2.0
"""HTML that cannot be injected into: every text and every attribute is escaped as it is made."""

from __future__ import annotations

import html

from nova_decom.output.escape import safe

#: Elements that have no end tag.
_VOID = {"meta", "br"}


class Html(str):
    """Markup made by :func:`tag`; any other text is data."""

    __slots__ = ()


Child = str | Html | None


def tag(element: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """An element; ``class_`` is class, ``_`` in a name is a dash, True is an attribute alone."""
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
