# SPDX-License-Identifier: Apache-2.0
"""One database of nova: connected with bounds, unable to write unless asked to be."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.cursors import DictCursor

from nova_decom.clients.urls import Target
from nova_decom.clock import Clock
from nova_decom.errors import (
    ChangeFailedError,
    ConfigurationError,
    RowCountError,
    UnavailableError,
    WriteRefusedError,
)
from nova_decom.model.sql import Image, Statement, Transaction
from nova_decom.retry import retrying

LOG = logging.getLogger(__name__)
T = TypeVar("T")

#: The connection is gone.
LOST = frozenset({1927, 2002, 2003, 2006, 2013, 2014, 2045, 2055, 4031})
#: The transaction was rolled back: deadlock or certification conflict, lock wait, changed
#: since read.
CONFLICTS = frozenset({1213, 1205, 1020})
#: A Galera node outside the primary component. Said at COMMIT, it leaves the end open.
NOT_READY = 1047
PASSING = LOST | CONFLICTS | {NOT_READY}
DENIED = frozenset({1044, 1045, 1142, 1143, 1227, 1370, 1698})
READ_ONLY = frozenset({1290, 1792, 1836})
NO_SUCH_COLUMN = 1054
WRONG_SCHEMA = frozenset({1049, NO_SUCH_COLUMN, 1146})
ATTEMPTS = 5
LOCK_WAIT = 5

Images = Callable[[Sequence[Image]], None]


class Database:
    """A connection that reads; made when first used, made again when it was lost."""

    read_only = True

    def __init__(self, target: Target, clock: Clock | None = None) -> None:
        """Connect later."""
        self.target = target
        self._clock = clock or Clock()
        self._connection: pymysql.connections.Connection[DictCursor] | None = None
        self.queries = 0

    def rows(self, sql: str, *params: object) -> list[dict[str, Any]]:
        """The rows of one read.

        :raises UnavailableError: the database cannot be reached, or refuses.
        """

        def ask() -> list[dict[str, Any]]:
            with self._cursor() as cursor:
                self.queries += 1
                LOG.debug("%s: %s", self.target.label, cursor.mogrify(sql, params or None))
                cursor.execute(sql, params or None)
                return list(cursor.fetchall())

        try:
            return retrying(ask, when=_is_passing, attempts=ATTEMPTS, clock=self._clock)
        except pymysql.MySQLError as error:
            raise unavailable(self.target, error) from None

    def has_column(self, table: str, column: str) -> bool:
        """True when the table has the column.

        information_schema hides columns that this user may not read, so the column itself is
        asked for.

        :raises UnavailableError: this user may not read it.
        """

        def ask() -> None:
            with self._cursor() as cursor:
                cursor.execute(f"SELECT {column} FROM {table} WHERE 1 = 0")

        try:
            retrying(ask, when=_is_passing, attempts=ATTEMPTS, clock=self._clock)
        except pymysql.MySQLError as error:
            if code_of(error) == NO_SUCH_COLUMN:
                return False
            raise unavailable(self.target, error) from None
        return True

    def may_delete(self, table: str) -> bool:
        """True when this user may delete from the table.

        EXPLAIN of a DELETE needs the same rights as the DELETE, and runs nothing. It counts as
        a write all the same, so this one statement is let out of the read-only session.

        :raises UnavailableError: the database cannot be reached, or it is not nova's.
        """

        def ask() -> None:
            with self._cursor() as cursor:
                cursor.execute("SET TRANSACTION READ WRITE")
                cursor.execute(f"EXPLAIN DELETE FROM {table} WHERE id = 0")

        try:
            retrying(ask, when=_is_passing, attempts=ATTEMPTS, clock=self._clock)
        except pymysql.MySQLError as error:
            if code_of(error) in DENIED:
                return False
            if code_of(error) not in READ_ONLY:
                raise unavailable(self.target, error) from None
        return True

    def run(self, transaction: Transaction, _images: Images) -> None:
        """Refuse: this connection only reads."""
        raise WriteRefusedError(f"write to {transaction.cell} over a connection that only reads")

    def close(self) -> None:
        """Forget the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[DictCursor]:
        try:
            if self._connection is None or not self._connection.open:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                yield cursor
        except pymysql.MySQLError as error:
            if code_of(error) in PASSING or isinstance(error, pymysql.InterfaceError):
                self.close()
            raise

    def _connect(self) -> pymysql.connections.Connection[DictCursor]:
        try:
            connection: pymysql.connections.Connection[DictCursor] = pymysql.connect(
                **(self.target.arguments | {"cursorclass": DictCursor, "autocommit": True})
            )
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"the URL of {self.target.label} has an option that cannot be: {error}",
                "correct what stands behind the ? of the URL",
            ) from None
        with connection.cursor() as cursor:
            for setting in self._session():
                cursor.execute(setting)
            cursor.execute("SHOW VARIABLES WHERE Variable_name = 'wsrep_on'")
            row = cursor.fetchone()
            if row and row["Value"] == "ON":
                # Reads of one node must see what was committed at another.
                cursor.execute("SET SESSION wsrep_sync_wait = 1")
            if isinstance(self.target.arguments.get("ssl"), ssl.SSLContext):
                self._require_tls(cursor)
        return connection

    def _session(self) -> Iterator[str]:
        yield "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
        yield f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT}"
        yield f"SET SESSION lock_wait_timeout = {LOCK_WAIT}"
        if self.read_only:
            yield "SET SESSION TRANSACTION READ ONLY"

    def _require_tls(self, cursor: DictCursor) -> None:
        cursor.execute("SHOW STATUS WHERE Variable_name = 'Ssl_cipher'")
        row = cursor.fetchone()
        if not row or not row["Value"]:
            raise UnavailableError(
                f"{self.target.label}: the server offers no TLS, and the URL asks for it",
                "switch TLS on in the server, or leave ssl_ca out of the URL",
            )


class WritableDatabase(Database):
    """A connection that may also run guarded transactions."""

    read_only = False
    #: True when a COMMIT of this run was sent and its end is not known.
    _is_open = False

    def run(self, transaction: Transaction, images: Images) -> None:
        """Run every statement of the transaction and commit, or nothing at all.

        A conflict or a lost connection repeats the whole transaction with all its guards. When
        COMMIT ends in anything but its success or a rollback, the rows are read again before
        anything is decided.

        :raises RowCountError: a statement found or touched another number of rows.
        :raises ChangeFailedError: the server refused; all was rolled back.
        :raises UnavailableError: the database cannot be reached.
        """
        self._is_open = False
        try:
            retrying(
                lambda: self._attempt(transaction, images),
                when=_is_passing,
                attempts=ATTEMPTS,
                clock=self._clock,
            )
        except RowCountError:
            # A COMMIT that was given up for lost may have come through after we looked.
            if not self._is_open or not self._was_committed(transaction):
                raise
        except pymysql.MySQLError as error:
            if code_of(error) in LOST | DENIED | READ_ONLY | WRONG_SCHEMA | {NOT_READY}:
                raise unavailable(self.target, error) from None
            raise ChangeFailedError(
                f"{self.target.label}: {said(error)}; rolled back, no row was changed",
                "run again; if it stays, nova-decom doctor",
            ) from None

    def _attempt(self, transaction: Transaction, images: Images) -> None:
        with self._cursor() as cursor:
            try:
                cursor.execute("START TRANSACTION")
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
        self.queries += 1
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
                "run again when the database answers: what is done is seen then",
            ) from None
        return all(found)


def code_of(error: BaseException) -> int:
    """The server's or client's error number; 0 when there is none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def said(error: pymysql.MySQLError) -> str:
    """What the server said, with its number, in one line."""
    text = error.args[1] if len(error.args) > 1 else error
    return f"{' '.join(str(text).split())} (error {code_of(error)})"


def unavailable(target: Target, error: pymysql.MySQLError) -> UnavailableError:
    """What an error of the server means to an operator, and what to type next."""
    code = code_of(error)
    if code in DENIED:
        remedy = "check user, password and grants: nova-decom doctor names what is missing"
    elif code in READ_ONLY:
        remedy = "this server is read-only: give the URL of the node that takes writes"
    elif code == NOT_READY:
        remedy = "this Galera node is not in the primary component: give the URL of one that is"
    elif code in WRONG_SCHEMA:
        remedy = "the URL must name nova's API database or a cell database of nova"
    else:
        remedy = "check the URL and that the server is up, then run again"
    return UnavailableError(f"database {target.label}: {said(error)}", remedy)


def _is_passing(error: BaseException) -> bool:
    """True for failures that another attempt may not meet."""
    return isinstance(error, pymysql.MySQLError) and code_of(error) in PASSING - {2003}


def _is_of(host: str, row: dict[str, Any]) -> bool:
    names = [row[c] for c in ("host", "source_compute", "dest_compute") if c in row]
    return not names or host in names


def _wrong_count(target: Target, statement: Statement, found: int) -> RowCountError:
    return RowCountError(
        f"{target.label}: {found} rows instead of {statement.rows} for: {statement.text}; "
        "rolled back, no row was changed",
        "the host changed meanwhile: look at a new plan",
    )
