# SPDX-License-Identifier: Apache-2.0
"""The collection is one as Ansible wants it."""

import subprocess
from pathlib import Path

from tests.ansible.environment import variables


def test_ansible_test_has_nothing_to_say(programs: Path, collection: Path) -> None:
    """All sanity tests of ansible-test pass: documentation fits arguments, pylint, yamllint, …

    What needs no file of ours (PowerShell, shell) passes too.
    """
    done = _run(collection, str(programs / "ansible-test"), "sanity", "--python", "3.11")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('Running sanity test "') >= 20


def test_the_collection_can_be_built_and_installed(
    programs: Path, collection: Path, tmp_path: Path
) -> None:
    """ansible-galaxy makes a tarball of it and takes that back."""
    galaxy = str(programs / "ansible-galaxy")
    built = _run(collection, galaxy, "collection", "build", "--output-path", str(tmp_path))
    assert built.returncode == 0, built.stderr

    (tarball,) = tmp_path.glob("nova_decom-compute-*.tar.gz")
    where = ("--collections-path", str(tmp_path / "installed"))
    done = _run(tmp_path, galaxy, "collection", "install", "--offline", str(tarball), *where)

    assert done.returncode == 0, done.stdout + done.stderr
    role = "ansible_collections/nova_decom/compute/roles/decommission/tasks/main.yml"
    assert (tmp_path / "installed" / role).exists()


def _run(cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
