# SPDX-License-Identifier: Apache-2.0
"""Names that SQL takes for another: found for thousands of rows without comparing each pair."""

from __future__ import annotations

from nova_decom.clients.mysql import cell_rows
from nova_decom.clients.mysql.cell_rows import same_to_sql

HOSTS = ("node1", "node2", "node10")


def test_the_hosts_that_sql_takes_for_a_name():
    """By spelling; all of them for a name that SQL has found and that is spelled like none."""
    found = same_to_sql(["node1", "NODE1", "n\u00f8de1"], HOSTS)

    assert {name: tuple(hosts) for name, hosts in found.items()} == {
        "node1": (),
        "NODE1": ("node1",),
        "n\u00f8de1": HOSTS,
    }


def test_each_host_is_folded_once_for_all_rows(monkeypatch):
    """Two thousand hosts have two thousand rows or more."""
    folds, real = [], cell_rows.folded
    monkeypatch.setattr(cell_rows, "folded", lambda name: folds.append(name) or real(name))
    hosts = tuple(f"fold-{n}" for n in range(100))

    assert not any(same_to_sql(hosts, hosts).values())
    assert len(folds) == 2 * len(hosts)
