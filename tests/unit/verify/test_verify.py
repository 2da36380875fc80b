# SPDX-License-Identifier: Apache-2.0
"""Verify and audit: nova's history is no leftover, unless ``--rows purge`` asks for it to go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.cli.settings import resolve
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Result
from nova_decom.model.rows import CloudRows
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.verify.audit import AuditSnapshot, audit
from nova_decom.verify.verify import verify
from tests.unit import build
from tests.unit.build import database, ghost, history, node_row, service_row

HISTORY = ["services", "compute_nodes"]
MAPPED = history(
    database=replace(history().database, compute_nodes=(node_row(deleted=8, mapped=1),))
)
ODD = history(database=replace(history().database, services=(service_row(deleted=1),)))
TWO_LIVES = ghost(
    providers=(),
    database=database(
        host_mapping=None,
        services=(service_row(deleted=3),),
        compute_nodes=(node_row(), node_row(7, uuid="older", deleted=7)),
    ),
)


def asked(state, command="verify", **given):
    """The state under the request of a command."""
    return replace(state, request=resolve(given, {}).request("RUN", 10.0, command))


def audited(state):
    """The kinds of traces that the audit finds of the same rows."""
    rows = CloudRows(state.database.services, state.database.compute_nodes)
    return {trace.leftover.kind for trace in audit(AuditSnapshot(CloudSnapshot(), rows))}


def test_a_host_that_another_tool_removed_through_the_api_is_clean():
    """Its soft-deleted rows are named as history, and the name may come back."""
    report = verify(asked(history()))

    assert (report.result, report.exit_code, report.leftovers) == (Result.CLEAN, 0, ())
    assert report.outcomes == ()
    assert [k.binary for k in report.kept] == HISTORY
    assert report.kept[0].why == ("history: nova has soft-deleted row 3; --rows purge deletes it")
    assert report.readd.answer == "unknown"
    assert audited(history()) == set()


@pytest.mark.parametrize(
    ("rows", "result", "kept"),
    [("purge", Result.LEFTOVERS, []), ("keep", Result.CLEAN, HISTORY)],
)
def test_rows_decides_whether_history_is_to_go(rows, result, kept):
    """Where it is given, to ``verify`` as to ``remove``."""
    report = verify(asked(history(), rows=rows))

    assert (report.result, [k.binary for k in report.kept]) == (result, kept)
    assert report.exit_code == (ExitCode.CHANGES if rows == "purge" else ExitCode.SUCCESS)


def test_a_removal_deletes_history_by_default():
    """As the documented procedure ends: SQL shows the host no more."""
    assert verify(asked(history(), "remove")).result is Result.LEFTOVERS


@pytest.mark.parametrize("state", [MAPPED, ODD, TWO_LIVES], ids=["mapped", "odd", "a live row"])
def test_rows_that_are_no_history_are_leftovers_for_both(state):
    """A flag that hides the host, a mark that is not nova's, a row that lives."""
    report = verify(asked(state))

    assert (report.result, report.exit_code) == (Result.LEFTOVERS, ExitCode.CHANGES)
    assert [trace.kind for trace in report.leftovers] == ["rows"]
    assert audited(state)


def test_history_of_other_binaries_and_of_other_hosts_is_not_named():
    """Neither is the host's to lose."""
    rows = replace(
        history().database,
        services=(
            service_row(deleted=3),
            service_row(5, uuid="c", binary="nova-conductor", deleted=5),
            service_row(4, uuid="o", host="NODE1", deleted=4),
        ),
    )

    assert [k.binary for k in verify(asked(history(database=rows))).kept] == HISTORY


def test_a_host_that_lives_and_one_without_database_keep_no_history():
    """Nothing is said of rows that come first, or were not read."""
    assert verify(asked(build.facts())).kept == ()
    assert verify(asked(build.absent(was_known=True, database=None))).kept == ()


def test_a_compute_node_that_nova_needs_is_kept_for_that_reason_alone():
    """--rows purge would not delete it."""
    needed = replace(history().database, nodes_needed={"cell1": 2})

    (stays,) = [k for k in verify(asked(history(database=needed))).kept if k.binary != "services"]

    assert "compute_id" in stays.why
