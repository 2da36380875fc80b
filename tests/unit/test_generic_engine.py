# SPDX-License-Identifier: Apache-2.0
"""The engine asks steps and jobs by their protocol, and knows none of them by name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import nova_decom
from nova_decom.plan import jobs
from nova_decom.plan.jobs import Job
from nova_decom.registrars import REGISTRARS
from nova_decom.steps import PROCEDURE

ROOT = Path(nova_decom.__file__).parent
ENGINE = sorted(
    [
        *ROOT.glob("apply/*.py"),
        *ROOT.glob("verify/*.py"),
        *(ROOT / name for name in ("plan/planner.py", "plan/stale.py", "cli/run.py")),
        ROOT / "output" / "progress.py",
    ]
)
JOBS = {name for name, value in vars(jobs).items() if isinstance(value, Job)}
STEPS = {type(step).__name__ for job in JOBS for step in getattr(jobs, job).steps}
NAMES = {step.name for step in PROCEDURE} | {getattr(jobs, job).name for job in JOBS}


def known(tree: ast.AST) -> list[str]:
    """The places that know a step or a job: by import, by type, by identity or by name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module not in {None, "nova_decom.model.step"}:
            found += [node.module] if node.module.startswith("nova_decom.steps.") else []
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"isinstance", "type"}:
            found += [ast.unparse(node)] * any(
                isinstance(n, ast.Name) and n.id in {*STEPS, "step"} for n in ast.walk(node)
            )
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            found += [ast.unparse(node)] * any(_is_one(side) for side in sides)
    return found


def _is_one(side: ast.expr) -> bool:
    if isinstance(side, ast.Constant):
        return side.value in NAMES
    return ast.unparse(side).split(".")[-1] in JOBS


@pytest.mark.parametrize("path", ENGINE, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_engine_knows_no_step_and_no_job(path):
    """A step is one file and one line of the procedure: nothing else has to be changed for it."""
    assert known(ast.parse(path.read_text("utf-8"))) == []


def test_a_registrar_is_known_in_its_own_file_only():
    """A service that knows hosts is one file and one line of the registry."""
    others = [p for p in ROOT.rglob("*.py") if p.parent.name != "registrars"]
    found = [
        (path, node.module)
        for path in others
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        and str(node.module).startswith("nova_decom.registrars.")
    ]
    texts = {p: p.read_text("utf-8") for p in others}
    named = [(p, r.name) for p, text in texts.items() for r in REGISTRARS if f'"{r.name}"' in text]

    assert (found, named) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "from nova_decom.steps.move_servers import MoveServers",
        "isinstance(step, MoveServers)",
        "type(step) is object",
        "job is REMOVE",
        "jobs.ENABLE is not self.job",
        "step.name == 'disable-service'",
    ],
)
def test_what_would_know_one_is_found(text):
    """The test above can fail."""
    assert known(ast.parse(text)) != []
