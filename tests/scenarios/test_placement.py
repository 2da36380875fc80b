# SPDX-License-Identifier: Apache-2.0
"""Hosts whose resource providers are missing, in use, nested, or somebody else's of the name."""

import pytest

from tests.cli.run import NovaDecom
from tests.lab import Lab
from tests.scenarios import calls, states
from tests.scenarios.clean import bring_to_clean, comes_back
from tests.scenarios.registry import scenario


@scenario(
    "N1",
    state="provider deleted before the service: the API answers 500, the aggregates left already",
    by_hand="the rows go, the host mapping stays",
    does="creates a bare provider again, then deletes the service by the API",
)
def test_provider_missing(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Nova's own delete is made possible by the provider that it wants to delete."""
    states.in_aggregate(lab, host)
    states.stopped(lab, host)
    states.provider_missing(lab, host)
    with pytest.raises(AssertionError, match="500"):
        states.deleted_by_api(lab, host)

    ran = bring_to_clean(decom, host)

    assert "repair-registration create-provider" in ran.changes("done")
    assert "delete-service delete" in ran.changes("done")


@scenario(
    "N2",
    state="allocations of consumers that nova does not know; one also holds the neighbour",
    by_hand="the provider stays, in use; so it does when nova deletes the service, without a "
    "word; `allocation delete` would take what is held on the neighbour too",
    does="releases what the consumers hold here, and nothing else, then as usual",
)
def test_allocations_of_nothing(lab: Lab, decom: NovaDecom, host: str) -> None:
    """What belongs to nothing does not hold a provider, and keeps what it holds elsewhere."""
    here, there = calls.node_uuid(lab, host), calls.node_uuid(lab, states.REFUGE)
    consumer = states.orphan_allocation(lab, here)
    wide = states.orphan_allocation(lab, here, there)
    try:
        ran = bring_to_clean(decom, host)
        assert ran.changes("done").count("clear-allocations release") == 2
        assert calls.holdings(lab, consumer) == {}
        assert calls.holdings(lab, wide) == {there: {"VCPU": 1}}
    finally:
        calls.placement(lab, "DELETE", f"/allocations/{wide}")


@scenario(
    "C21",
    state="a tree of providers (VGPU below, an allocation in it), both rows deleted by SQL",
    by_hand="n/a; `resource provider delete` of the root answers 409",
    does="releases the allocation, deletes the children, then the root",
)
def test_tree_of_providers(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Children go before their parents."""
    root = calls.node_uuid(lab, host)
    child = states.child_provider(lab, root, f"{host}_gpu")
    grandchild = states.child_provider(lab, child, f"{host}_gpu_0")
    states.orphan_allocation(lab, grandchild, resource="VGPU")
    states.removed_by_sql(lab, host)

    ran = bring_to_clean(decom, host)

    deleted = [c["target"] for c in ran.host["changes"] if c["step"] == "delete-providers"]
    assert deleted == [grandchild, child, root]


@scenario(
    "C21",
    hosts=("c21-live",),
    state="a tree of providers on a registered host",
    by_hand="leaves the tree",
    does="leaves the tree to nova's own delete",
)
def test_tree_of_a_registered_host(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Nova deletes nested providers itself, and the plan knows that."""
    states.child_provider(lab, calls.node_uuid(lab, host), f"{host}_gpu")

    ran = bring_to_clean(decom, host)

    assert "delete-providers delete" not in ran.changes("done")


@scenario(
    "C22",
    state="removed by SQL after an evacuation, re-added: the old provider has the name and an "
    "allocation, the new compute node has no provider",
    by_hand="leaves both; no server ever comes to the host",
    does="releases the old provider, gives the new node one of another name, deletes the service "
    "by the API and the old provider after it",
    result="clean; a new machine of the name gets servers",
)
def test_provider_of_another_uuid(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Two machines of one name, one after the other, both go; the server keeps its new home."""
    server = states.evacuated(lab, host)
    old = calls.node_uuid(lab, host)
    states.removed_by_sql(lab, host)
    states.came_back_beside_its_provider(lab, host)
    before = calls.holdings(lab, server)
    assert old in before

    bring_to_clean(decom, host)

    before.pop(old)
    assert calls.holdings(lab, server) == before
    comes_back(lab, host)
