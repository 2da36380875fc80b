# SPDX-License-Identifier: Apache-2.0
"""``make matrix``: the schemas of Nova 17 to 34, and the suites, on each database server.

Each part prints one table; ``python -m tests.matrix.suites`` runs the second part alone.

The exit code is 1 when any test failed or was left out.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.database.schemas import RELEASES
from tests.database.servers.versions import VERSIONS
from tests.matrix import suites

TESTS = "tests/database/test_schemas.py"
Column = Mapping[int, Counter[bool]]


def run(server: str, directory: Path) -> Column:
    """The tests of each release that passed and that did not, on this server."""
    report = directory / f"{server}.xml"
    command = [sys.executable, "-m", "pytest", "--quiet", "--server", server, "--schemas", "all"]
    subprocess.run([*command, f"--junitxml={report}", TESTS], check=False)
    found: dict[int, Counter[bool]] = {release: Counter() for release in RELEASES}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own file
        number = re.search(r"\[(\d+)", case.get("name", ""))
        assert number is not None, case.get("name")
        found[int(number[1])][len(case) == 0] += 1
    return found


def table(columns: Mapping[str, Column]) -> Iterator[str]:
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


def main() -> int:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        columns = {server: run(server, Path(directory)) for server in VERSIONS}
    print(f"\n{datetime.now(UTC):%Y-%m-%d}: tests passed, by schema and server\n")
    print("\n".join(table(columns)))
    print(f"\n{time.monotonic() - begin:.0f} s")
    failed = not all(_is_well(c[release]) for c in columns.values() for release in RELEASES)
    return int(bool(suites.main()) or failed)


if __name__ == "__main__":
    sys.exit(main())
