# SPDX-License-Identifier: Apache-2.0
"""The readings of an audit: servers come from the rows, else only of hosts that are gone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nova_decom.clients.access import LiveAccess
from nova_decom.clients.audit_reader import read_for_audit
from nova_decom.model.rows import CloudRows
from nova_decom.verify.audit import audit
from tests.unit.audit_clouds import clean
from tests.unit.build import allocation, provider, server

LEFT = provider("left", "old")


def read(rows):
    """An audit of a cloud with a provider of a host that is gone; the hosts asked for servers."""
    view = clean(providers=(LEFT,)).view
    asked = []

    def servers_of(hosts):
        asked.append(list(hosts))
        return tuple(server(host=host) for host in hosts)

    def nothing(*_):
        return None

    clients = SimpleNamespace(
        databases=rows and SimpleNamespace(cloud_rows=lambda: rows),
        compute=SimpleNamespace(servers_of=servers_of),
        access=LiveAccess(SimpleNamespace(has=lambda _service: False)),
        placement=SimpleNamespace(
            compute_providers=lambda: (LEFT,), allocations=lambda uuid: (allocation(uuid),)
        ),
    )
    readings = SimpleNamespace(
        view=view,
        services=nothing,
        aggregates=nothing,
        providers=nothing,
        all_compute_nodes=nothing,
    )
    return read_for_audit(clients, readings, frozenset()), asked


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(None, [["old"]]), (CloudRows(all_cells=False, servers={"old": 1}), [])],
    ids=["no databases", "databases"],
)
def test_servers_that_were_left_are_found_with_and_without_databases(rows, expected):
    """Nova is asked for those of hosts that left something else, and of no other."""
    found, asked = read(rows)

    assert asked == expected
    assert found.stranded == {"old": 1}
    traces = [t.leftover for t in audit(found) if t.host == "old"]
    assert [t.kind for t in traces] == ["server", "resource-provider"]
    assert len({t.remedy for t in traces}) == 1
    assert traces[1].detail.endswith("1 allocations")
