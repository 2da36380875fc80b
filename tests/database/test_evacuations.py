# SPDX-License-Identifier: Apache-2.0
"""The evacuations from a host that nova has not closed, as the rows show them."""

import pytest

pytestmark = pytest.mark.database


def test_open_evacuations_of_servers_that_exist_are_read(nova):
    """Not those that nova has closed, of deleted servers, to the host, or of its neighbours."""
    nova.cell.host("node1")
    lives, deleted = nova.cell.instance("node2"), nova.cell.instance("node2", deleted=True)
    common = {"migration_type": "evacuation", "dest_compute": "node2", "deleted": 0}
    for source, server, status in (
        ("node1", lives, "done"),
        ("node1", lives, "completed"),
        ("node1", deleted, "done"),
        ("node3", lives, "done"),
        ("NODE1", lives, "done"),
    ):
        nova.cell.insert(
            "migrations", source_compute=source, instance_uuid=server, status=status, **common
        )

    database = nova.facts("node1").database

    assert [(m.source, m.server) for m in database.evacuations] == [("node1", lives)]
    assert database.active_migrations == ()
    assert nova.facts("node2").database.evacuations == ()
