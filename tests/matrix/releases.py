# SPDX-License-Identifier: Apache-2.0
"""The main scenarios on a control plane of each release: one lab after the other."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.lab.releases import RELEASES
from tests.matrix import junit
from tests.matrix.junit import Outcome

BY_SQL = "tests/scenarios/test_by_sql.py"
DEAD = "tests/moving/test_dead_host.py"
REGISTERED = "tests/scenarios/test_registered.py"
#: Scenario -> node ids of pytest.
SCENARIOS: Mapping[str, Sequence[str]] = {
    "clean host": (
        f"{REGISTERED}::test_clean_host",
        f"{REGISTERED}::test_network_agents",
        "tests/cli/test_remove.py::test_an_empty_host_leaves_and_its_name_comes_back",
    ),
    "half-removed hosts": (
        f"{BY_SQL}::test_both_rows_deleted",
        f"{BY_SQL}::test_compute_node_without_service",
        f"{BY_SQL}::test_service_without_compute_node",
        f"{BY_SQL}::test_odd_soft_delete",
        f"{REGISTERED}::test_killed_between_api_and_sql",
        "tests/scenarios/test_placement.py::test_provider_missing",
    ),
    "drain": ("tests/moving/test_drain.py",),
    "dead host": (
        f"{DEAD}::test_servers_of_a_dead_host_run_elsewhere_and_the_host_is_removed",
        "tests/scenarios/test_servers.py::test_evacuated",
    ),
    "restore": (
        "tests/cli/test_restore.py::test_a_removed_host_comes_back_under_its_old_identity",
    ),
}
ROOT = Path(__file__).parents[2]


def run(releases: Sequence[str]) -> bool:
    """Print one table; False when any test failed or was left out."""
    tests = {release: _tests(release) for release in releases}
    print("\ntests passed, by release and scenario; seconds with the start of hosts and lab\n")
    print("\n".join(table(tests)))
    return all(_is_well(found[s]) for found in tests.values() for s in SCENARIOS)


def _tests(release: str) -> Mapping[str, Sequence[Outcome]]:
    """The tests of each scenario, on a lab of their own that ends with them."""
    print(f"\n{release}", flush=True)
    # Those of one file follow each other: they share their hosts.
    nodes = sorted(node for chosen in SCENARIOS.values() for node in chosen)
    lab = {"NOVA_DECOM_LAB": str(ROOT / ".lab-matrix" / release)}
    # Beside other work a drain of a dozen servers takes longer than a test of the suite may.
    found = junit.run(["--release", release, "-o", "timeout=1800", *nodes], lab)
    return {
        scenario: [test for test in found if any(test.is_of(node) for node in chosen)]
        for scenario, chosen in SCENARIOS.items()
    }


def table(tests: Mapping[str, Mapping[str, Sequence[Outcome]]]) -> Iterator[str]:
    """Markdown: a line for each release, a column for each scenario."""
    yield f"| Release | nova | {' | '.join(SCENARIOS)} |"
    yield f"| --- | --- |{' --- |' * len(SCENARIOS)}"
    for release, found in tests.items():
        cells = (_cell(found[scenario]) for scenario in SCENARIOS)
        yield f"| {release} | {_nova(release)} | {' | '.join(cells)} |"


def _nova(release: str) -> str:
    """The version of nova that the lab installs."""
    (version,) = (p[6:] for p in RELEASES[release].packages if p.startswith("nova=="))
    return version


def _cell(tests: Sequence[Outcome]) -> str:
    if not tests:
        return "none ran"
    passed, seconds = sum(t.passed for t in tests), sum(t.seconds for t in tests)
    failed = "" if _is_well(tests) else f", {len(tests) - passed} failed"
    return f"{passed}{failed} ({seconds:.0f} s)"


def _is_well(tests: Sequence[Outcome]) -> bool:
    return bool(tests) and all(t.passed for t in tests)
