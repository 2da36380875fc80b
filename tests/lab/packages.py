# SPDX-License-Identifier: Apache-2.0
"""Packages of this machine's own Debian, unpacked into a directory and never installed.

Their maintainer scripts would start daemons. Packages of another suite, with all their libraries,
are for :mod:`tests.database.servers.debian`.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.template import locked


def unpacked(directory: Path, packages: Sequence[str]) -> Path:
    """The root below ``directory`` in which the packages are unpacked, once."""
    root, done = directory / "root", directory / ".packages"
    with locked(directory, "root"):
        if not (done.exists() and done.read_text() == "\n".join(packages)):
            _download(directory, packages)
            for package in sorted(directory.glob("*.deb")):
                _run(directory, "dpkg-deb", "-x", str(package), str(root))
                package.unlink()
            done.write_text("\n".join(packages))
    return root


def _download(directory: Path, packages: Sequence[str]) -> None:
    """Download the packages; an image of a machine may lack apt's lists, or have old ones."""
    try:
        _run(directory, "apt-get", "-qq", "download", *packages)
    except LabError:
        _run(directory, "apt-get", "-qq", "update")
        _run(directory, "apt-get", "-qq", "download", *packages)


def _run(directory: Path, *argv: str) -> None:
    done = subprocess.run(
        argv, cwd=directory, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise LabError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
