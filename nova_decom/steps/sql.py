# SPDX-License-Identifier: Apache-2.0
"""Statements on rows by primary key, with the host repeated as a second lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nova_decom.model.plan import Statement, Value


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


def insert(table: str, values: Mapping[str, object]) -> Statement:
    """One row, its id first, each value as it was read: numbers, text, bytes, NULL."""
    names = ["id", *(name for name in values if name != "id")]
    columns = ", ".join(f"`{name}`" for name in names)
    places = ", ".join(_place(values[name]) for name in names)
    sql = f"INSERT INTO {table} ({columns}) VALUES ({places})"
    return Statement(sql, tuple(_parameter(values[name]) for name in names), 1)


def update(
    table: str, number: int, values: Mapping[str, object], now: Mapping[str, object]
) -> Statement:
    """One row, by primary key, while these columns are as they were seen."""
    changes = ", ".join(f"`{name}` = {_place(value)}" for name, value in values.items())
    seen = " AND ".join(f"`{name}` <=> {_place(value)}" for name, value in now.items())
    sql = f"UPDATE {table} SET {changes} WHERE id = %s AND {seen}"
    params = (*values.values(), number, *now.values())
    return Statement(sql, tuple(_parameter(value) for value in params), 1)


def _place(value: object) -> str:
    """Bytes travel as text in hexadecimal, so that the statement can be printed as it runs."""
    return "UNHEX(%s)" if isinstance(value, bytes) else "%s"


def _parameter(value: object) -> Value:
    if value is None or isinstance(value, int | float | str):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)
