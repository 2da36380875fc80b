# SPDX-License-Identifier: Apache-2.0
"""Tables in Markdown, written line by line as the runs end."""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tests.bench.runner import Row

LOOKED = ("", "runs", "seconds", "CPU seconds", "peak MiB")
REMOVED = ("", "runs", "seconds counted", "waited besides", "CPU seconds", "peak MiB")


class Table:
    """One table; its head is written at once."""

    def __init__(self, title: str, columns: tuple[str, ...]) -> None:
        self._columns = columns
        say(f"\n## {title}\n\n| {' | '.join(columns)} |\n| --- |{' ---: |' * (len(columns) - 1)}")

    def add(self, row: Row) -> Row:
        """One line: medians."""
        cells = {
            "": row.what,
            "runs": str(len(row.runs)),
            "seconds": f"{row.counted:.2f}",
            "seconds counted": f"{row.counted:.2f}",
            "waited besides": f"{row.median(lambda took: took.waited):.1f}",
            "CPU seconds": f"{row.median(lambda took: took.cpu):.2f}",
            "peak MiB": f"{row.median(lambda took: took.peak):.0f}",
        }
        say(f"| {' | '.join(cells[name] for name in self._columns)} |")
        return row


def markdown(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A whole table at once; numbers to the right."""
    lines = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    right = [all(line[n][:1].isdigit() for line in lines) for n in range(len(columns))]
    say(f"\n## {title}\n\n| {' | '.join(columns)} |")
    say(f"| {' | '.join('---:' if number else '---' for number in right)} |")
    for line in lines:
        say(f"| {' | '.join(line)} |")


def say(text: str) -> None:
    """Print it at once: somebody waits for minutes."""
    print(text, flush=True)


def machine() -> str:
    """When, and on what."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, "
        f"{memory:.0f} GiB, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
