# SPDX-License-Identifier: Apache-2.0
"""Which servers a drain has moved away, and are not back, by the journals."""

from __future__ import annotations

import pytest

from nova_decom.state.journal_reader import Record
from nova_decom.state.moved_servers import MovedServer, moved_servers

A, B = MovedServer("a", was_stopped=False, to="node2"), MovedServer("b", was_stopped=True)
MOVED_A, STOPPED_B = ("a", "move", "node2"), ("b", "stop", None)


def run(*done, command="drain", host="node1", was="enabled", hosts=("node1",), status="done"):
    """A run that found nova-compute so, and moved these servers off one host."""
    service = {"binary": "nova-compute", "status": was}
    events = [
        {"event": "header", "command": command, "hosts": list(hosts)},
        {"event": "before", "host": host, "facts": {"services": [service]}},
        {"event": "done", "host": host, "step": "disable-service", "target": "s"},
    ]
    for target, action, to in done:
        moved = {"step": "move-servers", "target": target, "action": action, "to": to}
        events.append({"event": status, "host": host, **moved})
    return Record("RUN", tuple(events))


BACK = run(("a", "move", "node1"), command="enable", host="node2", hosts=("node1", "node2"))
STARTED = run(("b", "start", None), command="enable", was="disabled")
AGAIN = run(("a", "move", "node3"), was="disabled")
OF_ANOTHER = run(("c", "move", "node1"), host="node2", hosts=("node2",))
CASES = {
    "no run": ((), None),
    "no run of this host": ((OF_ANOTHER,), None),
    "enabled only": ((run(command="enable"),), None),
    "an empty host": ((run(),), ()),
    "moved and stopped": ((run(MOVED_A, STOPPED_B),), (A, B)),
    "moved before a removal failed": ((run(MOVED_A, command="remove"),), (A,)),
    "not moved": ((run(MOVED_A, status="failed"),), ()),
    "brought back": ((run(MOVED_A, STOPPED_B), BACK), (B,)),
    "started": ((run(MOVED_A, STOPPED_B), STARTED), (A,)),
    "drained anew since": ((run(MOVED_A), run(STOPPED_B)), (B,)),
    "drained on": ((run(MOVED_A), run(STOPPED_B, was="disabled")), (A, B)),
    "moved twice": ((run(MOVED_A), AGAIN), (MovedServer("a", was_stopped=False, to="node3"),)),
    "another host's server, moved here": ((run(MOVED_A), OF_ANOTHER), (A,)),
    "another host's server, moved elsewhere": (
        (run(MOVED_A), run(("c", "move", "node3"), host="node2", hosts=("node2",))), (A,)),
    "no facts": (
        (Record("RUN", ({"event": "header", "command": "drain", "hosts": ["node1"]},
                        {"event": "before", "host": "node1"})),),
        (),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("records", "wanted"), CASES.values(), ids=CASES)
def test_the_servers_of_the_last_drain(records, wanted):
    """A drain that goes on where another ended counts with it; one before does not."""
    assert moved_servers(records, "node1") == wanted
