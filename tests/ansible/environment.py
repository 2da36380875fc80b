# SPDX-License-Identifier: Apache-2.0
"""ansible-core in an environment of its own: what it needs is not what the program needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
VENV = CHECKOUT / ".venv-ansible"
READY = VENV / ".ready"
#: ansible-test fetches this from a site of Ansible's own; what it does is install pip.
GET_PIP = """\
import subprocess, sys
if __name__ == "__main__":
    subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
    wanted = [word for word in sys.argv[1:] if not word.startswith("--no-")]
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *wanted])
"""


def ansible() -> Path:
    """The directory of ansible's programs; installs them when they are missing or old."""
    told = CHECKOUT / "pyproject.toml"
    if not READY.exists() or READY.stat().st_mtime < told.stat().st_mtime:
        uv = str(Path(sys.executable).parent / "uv")
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV))
        python = str(VENV / "bin" / "python")
        group = f"{told}:ansible"
        _run(uv, "pip", "install", "--quiet", "--python", python, "--group", group)
        _prepare_home()
        READY.touch()
    return VENV / "bin"


def variables() -> dict[str, str]:
    """An environment with nothing in it of whoever runs the tests."""
    home = VENV / "home"
    return {"PATH": f"{VENV / 'bin'}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8"}


def install_collection(root: Path) -> Path:
    """Copy the collection to where Ansible looks for it below this directory."""
    place = root / "ansible_collections" / "nova_decom" / "compute"
    shutil.copytree(CHECKOUT / "ansible", place)
    return place


def _prepare_home() -> None:
    """ansible-test clears the environment before it calls pip, so pip's settings go to a file."""
    home = VENV / "home"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "get_pip_24_2.py").write_text(GET_PIP)
    settings = [
        f"{name.removeprefix('PIP_').lower().replace('_', '-')} = {value}"
        for name, value in os.environ.items()
        if name.startswith("PIP_")
    ]
    config = home / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("\n".join(["[global]", *settings, ""]))
    config.chmod(0o600)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
