# SPDX-License-Identifier: Apache-2.0
"""The cloud of a restore: saved resource providers as they are, and the target of a request."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nova_decom.clients.restore import LiveRestoringCloud
from nova_decom.model.api_call import create_provider, enable_service
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.restore.saved import SavedHost
from tests.unit import build


class Client:
    """One service; ``sent`` are the paths of requests."""

    def __init__(self):
        """Nothing was sent."""
        self.sent = []

    def send(self, call):
        """Note it."""
        self.sent.append(call.path)
        return f"req-{len(self.sent)}"

    def aggregates(self):
        """One."""
        return (build.aggregate(),)

    def image(self, path):
        """Of a tree its providers; one of two trees is gone."""
        self.sent.append(path)
        return ({"uuid": "a"}, {"uuid": "b"}) if path.endswith("=a") else ()


@pytest.fixture
def clients():
    """Nova and placement, and no database."""
    return SimpleNamespace(compute=Client(), placement=Client(), databases=None)


def test_the_trees_that_were_saved_are_read_each_once(clients):
    """A run that saved none asks placement for nothing."""
    cloud = LiveRestoringCloud(
        SimpleNamespace(facts=build.facts, clients=clients), CloudIdentity()
    )
    trees = tuple({"uuid": uuid, "root_provider_uuid": root} for uuid, root in ("aa", "ba", "cc"))

    assert cloud.present(SavedHost("RUN", "node1")).providers == {}
    assert clients.placement.sent == []
    present = cloud.present(SavedHost("RUN", "node1", trees=trees))
    assert present.providers == {"a": {"uuid": "a"}, "b": {"uuid": "b"}}
    assert clients.placement.sent == [f"/resource_providers?in_tree={root}" for root in "ac"]


def test_a_request_goes_to_the_service_that_it_is_for(clients):
    """Nova's to nova, placement's to placement."""
    cloud = LiveRestoringCloud(SimpleNamespace(clients=clients), CloudIdentity())

    assert cloud.send(enable_service("s")) == cloud.send(create_provider("u", "n")) == "req-1"

    assert clients.compute.sent == ["/os-services/s"]
    assert clients.placement.sent == ["/resource_providers"]
