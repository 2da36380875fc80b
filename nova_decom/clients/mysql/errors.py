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
TRANSIENT_CODES = LOST | CONFLICTS | {NOT_READY}
DENIED = frozenset({1044, 1045, 1142, 1143, 1227, 1370, 1698})
READ_ONLY = frozenset({1290, 1792, 1836})
NO_SUCH_COLUMN = 1054
WRONG_SCHEMA = frozenset({1049, NO_SUCH_COLUMN, 1146})


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


def is_transient(error: BaseException) -> bool:
    """True for failures that another attempt may not meet."""
    return isinstance(error, pymysql.MySQLError) and code_of(error) in TRANSIENT_CODES - {2003}
