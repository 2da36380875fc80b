# SPDX-License-Identifier: Apache-2.0
"""The schemas of nova 17 to 34 on each database server."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.database.schemas import RELEASES
from tests.database.servers.versions import VERSIONS
from tests.matrix import junit

TESTS = "tests/database/test_schemas.py"
Column = Mapping[int, Counter[bool]]


def run() -> bool:
    """Print one table; False when any test failed or was left out."""
    columns = {server: _column(server) for server in VERSIONS}
    print("\ntests passed, by schema and server\n")
    print("\n".join(_table(columns)))
    return all(_is_well(c[release]) for c in columns.values() for release in RELEASES)


def _column(server: str) -> Column:
    """The tests of each release that passed and that did not, on this server."""
    found: dict[int, Counter[bool]] = {release: Counter() for release in RELEASES}
    for test in junit.run(["--server", server, "--schemas", "all", TESTS]):
        number = re.search(r"\[(\d+)", test.name)
        assert number is not None, test.name
        found[int(number[1])][test.passed] += 1
    return found


def _table(columns: Mapping[str, Column]) -> Iterator[str]:
    """Markdown: a line for each release, a column for each server."""
    yield f"| nova | {' | '.join(columns)} |"
    yield f"| --- |{' --- |' * len(columns)}"
    for release in RELEASES:
        cells = (_cell(column[release]) for column in columns.values())
        yield f"| {release}.0 | {' | '.join(cells)} |"


def _cell(tests: Counter[bool]) -> str:
    return f"{tests[False]} of {tests.total()} failed" if not _is_well(tests) else f"{tests[True]}"


def _is_well(tests: Counter[bool]) -> bool:
    return bool(tests[True]) and not tests[False]
