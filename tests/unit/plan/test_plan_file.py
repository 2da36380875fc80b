# SPDX-License-Identifier: Apache-2.0
"""A plan in a file."""

from __future__ import annotations

import json
import stat
from dataclasses import replace

import pytest

from nova_decom.errors import ConfigurationError, StalePlanError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.request import Rows, Servers, StopWith
from nova_decom.plan.plan_file import load_plans, save_plans
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_any_stale, raise_if_other_options, raise_if_stale
from tests.unit import build
from tests.unit.build import facts, request
from tests.unit.states import ALL_STATES

HOST = {"host": "node1", "changes": [], "blocked": []}
CHANGE = {"step": "s", "action": "a", "target": "t", "rows": None, "detail": "d"}

CLOUD = CloudIdentity.of("https://keystone.example/v3", "RegionOne")


@pytest.mark.parametrize("state", ALL_STATES.values(), ids=ALL_STATES)
def test_a_plan_that_was_saved_fits_the_same_cloud(state, tmp_path):
    """Whatever is compared comes back."""
    plan = make_plan(state)
    save_plans(tmp_path / "plan", [plan], CLOUD)

    (loaded,) = load_plans(tmp_path / "plan").plans

    assert loaded.host == plan.host
    assert [c.key for c in loaded.changes] == [c.key for c in plan.changes]
    raise_if_stale(loaded, plan)
    raise_if_stale(plan, loaded)


def test_objections_are_saved_too(tmp_path):
    """An objection that was reviewed is no news when the plan is used."""
    plan = make_plan(facts(servers=(build.server(),)))
    save_plans(tmp_path / "plan", [plan], CLOUD)

    (loaded,) = load_plans(tmp_path / "plan").plans

    assert [f.guard for f in loaded.blocked] == ["servers-present"]


def test_a_plan_made_with_other_options_does_not_fit(tmp_path):
    """Who reviewed a soft-delete did not agree to a purge."""
    reviewed = make_plan(build.ghost(request=request(rows=Rows.KEEP)))
    save_plans(tmp_path / "plan", [reviewed], CLOUD)

    with pytest.raises(StalePlanError):
        raise_if_stale(load_plans(tmp_path / "plan").plans[0], make_plan(build.ghost()))


def test_plans_of_several_hosts_keep_their_order(tmp_path):
    """The run goes through them as they stand."""
    plan = make_plan(facts())
    save_plans(tmp_path / "plan", [replace(plan, host="b"), replace(plan, host="a")], CLOUD)

    assert [p.host for p in load_plans(tmp_path / "plan").plans] == ["b", "a"]


def test_a_plan_is_its_owners(tmp_path):
    """It names hosts and rows of the cloud."""
    path = tmp_path / "plan"

    save_plans(path, [make_plan(facts())], CLOUD)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_plan_that_cannot_be_written_is_an_error_with_a_cure(tmp_path):
    """The directory does not exist."""
    with pytest.raises(ConfigurationError, match="No such file") as raised:
        save_plans(tmp_path / "nowhere" / "plan", [], CLOUD)

    assert raised.value.remedy == "give another --out"


def test_a_plan_that_cannot_be_read_is_an_error_with_a_cure(tmp_path):
    """The file does not exist."""
    with pytest.raises(ConfigurationError, match="No such file") as raised:
        load_plans(tmp_path / "plan")

    assert raised.value.remedy == "give a readable --plan"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        {"schema": "another", "hosts": []},
        {"schema": "nova-decom-plan/1"},
        {"schema": "nova-decom-plan/1", "hosts": [{}]},
        {"schema": "nova-decom-plan/1", "hosts": ["node1"]},
        {"schema": "nova-decom-plan/1", "hosts": [HOST | {"blocked": ["x"]}]},
        {"schema": "nova-decom-plan/1", "hosts": [HOST | {"changes": [{"step": "s"}]}]},
        {"schema": "nova-decom-plan/1", "hosts": [HOST | {"changes": [CHANGE | {"rows": []}]}]},
        "\xff\xfe",
    ],
    ids=str,
)
def test_another_file_is_no_plan(tmp_path, content):
    """It is said so, with the command that makes one; nothing of it is believed."""
    path = tmp_path / "plan"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "latin-1")

    with pytest.raises(ConfigurationError, match="is not a nova-decom plan file") as raised:
        load_plans(path)

    assert "nova-decom plan HOST --out FILE" in raised.value.remedy


def test_a_file_brings_no_statements(tmp_path):
    """What runs is planned anew; of a file only what is compared is taken."""
    path = tmp_path / "plan"
    change = CHANGE | {"transaction": {"statements": ["DROP TABLE services"]}, "more": 1}
    hosts = [HOST | {"changes": [change]}]
    path.write_text(json.dumps({"schema": "nova-decom-plan/1", "hosts": hosts}), "utf-8")

    (plan,) = load_plans(path).plans

    assert plan.changes[0].key == ("s", "a", "t", None)
    assert plan.changes[0].transaction is None


CHOICES = [
    {"servers": Servers.AUTO},
    {"target": "node9"},
    {"confirm_resizes": True},
    {"leave_stopped": True},
    {"rebuild_local_disks": True},
    {"reschedule_agents": True},
    {"partial": True},
    {"stop_with": StopWith.NONE},
    {"offline": True},
    {"rows": Rows.KEEP},
    {"all_binaries": True},
    {"keep_agents": True},
    {"aliases": frozenset({"n1"})},
    {"skip_guards": frozenset({"last-host"})},
]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda c: next(iter(c)))
def test_a_plan_binds_the_options_it_was_reviewed_with(choice, tmp_path):
    """The same options pass; another way of moving, stopping or purging is stale, exit 7."""
    save_plans(tmp_path / "plan", [make_plan(facts(request=request(**choice)))], CLOUD)
    options = load_plans(tmp_path / "plan").options

    raise_if_other_options(options, request(**choice))
    with pytest.raises(StalePlanError, match="other options") as raised:
        raise_if_other_options(options, request())
    assert raised.value.exit_code == ExitCode.STALE


def test_options_that_do_not_decide_the_plan_may_differ(tmp_path):
    """The reason, say, is another one in each run."""
    save_plans(tmp_path / "plan", [make_plan(facts())], CLOUD)

    raise_if_other_options(load_plans(tmp_path / "plan").options, request(claim="x", max_hosts=99))


def test_only_hosts_of_the_file_are_compared(tmp_path):
    """Each reviewed plan is compared with the present plan of its own host."""
    save_plans(tmp_path / "plan", [make_plan(build.history())], CLOUD)
    saved = load_plans(tmp_path / "plan").plans

    raise_if_any_stale(saved, [make_plan(build.history()), replace(make_plan(facts()), host="b")])
    with pytest.raises(StalePlanError):
        raise_if_any_stale(saved, [make_plan(facts())])
