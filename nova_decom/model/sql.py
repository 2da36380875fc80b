# SPDX-License-Identifier: Apache-2.0
"""SQL statements, transactions and saved rows as values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

#: What a transaction names in place of a cell when it is for nova's API database.
API_DATABASE = "API database"
#: What a parameter of a statement may be; dates are text, as MySQL takes them.
Value = int | float | str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement and the number of rows that it must find or touch; no more, no less."""

    sql: str
    params: tuple[Value, ...]
    rows: int

    @property
    def is_read(self) -> bool:
        """True for the reads that come before any write."""
        return self.sql.startswith("SELECT")

    @property
    def is_image(self) -> bool:
        """True when the rows found are the before-image of what will be written."""
        return self.sql.startswith("SELECT *")

    @property
    def trial(self) -> Statement:
        """The same statement on no row: it needs the same rights, and touches nothing."""
        if self.sql.startswith("INSERT INTO "):
            head, values = self.sql.split(" VALUES (", maxsplit=1)
            sql = f"{head} SELECT {values.removesuffix(')')} FROM DUAL WHERE 1 = 0"
        else:
            sql = self.sql.replace(" WHERE ", " WHERE 1 = 0 AND ", 1)
        return Statement(sql, self.params, 0)

    @property
    def kind(self) -> str:
        """The statement for any number of rows."""
        return re.sub(r"(%s, )+%s", "%s", self.sql)

    @property
    def right(self) -> str:
        """The right that it needs, as a plan's problems name it."""
        words = self.sql.split()
        if self.is_read:
            table = words[words.index("FROM") + 1]
            return (
                f"SELECT with a lock on {table}"
                if words[-1] in {"UPDATE", "MODE"}
                else (f"SELECT on {table}")
            )
        return f"{words[0]} on {words[1 if words[0] == 'UPDATE' else 2]}"

    @property
    def text(self) -> str:
        """The statement as it runs; the database client refuses to run any other text."""
        return self.sql % tuple(_literal(p) for p in self.params)

    @property
    def probe(self) -> Statement:
        """For a write, the read that finds ``rows`` rows when the write has happened.

        An INSERT is of one row, its id first (:func:`nova_decom.model.sql.insert`).
        """
        if self.sql.startswith("INSERT INTO "):
            table = self.sql.split()[2]
            return Statement(f"SELECT id FROM {table} WHERE id = %s", self.params[:1], 1)
        head, where = self.sql.split(" WHERE ", maxsplit=1)
        table = head.removeprefix("DELETE FROM ").removeprefix("UPDATE ").split()[0]
        params = self.params[head.count("%s") :]
        return Statement(f"SELECT id FROM {table} WHERE {where}", params, 0)


_ESCAPES = str.maketrans(
    {
        "\0": "\\0",
        "\n": "\\n",
        "\r": "\\r",
        "\x1a": "\\Z",
        '"': '\\"',
        "'": "\\'",
        "\\": "\\\\",
    }
)


# The statements of many hosts have most of their parameters in common.
@lru_cache(maxsize=1024, typed=True)
def _literal(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        # With an exponent it is a DOUBLE to the server, all of whose bits count; without, a
        # DECIMAL.
        text = repr(value)
        return text if "e" in text else f"{text}e0"
    return str(value) if isinstance(value, int) else f"'{value.translate(_ESCAPES)}'"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Statements that happen together or not at all: first reads that guard, then writes.

    ``cell`` is the name of a cell, or :data:`API_DATABASE`. What a read of whole rows
    (``SELECT *``) finds is saved in the journal before any write.
    """

    cell: str
    host: str
    statements: tuple[Statement, ...]

    @property
    def reads(self) -> tuple[Statement, ...]:
        """The rows to save, and the guards that must find what was planned."""
        return tuple(s for s in self.statements if s.is_read)

    @property
    def writes(self) -> tuple[Statement, ...]:
        """The statements that change rows."""
        return tuple(s for s in self.statements if not s.is_read)

    @property
    def rows(self) -> int:
        """The number of rows that the transaction changes."""
        return sum(s.rows for s in self.writes)


@dataclass(frozen=True, slots=True)
class Image:
    """Rows of a table, or an object of an API, as they were before a change.

    ``source`` is a database without its credentials, or the name of a service; ``table`` a
    table, or a path. Rows have a ``transaction``, and the ``schema`` that they are in.
    """

    source: str
    table: str
    rows: tuple[Mapping[str, Any], ...]
    schema: str | None = None
    transaction: Transaction | None = None


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
    """The placeholders of these values, for an SQL list."""
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
    """One row, by primary key, if these columns still have the values that were read."""
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
