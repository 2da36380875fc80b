# SPDX-License-Identifier: Apache-2.0
"""The folders of nova_decom, what each may import, and the graph: ``python -m tests.layers``."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import nova_decom

ROOT = Path(nova_decom.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

#: A folder imports only itself and the folders above it, for this reason.
LAYERS = (
    (("exit_codes", "clock"), "numbers and time need nothing"),
    (("errors",), "each kind of failure has its exit code"),
    (("model", "retry"), "values; retrying raises errors"),
    (("moves", "state"), "pure rules of moving a server; our own files"),
    (("registrars",), "the services beside nova: facts, guards and steps of each"),
    (("guards", "steps"), "pure questions about the values"),
    (("plan",), "a plan asks the steps and the guards"),
    (("verify",), "verification is a plan that must be empty"),
    (("apply",), "carries out a plan and verifies"),
    (("restore", "output"), "restore applies changes too; output shows reports"),
    (("clients",), "the network; everything above runs without it"),
    (("cli", "__main__"), "builds the real clients and hands them down"),
    (("osc",), "the same commands in another client"),
)
#: The only folders that may import a library, and why.
DOORS = {
    "openstack": (("clients",), "slow to import, and a test without it needs no cloud"),
    "keystoneauth1": (("clients",), "as openstack"),
    "pymysql": (("clients",), "SQL leaves only in a guarded transaction"),
    "sqlalchemy": (("clients",), "URLs of databases are read in nova's own grammar"),
    "oslo_config": (("clients",), "nova.conf is read as nova reads it"),
    "rich": (("output",), "foreign text passes one place where it is made harmless"),
    "tooz": (("clients",), "an extra"),
    "prometheus_client": (("output",), "an extra, asked for before anything is done"),
    "yaml": (
        ("output", "clients", "cli"),
        "clouds.yaml is checked, and its clouds completed; output only when asked for",
    ),
    "tenacity": (("retry",), "one policy of retrying, one clock"),
    "click": (("cli", "osc"), "only the command line asks and exits"),
    "osc_lib": (("osc",), "an extra; only openstack itself imports what is there"),
    "platformdirs": (("cli",), "the only reader of the environment"),
}
LEVEL = {part: level for level, (parts, _) in enumerate(LAYERS) for part in parts}


def part_of(path: Path) -> str:
    """The folder, or the file at the top, that a module belongs to."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "__main__" if first == "__init__" else first


def imports_of(path: Path) -> list[str]:
    """Every module that the file names in an import, inside functions too."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.append(str(node.module))
            if node.module == "nova_decom":
                found += [f"nova_decom.{alias.name}" for alias in node.names]
    return found


def own_imports_of(path: Path) -> list[str]:
    """The folders of nova_decom that the file imports, one for each import."""
    return [name.split(".")[1] for name in imports_of(path) if name.startswith("nova_decom.")]


def graph() -> dict[str, Counter[str]]:
    """The number of imports from each folder to each other one."""
    found: dict[str, Counter[str]] = {part: Counter() for part in LEVEL}
    for path in MODULES:
        part = part_of(path)
        found[part].update(name for name in own_imports_of(path) if name != part)
    return found


def main() -> None:
    """Print each folder with the folders that it imports, the outermost first."""
    edges = graph()
    for parts, why in reversed(LAYERS):
        for part in parts:
            to = sorted(edges[part].items(), key=lambda item: -LEVEL[item[0]])
            names = ", ".join(f"{name} {number}" for name, number in to) or "-"
            print(f"{part:<11} -> {names}\n{'':<14} {why}")


if __name__ == "__main__":
    main()
