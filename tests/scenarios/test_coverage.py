# SPDX-License-Identifier: Apache-2.0
"""Every scenario that the field reported has a test, here or elsewhere, or a reason why not."""

import ast
from pathlib import Path

import pytest

from tests.scenarios.registry import HEADER, load, markdown, page

TESTS = Path(__file__).parents[1]
IDS = [f"C{n:02}" for n in range(1, 26)] + [f"X{n}" for n in range(1, 13)]

#: The tests that show what a scenario asks for, by file and name.
COVERED_ELSEWHERE: dict[str, tuple[str, ...]] = {
    # nova-compute is alive
    "C09": (
        "cli/test_stopping.py::test_who_only_says_that_it_stopped_is_not_believed",
        "cli/test_stopping.py::test_state_down_alone_proves_nothing",
        "cli/test_stopping.py::test_none_waits_for_the_operator",
    ),
    # names that begin alike, or differ by case
    "C11": (
        "cli/test_remove.py::test_neighbours_with_similar_names_keep_every_row",
        "cli/test_remove.py::test_another_spelling_is_refused_with_the_right_name",
        "database/test_reading.py::test_names_are_compared_exactly",
    ),
    # a converged host
    "C13": (
        "cli/test_guards.py::test_only_nova_compute_leaves_a_converged_host",
        "cli/test_guards.py::test_all_binaries_takes_those_that_are_down",
    ),
    # pci_devices
    "C20": (
        "cli/test_guards.py::test_a_pci_device_in_use_refuses",
        "cli/test_guards.py::test_free_pci_devices_do_not_break_the_purge",
    ),
    # conflicts, lost connections and lost answers
    "C24": (
        "database/test_retries.py::test_deadlock",
        "database/test_retries.py::test_deadlock_asks_the_guards_again",
        "database/test_retries.py::test_committed_but_not_told",
        "database/test_retries.py::test_not_committed",
        "database/test_locks.py::test_waiting_for_a_lock_is_bounded",
        "database/test_preflight.py::test_read_only_server",
    ),
    # no host given is an error, never all of them; nothing is chosen by age
    "X1": (
        "cli/test_errors.py::test_usage_errors_are_exit_2",
        "cli/test_remove.py::test_an_unknown_host_is_refused_unless_absent_is_wished",
    ),
    # a host that somebody else disabled, or another run
    "X2": (
        "cli/test_two_machines.py::test_a_host_that_somebody_else_disabled_is_removed_with_a_warning",
        "cli/test_two_machines.py::test_of_two_runs_at_once_one_goes_on",
        "cli/test_two_machines.py::test_a_claim_that_has_lapsed_is_taken_over",
    ),
    # a host in two cells; a cell that does not answer
    "X5": (
        "database/test_cells.py::test_host_in_two_cells",
        "database/test_cells.py::test_cell0_is_skipped",
        "unit/guards/test_guards.py::test_guard",
        "unit/model/test_values.py::test_entries_without_id_or_status_come_from_a_silent_cell",
    ),
    # the wrong host was removed
    "X9": (
        "cli/test_restore.py::test_a_removed_host_comes_back_under_its_old_identity",
        "cli/test_restore.py::test_a_host_that_came_back_by_itself_is_left_alone",
        "database/test_restore.py::test_every_byte_comes_back",
        "database/test_restore.py::test_a_dba_restores_the_rows_without_the_program",
    ),
    # a server lands between look and delete
    "X10": (
        "cli/test_remove.py::test_a_saved_plan_is_refused_when_the_cloud_has_moved_on",
        "unit/apply/test_executor.py::test_a_server_that_lands_before_the_delete_stops_it",
        "database/test_locks.py::test_no_server_lands",
    ),
    # privileges and connections
    "X12": (
        "cli/test_errors.py::test_a_missing_grant_to_delete_is_named",
        "cli/test_errors.py::test_a_read_only_server",
        "cli/test_errors.py::test_a_wrong_schema",
        "cli/test_errors.py::test_a_database_url_that_leads_nowhere",
        "database/test_tls.py::test_no_tls_offered",
        "database/test_errors.py::test_secrets_are_not_shown",
    ),
}


def test_every_scenario_has_its_place() -> None:
    """Each of the 37 ids is here or elsewhere, and not in both."""
    here = {i for s in load() for i in s.ids if i in IDS}
    assert len(IDS) == 37
    assert sorted([*here, *COVERED_ELSEWHERE]) == sorted(IDS)


@pytest.mark.parametrize("place", [p for ps in COVERED_ELSEWHERE.values() for p in ps])
def test_what_is_covered_elsewhere_is_there(place: str) -> None:
    """A test that was renamed or moved covers nothing."""
    file, name = place.split("::")
    tree = ast.parse((TESTS / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_table_has_a_line_for_each_scenario() -> None:
    """Every cell of the table is filled, and no cell breaks it."""
    lines = list(markdown())
    assert len(lines) == len(load()) + 2
    for line in lines:
        cells = line.removeprefix("| ").removesuffix(" |").split(" | ")
        assert len(cells) == len(HEADER)
        assert all(cells)


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    """It is printed from these tests; nobody edits it."""
    assert (TESTS.parent / "docs" / "scenarios.md").read_text() == page()
