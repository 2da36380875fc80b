# SPDX-License-Identifier: Apache-2.0
"""Statements on rows by primary key, with the host repeated as a second lock."""

from __future__ import annotations

from collections.abc import Sequence

from nova_decom.model import Statement


def by_id(
    verb: str, table: str, ids: Sequence[int], host: str | None = None, extra: str = ""
) -> Statement:
    """``verb`` on exactly these rows; ``extra`` ends the statement.

    ``verb`` is ``SELECT *``, ``DELETE`` or ``UPDATE ... SET assignments`` without the table,
    written as ``SET assignments``.
    """
    head = f"UPDATE {table} {verb}" if verb.startswith("SET") else f"{verb} FROM {table}"
    sql, params = f"{head} WHERE id IN ({marks(ids)})", (*ids,)
    if host is None:
        return Statement(sql + extra, params, len(ids))
    return Statement(f"{sql} AND host = %s{extra}", (*params, host), len(ids))


def marks(values: Sequence[object]) -> str:
    """As many placeholders as values."""
    return ", ".join(["%s"] * len(values))
