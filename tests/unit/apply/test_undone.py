# SPDX-License-Identifier: Apache-2.0
"""What a run that ended early leaves undone: as far as it has changed the host."""

from __future__ import annotations

import pytest

from nova_decom.apply.undone import left_undone
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.report import HostReport, Result
from nova_decom.plan.jobs import DRAIN, REMOVE

DONE, FAILED, PENDING = Status.DONE, Status.FAILED, Status.PENDING
HOST = "node1 stays disabled by this run: nova-decom {0} node1 goes on, nova-decom enable node1"
LIST = "openstack server list --all-projects --host node1"


def outcome(step, status, *, begun=True):
    """What became of a change."""
    return Outcome(Change(step, "do", "x", "POST"), status, begun=begun)


DISABLED = outcome("disable-service", DONE)
CASES = {
    "not disabled": (DRAIN, [outcome("disable-service", FAILED)], []),
    "disabled, none moved": (
        DRAIN,
        [DISABLED, outcome("move-servers", PENDING, begun=False)],
        [HOST.format("drain") + " takes it back", f"1 server is not moved: {LIST}"],
    ),
    "one moved, one failed": (
        DRAIN,
        [DISABLED, outcome("move-servers", DONE), outcome("move-servers", FAILED)],
        [HOST.format("drain") + " --bring-back takes it back", f"1 server is not moved: {LIST}"],
    ),
    "a removal that did not stop nova-compute": (
        REMOVE,
        [DISABLED, outcome("stop-service", FAILED)],
        [HOST.format("remove") + " takes it back"],
    ),
    "a removal that may have deleted the service": (
        REMOVE,
        [DISABLED, outcome("delete-service", PENDING)],
        [],
    ),
    "a removal that has not come to delete it": (
        REMOVE,
        [DISABLED, outcome("delete-service", PENDING, begun=False)],
        [HOST.format("remove") + " takes it back"],
    ),
}


@pytest.mark.parametrize(("job", "outcomes", "wanted"), CASES.values(), ids=CASES)
def test_each_thing_has_its_command(job, outcomes, wanted):
    """The host's state, its servers; moves that go on are tested with the mover."""
    report = HostReport("node1", Result.FAILED, outcomes=tuple(outcomes))

    assert list(left_undone(report, job)) == wanted
