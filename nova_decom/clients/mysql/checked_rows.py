# SPDX-License-Identifier: Apache-2.0
"""Rows of hosts with the problems of the databases: no access, or a right that is missing."""

from __future__ import annotations

from collections.abc import Sequence

from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.checks import NEEDED
from nova_decom.errors import UnavailableError
from nova_decom.model.copies import replace
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Request
from nova_decom.model.rows import DatabaseFacts
from nova_decom.plan.planner import transactions_of
from nova_decom.plan.sample import unplanned_transactions


class CheckedRows:
    """Checks the databases at the first reading, and adds their problems to each reading."""

    def __init__(self) -> None:
        self._problems: tuple[str, ...] | None = None

    def rows(self, databases: NovaDatabases, hosts: Sequence[str]) -> dict[str, DatabaseFacts]:
        """The rows of each of these hosts.

        :raises UnavailableError: a database cannot be read.
        """
        if self._problems is None:
            checks = databases.checks()
            unreadable = [c for c in checks if c.problem and c.name.endswith(NEEDED)]
            if unreadable:
                raise UnavailableError(str(unreadable[0].problem), unreadable[0].remedy)
            self._problems = tuple(c.problem for c in checks if c.problem)
        found = databases.facts(hosts) if hosts else {}
        return {host: replace(facts, problems=self._problems) for host, facts in found.items()}


def lacks_rights(request: Request, databases: NovaDatabases | None) -> bool:
    """True when a right is missing that a host with a row in every table needs to be removed."""
    return databases is not None and any(c.problem for c in databases.try_removal(request))


def with_missing_rights(
    facts: HostFacts, databases: NovaDatabases | None, *, has_rights: bool = False
) -> HostFacts:
    """The facts with every right that the statements of the host's removal lack.

    ``has_rights`` is true when :func:`lacks_rights` is false. A host needs no other right if it
    has a mapping and a live compute node that does not stay for deleted servers.
    """
    if databases is None or facts.database is None:
        return facts
    if has_rights and needs_usual_rights(facts.database):
        return facts
    cells = facts.database.cells
    unplanned = unplanned_transactions(facts.request, cells) if facts.request.evacuates else ()
    checks = databases.try_transactions((*transactions_of(facts), *unplanned))
    lacking = tuple(check.problem for check in checks if check.problem)
    problems = tuple(dict.fromkeys((*facts.database.problems, *lacking)))
    return replace(facts, database=replace(facts.database, problems=problems))


def needs_usual_rights(rows: DatabaseFacts) -> bool:
    """False where a removal may have to insert a mapping, or to update a row of the cell."""
    has_node = any(not node.deleted for node in rows.compute_nodes)
    return has_node and rows.host_mapping is not None and not rows.nodes_needed
