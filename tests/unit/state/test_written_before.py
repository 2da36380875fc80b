# SPDX-License-Identifier: Apache-2.0
"""A journal and a plan file that an earlier version wrote (commit cdbce4f) are still read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nova_decom.model.change import Status
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.plan import Verdict
from nova_decom.model.report import Result
from nova_decom.plan.plan_file import load_plans
from nova_decom.plan.planner import make_plan
from nova_decom.plan.stale import raise_if_other_cloud, raise_if_other_options, raise_if_stale
from nova_decom.restore.plan import plan_restore
from nova_decom.restore.saved import saved_host
from nova_decom.state.journal_reader import find_record
from nova_decom.state.run_summary import reports, summary_of
from tests.unit import build
from tests.unit.removed import present, without_databases

WRITTEN = Path(__file__).parent / "written_before"
RUN = "20261123T041500Z-7f3a"


@pytest.fixture
def state(tmp_path):
    """A state directory with the journal."""
    (tmp_path / "runs").mkdir(mode=0o700)
    shutil.copy(WRITTEN / f"{RUN}.jsonl", tmp_path / "runs")
    return tmp_path


def test_the_journal_tells_the_run(state):
    """The row of `runs` and the report of `runs RUN`."""
    record = find_record(state, RUN)
    row, (report,) = summary_of(record, state), reports(record)

    assert record.problem is None
    assert (row["result"], row["exit_code"], row["by"]) == ("removed", 0, "ops@jump")
    assert report.result is Result.REMOVED
    assert {o.status for o in report.outcomes} == {Status.DONE}
    assert next(o.change.step for o in report.outcomes) == "disable-service"


def test_the_journal_can_be_restored(state):
    """Rows and aggregate membership come back into the cloud whose cell it names."""
    plan = plan_restore(saved_host(find_record(state, RUN), "node1"), present())
    rows = [c.transaction.cell for c in plan.changes if c.transaction]

    assert next(f for f in plan.findings if f.guard == "same-cloud").verdict is Verdict.OK
    assert rows != []


def test_without_a_cell_that_proves_the_cloud_the_journal_is_not_restored(state):
    """The journal does not tell its cloud: "cannot tell" is not "the same"."""
    plan = plan_restore(saved_host(find_record(state, RUN), "node1"), without_databases())
    (finding,) = [f for f in plan.findings if f.guard == "same-cloud"]

    assert finding.verdict is Verdict.BLOCKED
    assert "does not tell its cloud" in finding.message


def test_the_plan_file_is_compared_with_the_present_plan():
    """It fits the host that it was made for; it names no cloud, so its uuids decide."""
    saved = load_plans(WRITTEN / "plan.json")
    (plan,) = saved.plans
    raise_if_other_cloud(saved.cloud, CloudIdentity.of("https://keystone.example/v3", None))
    now = make_plan(
        build.facts(
            database=build.database(compute_nodes=(build.node_row(mapped=1),)),
            aggregates=(build.aggregate(),),
            agents=(build.agent(),),
        )
    )

    assert (saved.cloud, saved.options) == (None, None)
    raise_if_other_options(saved.options, now.result.request)
    assert [c.key for c in plan.changes] == [c.key for c in now.changes]
    raise_if_stale(plan, now)
