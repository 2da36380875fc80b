# SPDX-License-Identifier: Apache-2.0
"""Names that SQL takes for another: found for thousands of rows without comparing each pair."""

from __future__ import annotations

from nova_decom.clients.mysql import cell_rows
from nova_decom.clients.mysql.cell_rows import same_to_sql

HOSTS = ("node1", "node2", "node10")


def test_the_hosts_that_sql_takes_for_a_name():
    """By spelling; all of them for a name that SQL has found and that is spelled like none."""
    assert list(same_to_sql("node1", HOSTS)) == []
    assert list(same_to_sql("NODE1", HOSTS)) == ["node1"]
    assert list(same_to_sql("n\u00f8de1", HOSTS)) == list(HOSTS)


def test_each_host_is_folded_once_for_all_rows(monkeypatch):
    """Two thousand hosts have two thousand rows or more."""
    folds, real = [], cell_rows.folded
    monkeypatch.setattr(cell_rows, "folded", lambda name: folds.append(name) or real(name))
    hosts = tuple(f"fold-{n}" for n in range(100))

    assert [twin for host in hosts for twin in same_to_sql(host, hosts)] == []
    assert len(folds) == 2 * len(hosts)
