# SPDX-License-Identifier: Apache-2.0
"""Where the processor time of a command goes: the ten largest shares, by package."""

import argparse
import pstats
import re
import sys
from collections import Counter
from pathlib import Path

from tests.bench import growth
from tests.bench.table import machine, markdown, say
from tests.database.server import Server

HOSTS = 2000
LARGEST = 10
COMMANDS = ("list", "plan --match")
#: The package of a library, or the folder or module of nova-decom, by the path of a file.
LIBRARY = re.compile(r".*/site-packages/(?P<name>\w+)")
OURS = re.compile(r".*/(?P<name>nova_decom/\w+)")
STANDARD = re.compile(r".*/lib/python[\d.]+/(?P<name>\w+)")


def measure(_options: argparse.Namespace, scratch: Path) -> list[str]:
    """A table for each command; there are no targets."""
    server = Server(scratch / "shares")
    try:
        server.start()
        with growth.site(server, scratch) as here:
            here.cloud.hosts(HOSTS)
            say(f"\n{machine()}, scripted OpenStack, `make bench PARTS=profile`")
            for name in COMMANDS:
                file = scratch / "profile"
                program = (sys.executable, "-m", "tests.bench.profiled", str(file))
                here.cost(growth.COMMANDS[name], program)
                _show(f"`nova-decom {name}`, {HOSTS:,} hosts", shares(file))
    finally:
        server.stop()
    return []


def shares(file: Path) -> Counter[str]:
    """The seconds spent in the functions of each package itself."""
    found: Counter[str] = Counter()
    for (path, _line, function), (_, _, own, *_) in pstats.Stats(str(file)).stats.items():  # type: ignore[attr-defined]
        found[_place(path, function)] += own
    return found


def _place(path: str, function: str) -> str:
    if path == "~":
        return function.strip("<>").removeprefix("built-in method ").removeprefix("method ")
    if "importlib" in path:
        return "import of modules"
    match = LIBRARY.match(path) or OURS.match(path) or STANDARD.match(path)
    return match["name"].replace("/", ".") if match else path


def _show(title: str, found: Counter[str]) -> None:
    whole = sum(found.values())
    rows = [
        (f"`{name}`", f"{seconds:.2f}", f"{100 * seconds / whole:.0f} %")
        for name, seconds in found.most_common(LARGEST)
    ]
    rest = whole - sum(seconds for _, seconds in found.most_common(LARGEST))
    markdown(
        f"{title}: {whole:.1f} s of CPU under the profiler",
        ("where", "seconds", "share"),
        [*rows, ("all else", f"{rest:.2f}", f"{100 * rest / whole:.0f} %")],
    )
