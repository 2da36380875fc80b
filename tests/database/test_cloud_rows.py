# SPDX-License-Identifier: Apache-2.0
"""What an audit reads of all hosts, and the registration that purge-registration removes."""

import pytest

from nova_decom.clients.mysql.sources import Sources
from nova_decom.clients.mysql.url import target
from nova_decom.errors import RowCountError
from nova_decom.plan.planner import make_plan

pytestmark = pytest.mark.database


def test_an_audit_reads_what_lives_and_what_is_odd(nova):
    """Live rows of all hosts; soft-deleted ones only when they are mapped or not nova's."""
    nova.cell.host("node1")
    nova.cell.host("node2")
    nova.api.host("node3", nova.api.ids("cell_mappings")[1])
    nova.api.aggregate("all", "node4")

    rows = nova.reading().cloud_rows()

    assert {r.host for r in rows.services} == {r.host for r in rows.compute_nodes}
    assert {r.host for r in rows.services} == {"node1", "node2"}
    assert rows.mapped_hosts == {"node3"}
    assert {host for _, host in rows.aggregate_hosts} == {"node4"}


def test_an_audit_counts_the_servers_of_each_host_by_its_exact_name(nova):
    """Servers that are deleted or on no host are none; NODE1 is another host than node1."""
    for host in ("node1", "node1", "NODE1", None):
        nova.cell.instance(host)
    nova.cell.instance("node2", deleted=True)

    assert nova.reading().cloud_rows().servers == {"node1": 2, "NODE1": 1}


def test_an_audit_knows_whether_it_sees_every_cell(nova):
    """Without the API database nobody knows the other cells."""
    only = Sources(cells=(target(nova.server.url("nova")),))

    assert nova.reading().cloud_rows().all_cells
    assert not nova.reading(only).cloud_rows().all_cells


def in_rows(facts):
    """The changes that databases see; whether nova-compute runs is another question."""
    return [c for c in make_plan(facts).changes if c.transaction is not None]


def test_registration_is_purged_in_the_api_database(nova):
    """Mapping and memberships of exactly this host go, saved first; others stay."""
    cell = nova.api.ids("cell_mappings")[1]
    for host in ("node1", "node10"):
        nova.api.host(host, cell)
    nova.api.aggregate("all", "node1", "node10")
    saved = []
    (change,) = in_rows(nova.facts("node1"))

    nova.writing().run(change.transaction, saved.extend)

    assert [r["host"] for r in nova.api.rows("host_mappings")] == ["node10"]
    assert [r["host"] for r in nova.api.rows("aggregate_hosts")] == ["node10"]
    assert [(image.table, len(image.rows)) for image in saved] == [
        ("aggregate_hosts", 1),
        ("host_mappings", 1),
    ]
    assert in_rows(nova.facts("node1", absent_ok=True)) == []


def test_a_registration_that_changed_meanwhile_stays(nova):
    """A row less than planned rolls everything back."""
    nova.api.host("node1", nova.api.ids("cell_mappings")[1])
    nova.api.aggregate("all", "node1")
    (change,) = in_rows(nova.facts("node1"))
    nova.api.query("DELETE FROM nova_api.host_mappings WHERE host = 'node1'")

    with pytest.raises(RowCountError):
        nova.writing().run(change.transaction, lambda _images: None)

    assert [r["host"] for r in nova.api.rows("aggregate_hosts")] == ["node1"]
