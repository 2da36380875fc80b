# SPDX-License-Identifier: Apache-2.0
"""Foreign text made safe: no control byte of a server name or a reason reaches a terminal."""

from __future__ import annotations

import unicodedata

#: Cc: control, Cf: format (bidirectional overrides, joiners), Cs: lone surrogates,
#: Zl and Zp: line and paragraph separators.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def safe(text: str) -> str:
    """The text with every invisible or controlling character written as an escape."""
    return "".join(_escape(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
