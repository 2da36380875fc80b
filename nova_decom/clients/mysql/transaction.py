# SPDX-License-Identifier: Apache-2.0
"""Guarded transactions on one database."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.cursors import DictCursor

from nova_decom.clients.mysql.connection import Database, Images
from nova_decom.clients.mysql.errors import (
    CONFLICTS,
    LOST,
    REFUSED,
    code_of,
    reason_of,
    unavailable,
)
from nova_decom.clients.mysql.url import Target
from nova_decom.errors import ChangeFailedError, RowCountError, UnavailableError
from nova_decom.model.plan import counted
from nova_decom.model.sql import Image, Statement, Transaction

LOG = logging.getLogger(__name__)


class WritableDatabase(Database):
    """A connection that can also run guarded transactions."""

    read_only = False
    #: True after a COMMIT whose answer was lost.
    _is_open = False
    #: True after a START TRANSACTION of this run.
    _has_begun = False

    def run(self, transaction: Transaction, images: Images) -> None:
        """Run every statement of the transaction and commit, or change no row.

        A conflict or a lost connection repeats the whole transaction with all its guards. After
        a COMMIT whose answer is lost, the rows are read again before anything is decided.

        :raises RowCountError: a statement found or touched another number of rows.
        :raises ChangeFailedError: the server refused; all was rolled back.
        :raises UnavailableError: the database cannot be reached.
        """
        self._is_open = self._has_begun = False
        try:
            self._retried(lambda cursor: self._attempt(cursor, transaction, images))
        except RowCountError:
            # A COMMIT whose answer was lost may have come through after the rows were read.
            if not self._is_open or not self._was_committed(transaction):
                raise
        except pymysql.MySQLError as error:
            if code_of(error) in LOST | REFUSED or not self._has_begun:
                raise unavailable(self.target, error) from None
            raise ChangeFailedError(
                f"{self.target.label}: {reason_of(error)}; rolled back, no row was changed",
                "run again; if it stays, nova-decom doctor",
            ) from None

    def _attempt(self, cursor: DictCursor, transaction: Transaction, images: Images) -> None:
        try:
            cursor.execute("START TRANSACTION READ WRITE")
            self._has_begun = True
            reads = [(s, self._read(cursor, s, transaction)) for s in transaction.reads]
            found = [self._image(s, rows, transaction) for s, rows in reads if s.is_image]
            if found:
                images(found)
            for statement in transaction.writes:
                self._write(cursor, statement)
        except BaseException:
            # Whatever it was, an interrupt too: the next START TRANSACTION would commit.
            self._roll_back(cursor)
            raise
        self._commit(cursor, transaction)

    def _commit(self, cursor: DictCursor, transaction: Transaction) -> None:
        try:
            cursor.execute("COMMIT")
        except pymysql.MySQLError as error:
            if code_of(error) in CONFLICTS:
                self._roll_back(cursor)
                raise
            self.close()
            self._is_open = True
            if not self._was_committed(transaction):
                raise

    def _read(
        self, cursor: DictCursor, statement: Statement, transaction: Transaction
    ) -> tuple[dict[str, Any], ...]:
        self._execute(cursor, statement)
        # MySQL's collation finds NODE1 for node1; rows without a host column are found by id.
        found = tuple(r for r in cursor.fetchall() if _is_of(transaction.host, r))
        if len(found) != statement.rows:
            raise _wrong_count(self.target, statement, len(found))
        if not statement.is_image:
            return found
        exact = self._exact_floats(cursor, statement)
        return tuple(r | exact.get(r["id"], {}) for r in found)

    def _image(
        self, statement: Statement, rows: tuple[dict[str, Any], ...], transaction: Transaction
    ) -> Image:
        table = statement.sql.split()[3]
        return Image(self.target.label, table, rows, self.target.database, transaction)

    def _exact_floats(
        self, cursor: DictCursor, statement: Statement
    ) -> dict[int, dict[str, float]]:
        """The FLOAT columns as DOUBLE: as text, the server would round them.

        Adding a DOUBLE makes one on every server; CAST ... AS DOUBLE came with MySQL 8.0.17.
        """
        kinds: Sequence[Any] = cursor.description or ()
        floats = [kind[0] for kind in kinds if kind[1] == FIELD_TYPE.FLOAT]
        if not floats:
            return {}
        doubles = ", ".join(f"`{name}` + 0e0 AS `{name}`" for name in floats)
        sql = statement.sql.replace("SELECT *", f"SELECT id, {doubles}", 1)
        cursor.execute(sql, statement.params)
        return {row["id"]: row for row in cursor.fetchall()}

    def _write(self, cursor: DictCursor, statement: Statement) -> None:
        touched = self._execute(cursor, statement)
        if touched != statement.rows:
            raise _wrong_count(self.target, statement, touched)

    def _execute(self, cursor: DictCursor, statement: Statement) -> int:
        text = cursor.mogrify(statement.sql, statement.params)
        if text != statement.text:
            raise ChangeFailedError(
                f"{self.target.label}: would run {text!r} where the plan showed "
                f"{statement.text!r}; nothing was run",
                "please report this; the server's sql_mode is the likely cause",
            )
        LOG.debug("%s: %s", self.target.label, text)
        return cursor.execute(statement.sql, statement.params)

    def _roll_back(self, cursor: DictCursor) -> None:
        try:
            cursor.execute("ROLLBACK")
        except pymysql.MySQLError:
            self.close()

    def _was_committed(self, transaction: Transaction) -> bool:
        """True when every write has happened.

        The locking read waits for the lost connection's transaction, which may still hold its
        rows, with the COMMIT on its way.
        """
        try:
            found = [
                len(self.rows(f"{probe.sql} FOR UPDATE", *probe.params)) == probe.rows
                for probe in (statement.probe for statement in transaction.writes)
            ]
        except UnavailableError as error:
            raise UnavailableError(
                f"{error}; COMMIT was sent and not answered, so it is not known whether the "
                f"{transaction.rows} rows of {transaction.host} were changed",
                "run again when the database answers: finished work is detected",
            ) from None
        return all(found)


def _is_of(host: str, row: dict[str, Any]) -> bool:
    names = [row[c] for c in ("host", "source_compute", "dest_compute") if c in row]
    return not names or host in names


def _wrong_count(target: Target, statement: Statement, found: int) -> RowCountError:
    return RowCountError(
        f"{target.label}: {counted(found, 'row')} instead of {statement.rows} for: "
        f"{statement.text}; rolled back, no row was changed",
        "the host changed meanwhile: look at a new plan",
    )
