# SPDX-License-Identifier: Apache-2.0
"""Imports go one way, and each library has one door."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import nova_decom

ROOT = Path(nova_decom.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

#: Each layer may import itself and what stands above it, and why it stands where it does.
LAYERS = (
    (("errors",), "what can go wrong needs nothing"),
    (("model",), "values know no function that works on them"),
    (("waiting",), "time, and failures of waiting"),
    (("moving",), "pure; how servers leave, which guards ask and a step does"),
    (("claims",), "words and times; guards, steps and settings use them"),
    (("guards",), "pure questions about values"),
    (("facts",), "pure; what was read of the cloud, and one host's share of it"),
    (("steps", "leftovers", "readd", "audit"), "pure; a step sees the cloud only as a protocol"),
    (
        (
            "procedure",
            "execution",
            "holding",
            "looking",
            "pace",
            "together",
            "journal",
            "locks",
            "planfile",
            "records",
            "restore",
            "sqlfile",
            "telling",
            "hostnames",
            "timeline",
        ),
        "what derives from the steps",
    ),
    (("hooks",), "observes an execution; it calls programs only through a function"),
    (("clients",), "the outside; the procedure must run without it"),
    (("output",), "shows reports; nothing below knows that anybody looks"),
    (("settings", "bugreport"), "options and environment; nothing below reads them"),
    (("cli", "__main__"), "the composition root: builds the real things and hands them down"),
    (("osc",), "another skin of the same commands"),
)
#: The only packages that may import a library, and why.
DOORS = {
    "openstack": (("clients",), "slow to import, and a test without it needs no cloud"),
    "keystoneauth1": (("clients",), "as openstack"),
    "pymysql": (("clients",), "no SQL leaves by another way than a guarded transaction"),
    "sqlalchemy": (("clients",), "URLs of databases are read in nova's own grammar"),
    "oslo_config": (("clients",), "nova.conf is read as nova reads it"),
    "rich": (("output",), "foreign text passes one place where it is made harmless"),
    "tooz": (("clients",), "an extra, and nothing relies on it"),
    "prometheus_client": (("output",), "an extra, asked for before anything is done"),
    "yaml": (("output",), "as rich; only when asked for"),
    "tenacity": (("waiting",), "one policy of retrying, one clock"),
    "click": (("cli", "osc"), "no function below the command line asks or exits"),
    "osc_lib": (("osc",), "an extra; only openstack itself imports what is there"),
    "platformdirs": (("settings",), "the only reader of the environment"),
}
LEVEL = {part: level for level, (parts, _) in enumerate(LAYERS) for part in parts}


def part_of(path):
    """The part of the package that a file belongs to; the package itself is on top."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "__main__" if first == "__init__" else first


def imports_of(path):
    """Every module that the file names in an import, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module
            if node.module == "nova_decom":
                yield from (f"nova_decom.{alias.name}" for alias in node.names)


def each_module():
    """A readable name for each file."""
    return pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))


@each_module()
def test_every_file_has_its_layer(path):
    """A new part of the package has to be given a place."""
    assert part_of(path) in LEVEL


@each_module()
def test_imports_go_one_way(path):
    """Nothing imports a layer below itself in the table."""
    ours = [n.split(".")[1] for n in imports_of(path) if n.startswith("nova_decom.")]

    assert [n for n in ours if LEVEL[n] > LEVEL[part_of(path)]] == []


@each_module()
def test_each_library_has_its_door(path):
    """Everything that is not of Python itself is imported by the parts named, and no other."""
    tops = {name.split(".")[0] for name in imports_of(path)}
    foreign = tops - set(sys.stdlib_module_names) - {"nova_decom"}

    assert [n for n in sorted(foreign) if part_of(path) not in DOORS.get(n, ((), ""))[0]] == []


def test_the_table_of_doors_names_nothing_that_is_not_used():
    """A library that is gone leaves the table too."""
    used = {name.split(".")[0] for path in MODULES for name in imports_of(path)}

    assert set(DOORS) <= used
