# SPDX-License-Identifier: Apache-2.0
"""The builds that are measured: this checkout, and the first complete one of long ago."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
COMMIT = "cdbce4f"


@dataclass(frozen=True)
class Build:
    """A checkout and the Python that has its dependencies."""

    python: str
    tree: Path

    @property
    def program(self) -> str:
        return str(Path(self.python).parent / "nova-decom")


TODAY = Build(sys.executable, CHECKOUT)


def before(cache: Path) -> Build:
    """The build of :data:`COMMIT`, from this repository, in an environment of its own."""
    place = cache / f"build-{COMMIT}"
    tree, venv, ready = place / "tree", place / "venv", place / "ready"
    build = Build(str(venv / "bin" / "python"), tree)
    if not ready.exists():
        tree.mkdir(parents=True, exist_ok=True)
        archive = subprocess.run(
            ["git", "archive", COMMIT], cwd=CHECKOUT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", str(tree)], input=archive.stdout, check=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([build.python, "-m", "pip", "install", "-q", str(tree)], check=True)
        ready.touch()
    return build
