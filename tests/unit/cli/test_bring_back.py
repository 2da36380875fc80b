# SPDX-License-Identifier: Apache-2.0
"""Which servers of a drain come back, and why the others do not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nova_decom.cli.bring_back import bring_back, returning
from nova_decom.cli.settings import resolve
from nova_decom.errors import ConfigurationError
from nova_decom.state.moved_servers import MovedServer
from tests.unit.build import server

MOVED = MovedServer("id-of-web", was_stopped=False, to="node2")
STOPPED = MovedServer("id-of-web", was_stopped=True)
NOWHERE = MovedServer("id-of-web", was_stopped=False)
NAMED = "'web' id-of-web"
#: the server of the drain, the server now; moving, stopped, why it stays
CASES = {
    "where it was moved to": (MOVED, server(host="node2"), 1, 0, ""),
    "back already": (MOVED, server(), 0, 0, ""),
    "moved on": (MOVED, server(host="node3"), 0, 0, f"{NAMED} (ACTIVE) has moved on to node3"),
    "deleted": (MOVED, None, 0, 0, "id-of-web was deleted"),
    "stopped": (STOPPED, server(status="SHUTOFF"), 0, 1, ""),
    "stopped and moved": (STOPPED, server(host="node3"), 0, 0, "has moved on to node3"),
    "offloaded": (NOWHERE, server(host="", status="SHELVED_OFFLOADED"), 0, 0,
                  "is on no host: openstack server unshelve id-of-web"),
    "unshelved elsewhere": (NOWHERE, server(host="node2"), 0, 0, "has moved on to node2"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("moved", "now", "moving", "stopped", "why"), CASES.values(), ids=CASES.keys()
)
def test_a_server_comes_back_from_where_the_drain_has_left_it(moved, now, moving, stopped, why):
    """What others have done with it since stays."""
    found = returning("node1", [moved], lambda _server: now)

    assert (len(found.moving), len(found.stopped)) == (moving, stopped)
    assert bool(found.staying) is bool(why)
    assert why in "".join(found.staying)
    assert found.sources == ("node2",) * moving


@pytest.mark.parametrize(
    ("hosts", "run", "words"),
    [
        (("node1", "node2"), "last", "--bring-back takes one host, and these are 2"),
        (("node1",), "node2", "'node2' is no id of a run"),
    ],
)
def test_one_host_and_a_run(hosts, run, words):
    """A host after the option is taken for a run."""
    app = SimpleNamespace(settings=resolve({"bring_back": run}, {}))

    with pytest.raises(ConfigurationError, match=words):
        bring_back(app, hosts)
