# SPDX-License-Identifier: Apache-2.0
"""Ports as neutron tells them."""

from __future__ import annotations

import pytest

from nova_decom.clients.openstack.network import Network
from nova_decom.model.cloud import Port

ENTRY = {"id": "p", "device_id": "s1", "binding:host_id": "node1"}
PORTS = [
    ("a token that sees little", {}, Port("s1")),
    ("plain", {"binding:vnic_type": "normal", "resource_request": None}, Port("s1")),
    ("SR-IOV", {"binding:vnic_type": "direct"}, Port("s1", "direct")),
    (
        "bandwidth, before neutron 19",
        {"resource_request": {"required": [], "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 1}}},
        Port("s1", requests_resources=True),
    ),
    (
        "bandwidth",
        {"resource_request": {"request_groups": [{"id": "g"}], "same_subtree": ["g"]}},
        Port("s1", requests_resources=True, requests_groups=True),
    ),
]


class Neutron:
    """Lists these ports in one page."""

    def __init__(self, *entries):
        """In this order."""
        self.entries, self.asked = entries, []

    def get(self, service, path, _wanted, **params):
        """The whole list."""
        self.asked.append((service, path, params))
        return {"ports": list(self.entries)}


@pytest.mark.parametrize(("more", "port"), [pytest.param(m, p, id=c) for c, m, p in PORTS])
def test_a_port_tells_its_type_and_what_it_requests(more, port):
    """Only an administrator sees what it requests."""
    api = Neutron(ENTRY | more)

    assert Network(api).ports("node1") == (port,)
    assert api.asked == [("network", "/ports", {"binding:host_id": "node1"})]


def test_ports_of_another_host_are_none_of_this_one():
    """A proxy that drops the filter does not add features to its servers."""
    api = Neutron(ENTRY | {"binding:host_id": "NODE1"}, {"id": "q", "device_id": "s1"})

    assert Network(api).ports("node1") == ()
