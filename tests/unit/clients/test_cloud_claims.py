# SPDX-License-Identifier: Apache-2.0
"""Whose claim is over, as the cloud is read: by time, or as its run is known here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nova_decom.clients.cloud import LiveCloud
from nova_decom.clients.consumers import Clients
from nova_decom.model.api_call import disable_service
from nova_decom.model.claim import ClaimPolicy, new_claim, read_claim, released, with_expiry
from nova_decom.model.request import Part
from tests.unit.build import request, service

OURS = new_claim("OURS", "ops@here", "old")


class Compute:
    """Nova's API with one service, behind the methods that are asked for."""

    def __init__(self, reason):
        """Disabled for this reason."""
        self.service = service(status="disabled", disabled_reason=reason)
        self.written = []

    def services(self, _host=None):
        """The one."""
        return (self.service,)

    def deletes_without_node(self):
        """As every nova since Xena."""
        return True

    def send(self, call):
        """Note what is written."""
        self.written.append(call.body["disabled_reason"])


def cloud(compute, ended=()):
    """A cloud that knows these runs to have ended on node1."""
    clients = Clients(compute, None, None, None, None, None)
    holding = ClaimPolicy(60, lambda run, host: (run, host) in {(e, "node1") for e in ended})
    return LiveCloud(clients, request(claim=OURS), holding=holding)


def reason(run, minutes):
    """A claim that ends so many minutes from now."""
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    return with_expiry(new_claim(run, "ops@far", "old"), until)


@pytest.mark.parametrize(
    ("found", "ended", "over"),
    [
        (None, (), False),
        ("broken fan", (), False),
        (reason("THEIRS", 50), (), False),
        (reason("THEIRS", -5), (), True),
        (reason("THEIRS", 50), ("THEIRS",), True),
        (released(reason("THEIRS", 50)), (), True),
        (reason("OURS", 50), ("OURS",), False),
        (reason("OURS", -5), (), True),
    ],
    ids=[
        *("no reason", "other words", "live", "lapsed", "ended on this machine", "let go"),
        *("our own", "our own, lapsed"),
    ],
)
def test_a_claim_is_over_when_its_run_is(found, ended, over):
    """Ours does not end while we look at it."""
    facts = cloud(Compute(found), ended).refresh("node1", frozenset({Part.SERVICES}))

    assert facts.claim_is_over is over


def test_a_claim_gets_its_end_when_it_is_written():
    """Not when the run begins: hosts are done one after the other."""
    compute = Compute(None)

    cloud(compute).send(disable_service("x", OURS))

    (written,) = compute.written
    left = read_claim(written).until - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)
