# SPDX-License-Identifier: Apache-2.0
"""Error codes of MariaDB and MySQL, and the exceptions they become."""

from __future__ import annotations

import pymysql

from nova_decom.clients.mysql.url import Target
from nova_decom.errors import UnavailableError

#: The connection is gone.
LOST = frozenset({1927, 2002, 2003, 2006, 2013, 2014, 2045, 2055, 4031})
#: The transaction was rolled back: deadlock or certification conflict, lock wait, changed
#: since read.
CONFLICTS = frozenset({1213, 1205, 1020})
#: A Galera node outside the primary component. Said at COMMIT, it leaves the end open.
NOT_READY = 1047
#: Too many connections: of the server, of the user, of the account's own limit.
CROWDED = frozenset({1040, 1203, 1226})
TRANSIENT_CODES = LOST | CONFLICTS | CROWDED | {NOT_READY}
#: The account may not log in, and the account may not run the statement.
LOGIN_DENIED = frozenset({1045, 1698})
DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
#: The server refuses writes by an option.
TURNED_READ_ONLY = 1290
READ_ONLY = frozenset({TURNED_READ_ONLY, 1792, 1836})
NO_SUCH_COLUMN = 1054
WRONG_SCHEMA = frozenset({1049, NO_SUCH_COLUMN, 1146})
_REMEDIES = (
    (
        DENIED,
        "grant the right that is named, or check the URL; nova-decom doctor names all others",
    ),
    (
        LOGIN_DENIED,
        "check user and password; an account that requires TLS needs ?ssl_ca=FILE in the URL",
    ),
    (READ_ONLY, "this server is read-only: give the URL of the node that accepts writes"),
    ({NOT_READY}, "this Galera node is not in the primary component: give the URL of one that is"),
    (WRONG_SCHEMA, "the URL must name nova's API database or a cell database of nova"),
    (CROWDED, "wait until connections are free, or raise the limit that the message names"),
    ({3118, 4151}, "the account is locked: ALTER USER ... ACCOUNT UNLOCK, or give another one"),
    (
        {1820, 1862},
        "the password has expired: ALTER USER ... IDENTIFIED BY a new password",
    ),
    ({3159}, "the server demands TLS: add ?ssl_ca=FILE to the URL"),
    ({3032}, "the server is in offline mode: wait until it is back, or give another node"),
    (
        {2059},
        "PyMySQL does not know the account's plugin: give one with caching_sha2_password",
    ),
)
#: With these codes no transaction has begun, or it was refused as a whole.
REFUSED = frozenset(code for codes, _ in _REMEDIES for code in codes)


def code_of(error: BaseException) -> int:
    """The server's or client's error number; 0 when there is none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def reason_of(error: pymysql.MySQLError) -> str:
    """The server's message with its number, in one line."""
    text = error.args[1] if len(error.args) > 1 else error
    return f"{' '.join(str(text).split())} (error {code_of(error)})"


def unavailable(target: Target, error: pymysql.MySQLError) -> UnavailableError:
    """The server's message as an error, with the remedy for its number."""
    remedies = (remedy for codes, remedy in _REMEDIES if code_of(error) in codes)
    remedy = next(remedies, "check the URL and that the server is up, then run again")
    return UnavailableError(f"database {target.label}: {reason_of(error)}", remedy)


def library_missing(target: Target, error: RuntimeError) -> UnavailableError:
    """PyMySQL's message that it lacks a library for the account's authentication plugin."""
    return UnavailableError(
        f"database {target.label}: {error}",
        "install it beside nova-decom (pip install cryptography, or PyNaCl for ed25519), or give "
        "an account with another authentication plugin",
    )


def is_transient(error: BaseException) -> bool:
    """True for failures that another attempt may not meet."""
    return isinstance(error, pymysql.MySQLError) and code_of(error) in TRANSIENT_CODES - {2003}
