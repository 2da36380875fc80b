# SPDX-License-Identifier: Apache-2.0
"""The connection to one database of nova: every wait is bounded, and it can only read."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pymysql
from pymysql.cursors import DictCursor

from nova_decom.clients.mysql.errors import (
    DENIED,
    NO_SUCH_COLUMN,
    READ_ONLY,
    TRANSIENT_CODES,
    TURNED_READ_ONLY,
    code_of,
    is_transient,
    library_missing,
    unavailable,
)
from nova_decom.clients.mysql.url import Target
from nova_decom.clock import Clock
from nova_decom.errors import ConfigurationError, UnavailableError, WriteRefusedError
from nova_decom.model.sql import Image, Statement, Transaction
from nova_decom.retry import retry

if TYPE_CHECKING:
    Connection = pymysql.connections.Connection[DictCursor]
else:
    from pymysql.connections import Connection

LOG = logging.getLogger(__name__)

T = TypeVar("T")

#: A statement that finds no row, whatever follows.
IS_TRIAL = re.compile(
    r"(SELECT|DELETE|UPDATE) [^;]*? WHERE 1 = 0 AND |INSERT INTO [^;]*? FROM DUAL WHERE 1 = 0$"
)
#: Attempts of a statement or of a transaction.
DATABASE_ATTEMPTS = 5
#: Seconds of innodb_lock_wait_timeout in a transaction.
LOCK_WAIT = 5

#: The server that answers, and whether it refuses writes.
SERVER = "SELECT @@hostname AS host, @@port AS port, @@server_id AS id, @@global.read_only AS ro"

Images = Callable[[Sequence[Image]], None]


class QuickConnection(Connection):
    """A connection whose TLS context, if the URL has no option of TLS, loads no certificates.

    PyMySQL then encrypts where the server offers TLS, and verifies nothing. It loads the system's
    certificates all the same, which takes longer than the login (PyMySQL 1.2.4 connections.py).
    """

    def _create_ssl_ctx(self, sslp: ssl.SSLContext | dict[str, Any]) -> ssl.SSLContext:
        if sslp:
            return super()._create_ssl_ctx(sslp)  # type: ignore[no-any-return, misc]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


class Database:
    """A connection that reads; made at the first use, and again after it was lost."""

    read_only = True
    _is_galera_node = False
    #: True after a connection to a server that accepts writes.
    _has_met_writer = False

    def __init__(self, target: Target, clock: Clock | None = None) -> None:
        """The connection is made at the first use."""
        self.target = target
        self._clock = clock or Clock()
        self._connection: Connection | None = None

    def rows(self, sql: str, *params: object) -> list[dict[str, Any]]:
        """The rows of one read.

        :raises UnavailableError: the database cannot be reached, or refuses.
        """

        def ask(cursor: DictCursor) -> list[dict[str, Any]]:
            LOG.debug("%s: %s", self.target.label, cursor.mogrify(sql, params or None))
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

        try:
            return self._retried(ask)
        except pymysql.MySQLError as error:
            raise unavailable(self.target, error) from None

    def is_galera_node(self) -> bool:
        """True when the server is a node of a Galera cluster.

        :raises UnavailableError: the database cannot be reached, or refuses.
        """
        try:
            return self._retried(lambda _cursor: self._is_galera_node)
        except pymysql.MySQLError as error:
            raise unavailable(self.target, error) from None

    @property
    def account(self) -> tuple[str, str]:
        """The user and the host of the account by which the server knows this connection."""
        user, _, host = str(self.rows("SELECT CURRENT_USER() AS a")[0]["a"]).rpartition("@")
        return user, host

    def has_column(self, table: str, column: str) -> bool:
        """True when the table has the column.

        information_schema hides columns that this user may not read, so the column itself is
        read.

        :raises UnavailableError: this user may not read it.
        """
        try:
            self._retried(lambda c: c.execute(f"SELECT {column} FROM {table} WHERE 1 = 0"))
        except pymysql.MySQLError as error:
            if code_of(error) == NO_SUCH_COLUMN:
                return False
            raise unavailable(self.target, error) from None
        return True

    def refusal_of(self, statement: Statement) -> pymysql.MySQLError | None:
        """The error by which the server refuses the statement to this user, if it does.

        The statement is sent with a condition that no row fulfils, in a transaction that is
        rolled back. EXPLAIN would not do: MySQL explains a locking SELECT that it refuses to run.

        :raises UnavailableError: the database cannot be reached, or it is not nova's.
        """
        trial = statement.trial
        if not IS_TRIAL.match(trial.sql):
            raise WriteRefusedError(f"a trial that could touch rows: {trial.sql}")

        def attempt(cursor: DictCursor) -> None:
            try:
                cursor.execute("START TRANSACTION READ WRITE")
                LOG.debug("%s: %s", self.target.label, cursor.mogrify(trial.sql, trial.params))
                cursor.execute(trial.sql, trial.params)
                cursor.execute("ROLLBACK")
            except BaseException:
                self.close()  # and with it the transaction
                raise

        try:
            self._retried(attempt)
        except pymysql.MySQLError as error:
            if code_of(error) in DENIED | READ_ONLY:
                return error
            raise unavailable(self.target, error) from None
        return None

    def run(self, transaction: Transaction, _images: Images) -> None:
        """Refuse: this connection only reads."""
        raise WriteRefusedError(f"write to {transaction.cell} over a connection that only reads")

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            connection.close()

    def _retried(self, ask: Callable[[DictCursor], T]) -> T:
        """The result of ``ask``, on a new connection after a transient error."""

        def attempt() -> T:
            with self._cursor() as cursor:
                return ask(cursor)

        return retry(attempt, when=is_transient, attempts=DATABASE_ATTEMPTS, clock=self._clock)

    @contextmanager
    def _cursor(self) -> Iterator[DictCursor]:
        try:
            if self._connection is None or not self._connection.open:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                yield cursor
        except pymysql.MySQLError as error:
            if code_of(error) in TRANSIENT_CODES or isinstance(error, pymysql.InterfaceError):
                self.close()
            raise

    def _connect(self) -> Connection:
        try:
            connection = QuickConnection(
                **(self.target.arguments | {"cursorclass": DictCursor, "autocommit": True})
            )
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"the URL of {self.target.label} has an option that is unknown or wrong: {error}",
                "correct the options after the ? of the URL",
            ) from None
        except RuntimeError as error:
            raise library_missing(self.target, error) from None
        with connection.cursor() as cursor:
            # A server variable or init_connect may have turned it off, which PyMySQL does not see.
            cursor.execute("SET SESSION autocommit = 1")
            takes_writes = not is_on(self._server(cursor)["ro"])
            for setting in self._session():
                cursor.execute(setting)
            cursor.execute("SHOW VARIABLES WHERE Variable_name = 'wsrep_on'")
            wsrep_on = cursor.fetchone()
            self._is_galera_node = wsrep_on is not None and wsrep_on["Value"] == "ON"
            if self._has_met_writer and not takes_writes:
                # A load balancer may have turned to a replica, which may be behind.
                connection.close()
                raise pymysql.OperationalError(
                    TURNED_READ_ONLY, "the server that answers now is read-only, unlike before"
                )
            self._has_met_writer = takes_writes
            if self._is_galera_node:
                # Reads of one node must see what was committed at another.
                cursor.execute("SET SESSION wsrep_sync_wait = 1")
            if isinstance(self.target.arguments.get("ssl"), ssl.SSLContext):
                self._require_tls(cursor)
        return connection

    def _session(self) -> Iterator[str]:
        yield "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
        yield f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT}"
        yield f"SET SESSION lock_wait_timeout = {LOCK_WAIT}"
        yield f"SET SESSION TRANSACTION READ {'ONLY' if self.read_only else 'WRITE'}"

    def _server(self, cursor: DictCursor) -> dict[str, Any]:
        """The server that answers, which runs the transactions too.

        They are two behind a proxy that splits reads from writes. Such a proxy may send SHOW
        VARIABLES to the one and SELECT to the other, so both are asked by what is used.

        :raises UnavailableError: they are two: what is read may be old.
        """
        cursor.execute(SERVER)
        reads = cursor.fetchone() or {}
        cursor.execute("START TRANSACTION")
        cursor.execute(SERVER)
        writes = cursor.fetchone() or {}
        cursor.execute("ROLLBACK")
        if reads == writes:
            return reads
        cursor.connection.close()
        first, second = ("{host}:{port} (server_id {id})".format_map(s) for s in (reads, writes))
        raise UnavailableError(
            f"{self.target.label}: reads go to {first} and transactions to {second}: "
            "a replica may be behind",
            "give the URL of the server that accepts writes, past the proxy that splits them",
        )

    def _require_tls(self, cursor: DictCursor) -> None:
        cursor.execute("SHOW STATUS WHERE Variable_name = 'Ssl_cipher'")
        row = cursor.fetchone()
        if not row or not row["Value"]:
            raise UnavailableError(
                f"{self.target.label}: the server offers no TLS, and the URL asks for it",
                "switch TLS on in the server, or leave ssl_ca out of the URL",
            )


def is_on(value: object) -> bool:
    """True for a variable that is on; MariaDB from 12.0 on has ``ON`` for 1."""
    return str(value) not in {"0", "OFF"}
