# SPDX-License-Identifier: Apache-2.0
"""The rights of a database user of its own, and the GRANT statements for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nova_decom.model.request import Rows

#: The user of the statements where no URL names one; its host is for the operator to change.
USER = "decom"
_READ, _WRITTEN = ("SELECT",), ("SELECT", "INSERT", "DELETE")
_CHANGED = ("SELECT", "INSERT", "UPDATE", "DELETE")
#: Table of nova's API database -> the rights that all commands together need on it.
API_RIGHTS: Mapping[str, Sequence[str]] = {
    "cell_mappings": _READ,
    "host_mappings": _WRITTEN,
    "aggregate_hosts": _WRITTEN,
}
#: The same for the database of a cell.
CELL_RIGHTS: Mapping[str, Sequence[str]] = {
    "instances": _READ,
    "migrations": _READ,
    "pci_devices": _WRITTEN,
    "compute_nodes": _CHANGED,
    "services": _CHANGED,
}
#: With ``--rows keep`` no row of a cell is deleted, and so none is inserted by a restore.
PURGES = {"INSERT", "DELETE"}


def api_grants(database: str, user: str = USER) -> Iterator[str]:
    """The GRANT statements for nova's API database."""
    return _grants(database, API_RIGHTS, user)


def cell_grants(
    database: str, rows: Rows, user: str = USER, *, closes: bool = False
) -> Iterator[str]:
    """The GRANT statements for the database of a cell; fewer where rows are kept.

    ``closes`` adds the right to close evacuations.
    """
    left_out = PURGES if rows is Rows.KEEP else set()
    kept = {t: [r for r in rights if r not in left_out] for t, rights in CELL_RIGHTS.items()}
    more = {"migrations": [*CELL_RIGHTS["migrations"], "UPDATE"]} if closes else {}
    return _grants(database, kept | more, user)


def _grants(database: str, rights: Mapping[str, Sequence[str]], user: str) -> Iterator[str]:
    return (grant(granted, database, table, (user, "%")) for table, granted in rights.items())


def grant(rights: Iterable[str], database: str, table: str, account: tuple[str, str]) -> str:
    """The GRANT statement for an account, which is a user and a host."""
    name = database if re.fullmatch(r"\w+", database) else f"`{database.replace('`', '``')}`"
    user, host = (part.replace("\\", r"\\").replace("'", "''") for part in account)
    return f"GRANT {', '.join(rights)} ON {name}.{table} TO '{user}'@'{host}';"
