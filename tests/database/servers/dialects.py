# SPDX-License-Identifier: Apache-2.0
"""All that the tests say differently to MariaDB and to MySQL, or expect of one of them only."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Dialect:
    """Pieces of SQL, and the server's own numbers."""

    #: Variables of the session.
    isolation: str
    read_only: str
    #: Makes a role the default of a user.
    default_role: str
    #: Explains a statement in rows, one for each table.
    explain: str
    #: A table of the numbers from 1 to the one given, in the column seq; it wants a name.
    numbers: str
    #: Makes the session count each row that it reads in Handler_read_% or Handler_icp_%.
    count_reads: str
    #: The error of a locking read or a write of a row that somebody changed since the
    #: transaction first read: it ends the transaction. None where it finds the row as it is now.
    changed_since_read: int | None
    #: Statements that scan on this server only, by a part of their text, and why they may.
    scans: Mapping[str, str]
    #: The error of a comparison with a character that the column's character set lacks.
    foreign_character: int


MARIADB = Dialect(
    isolation="tx_isolation",
    read_only="tx_read_only",
    default_role="SET DEFAULT ROLE {role} FOR {user}",
    explain="EXPLAIN {}",
    numbers="seq_1_to_{0}",
    count_reads="SET SESSION optimizer_switch = 'index_condition_pushdown=on'",
    changed_since_read=None,
    scans={},
    foreign_character=1267,
)
#: With innodb_snapshot_isolation, which is on by default from 11.6.2 on.
MARIADB_11 = replace(MARIADB, changed_since_read=1020)
MYSQL = Dialect(
    isolation="transaction_isolation",
    read_only="transaction_read_only",
    default_role="SET DEFAULT ROLE {role} TO {user}",
    explain="EXPLAIN FORMAT=TRADITIONAL {}",
    numbers=(
        "(WITH RECURSIVE numbers(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers "
        "WHERE seq < {0}) SELECT /*+ SET_VAR(cte_max_recursion_depth = {0}) */ seq FROM numbers)"
    ),
    # It has no Handler_icp_%.
    count_reads="SET SESSION optimizer_switch = 'index_condition_pushdown=off'",
    changed_since_read=None,
    scans=dict.fromkeys(
        ("FROM migrations WHERE deleted", "FROM migrations m WHERE deleted"),
        "MySQL merges no two indexes behind a condition on their first column: it reads all "
        "migrations that are not deleted, and locks nothing",
    ),
    foreign_character=3854,
)
