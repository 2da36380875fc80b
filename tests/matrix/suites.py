# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.matrix.suites``: the suites of databases on each server; prints one table.

The exit code is 1 when any test failed or was left out.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from tests.database.servers.products import MariaDB
from tests.database.servers.versions import VERSIONS, Version
from tests.matrix import junit

SUITES = ("tests/database", "tests/faults", "tests/galera")
#: By suite and server; None where the server has nothing that the suite tries.
Results = Mapping[str, Mapping[str, Counter[bool] | None]]


def run(suite: str, version: Version) -> Counter[bool] | None:
    """How many tests passed and how many did not."""
    if suite == "tests/galera" and not isinstance(version.product, MariaDB):
        return None
    return Counter(test.passed for test in junit.run(["--server", version.name, suite]))


def table(results: Results) -> Iterator[str]:
    """Markdown: a line for each suite, a column for each server."""
    yield f"| Suite | {' | '.join(VERSIONS)} |"
    yield f"| --- |{' --- |' * len(VERSIONS)}"
    for suite, row in results.items():
        yield f"| `{suite}` | {' | '.join(_cell(row[name]) for name in VERSIONS)} |"


def _cell(tests: Counter[bool] | None) -> str:
    if tests is None:
        return "no Galera"
    return f"{tests[True]}" if is_well(tests) else f"{tests[False]} of {tests.total()} failed"


def is_well(tests: Counter[bool] | None) -> bool:
    """True when there was something to try, and all of it passed."""
    return tests is None or (bool(tests[True]) and not tests[False])


def main() -> int:
    results = {
        suite: {name: run(suite, version) for name, version in VERSIONS.items()}
        for suite in SUITES
    }
    print(f"\n{datetime.now(UTC):%Y-%m-%d}: tests passed, by suite and server\n")
    print("\n".join(table(results)))
    return int(not all(is_well(tests) for row in results.values() for tests in row.values()))


if __name__ == "__main__":
    sys.exit(main())
