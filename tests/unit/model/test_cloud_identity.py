# SPDX-License-Identifier: Apache-2.0
"""The identity of a cloud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.errors import StalePlanError
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.host import HostIdentity
from nova_decom.model.plan import Verdict
from nova_decom.plan.plan_file import load_plans, save_plans
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_other_cloud
from nova_decom.restore.plan import plan_restore
from nova_decom.state.host_lock import holder, host_lock
from nova_decom.state.journal import RunJournal
from nova_decom.state.known_hosts import HostMemory
from tests.unit import build
from tests.unit.removed import CLOUD, past, present, without_databases

RUN = "20261123T041500Z-7f3a"
URL = "https://keystone.example/v3"
OTHER = CloudIdentity.of("https://other.example/v3", "RegionOne")
CELLS = frozenset({"c1", "c2"})


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://keystone.example/v3", "https://KEYSTONE.example/v3/"),
        ("https://keystone.example", "https://keystone.example/v3"),
        ("https://keystone.example/v3", "https://user:secret@keystone.example/v3"),
    ],
)
def test_one_auth_url_in_two_spellings(url, other):
    """They are one cloud, with one key."""
    one, two = CloudIdentity.of(url, "R"), CloudIdentity.of(other, "R")

    assert one.is_same(two)
    assert one.key == two.key


@pytest.mark.parametrize("other", [(URL, "RegionTwo"), (URL + "/x", "RegionOne"), (None, None)])
def test_another_region_or_auth_url_is_another_cloud(other):
    """A host of one region is no host of the other."""
    one, two = CloudIdentity.of(URL, "RegionOne"), CloudIdentity.of(*other)

    assert not one.is_same(two)
    assert one.key != two.key


def test_cells_decide_where_both_sides_know_them():
    """One cloud has an internal and a public auth URL; two clouds never share a cell."""
    one = replace(CLOUD, cells=CELLS)

    assert one.is_same(replace(OTHER, cells=frozenset({"c2", "c3"})))
    assert not one.is_same(replace(CLOUD, cells=frozenset({"c9"})))
    assert one.is_same(CLOUD)


def test_no_credential_is_kept():
    """The identity stands in journals and plan files."""
    found = CloudIdentity.of("https://user:secret@keystone.example/v3?x=secret", "R")

    assert "secret" not in repr(found) + str(found)


@pytest.mark.parametrize("cells", [frozenset(), CELLS])
def test_what_was_dumped_is_loaded(cells):
    """A journal and a plan file keep the identity."""
    one = replace(CLOUD, cells=cells)

    assert CloudIdentity.load(one.dump()) == one


@pytest.mark.parametrize("text", [None, "x", [1], 7])
def test_other_data_is_no_identity(text):
    """A journal without cloud tells none."""
    assert CloudIdentity.load(text) is None


@pytest.mark.parametrize("cells", [None, "c1", 3])
def test_cells_that_are_no_list_are_none(cells):
    """A file may hold anything."""
    assert CloudIdentity.load({"auth_url": "u", "cells": cells}) == CloudIdentity("u")


def test_a_host_that_one_cloud_knew_is_not_known_in_another(tmp_path):
    """A run against one cloud must not make a name known in another."""
    HostMemory(tmp_path, CLOUD.key).keep("node1", HostIdentity(names=frozenset({"node1"})))

    assert HostMemory(tmp_path, CLOUD.key).recall("node1") is not None
    assert HostMemory(tmp_path, CLOUD.key).hosts() == {"node1"}
    assert HostMemory(tmp_path, OTHER.key).recall("node1") is None
    assert HostMemory(tmp_path, OTHER.key).hosts() == frozenset()


def test_a_host_that_is_held_in_one_cloud_is_free_in_another(tmp_path):
    """Two hosts of one name in two clouds are two hosts."""
    with (
        host_lock(tmp_path, "node1", RUN, CLOUD.key),
        host_lock(tmp_path, "node1", "b", OTHER.key),
    ):
        assert holder(tmp_path, "node1", CLOUD.key) == RUN
        assert holder(tmp_path, "node1", OTHER.key) == "b"
        assert holder(tmp_path, "node1") is None


def test_aliases_are_not_remembered(tmp_path):
    """An alias is the operator's word for one run; a hypervisor hostname is the host's own."""
    node = build.node(hypervisor_hostname="node1.example.net")
    request = build.request(aliases=frozenset({"old-name", "node1.example.net"}))
    facts = build.facts(
        request=request,
        compute_nodes=(node,),
        identity=HostIdentity(frozenset({node.uuid}), frozenset({"node1"}) | request.aliases),
    )
    with RunJournal(tmp_path / "state", RUN, CLOUD.key) as journal:
        journal.remember(facts)

    known = HostMemory(tmp_path / "state", CLOUD.key).recall("node1")
    assert known == HostIdentity(frozenset({node.uuid}), frozenset({"node1", "node1.example.net"}))


def test_a_plan_of_another_cloud_is_stale(tmp_path):
    """The file names its cloud; a host of the same name elsewhere was not reviewed."""
    save_plans(tmp_path / "plan", [make_plan(build.facts())], CLOUD)
    cloud = load_plans(tmp_path / "plan").cloud

    raise_if_other_cloud(cloud, CLOUD)
    with pytest.raises(StalePlanError, match=r"other\.example"):
        raise_if_other_cloud(cloud, OTHER)


@pytest.mark.parametrize("databases", [True, False])
def test_a_run_is_not_restored_into_another_cloud(databases):
    """Neither with databases that share no cell nor by the API alone."""
    now = present(cloud=OTHER) if databases else without_databases(cloud=OTHER)
    (finding,) = [f for f in plan_restore(past(), now).findings if f.guard == "same-cloud"]

    assert finding.verdict is Verdict.BLOCKED
    assert "--os-cloud" in finding.remedy
