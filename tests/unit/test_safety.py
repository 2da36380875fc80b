# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that a reader cannot check by looking at one file."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import nova_decom

ROOT = Path(nova_decom.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TESTS = Path(__file__).parents[1]
EACH = pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
#: Where a bug is caught: it ends the program with a report, one host of several, or a display.
BROAD_EXCEPTS = {
    "cli/main.py": 2,
    "cli/run.py": 1,
    "cli/restore.py": 1,
    "apply/executor.py": 1,
    "apply/change_runner.py": 1,
    "clients/lock_service.py": 1,
    "restore/executor.py": 1,
    "output/progress.py": 1,
}
BROAD = {"Exception", "BaseException"}
#: Exact names of a server's own variables; no row of nova's is ever looked for like this.
SHOW = re.compile(r"SHOW (VARIABLES|STATUS) LIKE '[A-Za-z_]+'")


def name_of(path):
    """The file as messages name it."""
    return path.relative_to(ROOT).as_posix()


def nodes(path, *kinds):
    """The nodes of these kinds in the file's syntax tree."""
    return [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, kinds)]


def is_broad(handler):
    """True when it catches everything."""
    if handler.type is None:
        return True
    return any(isinstance(n, ast.Name) and n.id in BROAD for n in ast.walk(handler.type))


def raises_again(handler):
    """True when it only tidies up: what was caught goes on as it came."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@EACH
def test_nothing_is_swallowed(path):
    """A bug becomes an exit code, or the report of its host; elsewhere everything is named."""
    broad = [h for h in nodes(path, ast.ExceptHandler) if is_broad(h) and not raises_again(h)]

    assert len(broad) == BROAD_EXCEPTS.get(name_of(path), 0)


@EACH
def test_a_dry_run_is_no_mode_of_the_code(path):
    """Outside the command line nobody asks for it: a dry run has clients unable to write."""
    if name_of(path).startswith("cli/"):
        return
    tests = [n.test for n in nodes(path, ast.If, ast.IfExp, ast.While, ast.Assert)]
    words = {
        word
        for test in tests
        for node in ast.walk(test)
        for word in (
            getattr(node, "id", ""),
            getattr(node, "attr", ""),
            getattr(node, "value", ""),
        )
        if isinstance(word, str)
    }

    assert "dry_run" not in words


def docstrings(path):
    """The nodes that are documentation."""
    bodies = nodes(path, ast.Module, ast.ClassDef, ast.FunctionDef)
    first = [n.body[0] for n in bodies if n.body]
    return {id(n.value) for n in first if isinstance(n, ast.Expr)}


@EACH
def test_no_host_is_ever_looked_for_by_a_pattern(path):
    """Neither LIKE, nor a regular expression of SQL, nor nova's search by hostname pattern."""
    prose = docstrings(path)
    texts = [
        SHOW.sub("", n.value)
        for n in nodes(path, ast.Constant)
        if isinstance(n.value, str) and id(n) not in prose
    ]

    assert [t for t in texts if re.search(r"\bLIKE\b|\bREGEXP\b|\bRLIKE\b", t)] == []
    assert [
        t for t in texts if "hypervisor_hostname_pattern" in t or "/os-hypervisors/%" in t
    ] == []


@EACH
def test_only_settings_read_the_environment(path):
    """Every other part is told."""
    readers = [n for n in nodes(path, ast.Attribute) if n.attr in {"environ", "getenv"}]

    assert readers == [] or name_of(path) == "cli/settings.py"


@EACH
def test_only_main_ends_the_process(path):
    """Below it, errors are raised."""
    exits = [
        n
        for n in nodes(path, ast.Call, ast.Raise)
        if re.match(r"(raise )?(sys\.exit|SystemExit|os\._exit|exit|quit)\b", ast.unparse(n))
    ]

    # The second one is for threads that a library has left behind.
    assert len(exits) == (2 if name_of(path) == "cli/main.py" else 0)


@EACH
def test_only_main_and_output_write_to_the_streams(path):
    """``print`` would put text on stdout that is no result."""
    prints = [n for n in nodes(path, ast.Call) if isinstance(n.func, ast.Name)]

    assert not [n for n in prints if n.func.id == "print"]


@pytest.mark.parametrize(
    "path",
    [p for p in (*FILES, *sorted(TESTS.rglob("*.py"))) if p.stat().st_size],
    ids=lambda p: "/".join(p.parts[-3:]),
)
def test_every_file_names_its_licence(path):
    """In its first line."""
    assert path.read_text("utf-8").splitlines()[0] == "# SPDX-License-Identifier: Apache-2.0"
