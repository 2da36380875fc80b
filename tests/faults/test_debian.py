# SPDX-License-Identifier: Apache-2.0
"""The Debian package on a bare Debian: installed, used, upgraded and purged."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.shapes import HOST
from tests.lab.layout import Layout
from tests.lab.template import locked

CHECKOUT = Path(__file__).parents[2]
CACHE = Layout.of(CHECKOUT / ".lab").cache_root / "debian"
SUITE = "bookworm"
PACKAGES = "python3,openssh-client,ca-certificates,man-db,bash-completion"
AS_ROOT = () if os.geteuid() == 0 else ("sudo",)
#: Directories that dpkg itself writes to.
OF_DPKG = ("var/lib/dpkg/", "var/log/", "var/cache/")
KEPT = "var/lib/nova-decom/"
#: Of stevedore, a library of openstacksdk, in the home of the user.
CACHED = "root/.cache/"
COMPLETE = """
source /usr/share/bash-completion/bash_completion
source /usr/share/bash-completion/completions/nova-decom
COMP_WORDS=(nova-decom rem) COMP_CWORD=1
_nova_decom_completion nova-decom
printf '%s\\n' "${COMPREPLY[@]}"
"""


def called(*command: str, code: int = 0) -> str:
    """The output of a command that ends with this code; the test itself is bounded."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Machine:
    """A Debian in a directory."""

    root: Path

    def run(self, *command: str, code: int = 0) -> str:
        """What a command prints there, with the environment of a login."""
        environment = ("env", "-i", "PATH=/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8", "HOME=/root")
        return called(*AS_ROOT, "chroot", str(self.root), *environment, *command, code=code)

    def install(self, package: Path) -> str:
        called(*AS_ROOT, "cp", str(package), str(self.root / "root" / "package.deb"))
        said = self.run("dpkg", "--force-unsafe-io", "--install", "/root/package.deb")
        self.run("rm", "/root/package.deb")
        return said

    def write(self, path: str, text: str) -> None:
        self.run("mkdir", "-p", str(Path(path).parent))
        self.run("sh", "-c", 'printf %s "$1" >"$2"', "sh", text, path)

    def files(self) -> set[str]:
        """All paths but dpkg's own."""
        found = self.run("find", "/", "-xdev", "-printf", "%P\n").splitlines()
        return {path for path in found if not path.startswith(OF_DPKG)}


@pytest.fixture
def machine(tmp_path):
    """A minimal Debian of this test's own, unpacked from the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / f"{SUITE}-{PACKAGES.replace(',', '-')}.tar"
    with locked(CACHE, "unpack"):
        if not archive.exists():
            scratch = archive.with_suffix(".new.tar")
            options = ("--quiet", "--variant=minbase", f"--include={PACKAGES}")
            called("mmdebstrap", *options, SUITE, str(scratch), "http://deb.debian.org/debian")
            scratch.rename(archive)
    root = tmp_path / "root"
    root.mkdir()
    called(*AS_ROOT, "tar", "--extract", "--numeric-owner", f"--file={archive}", f"-C{root}")
    yield Machine(root)
    called(*AS_ROOT, "rm", "-r", str(root))


@pytest.fixture
def package():
    """What ``make deb`` makes."""
    called("make", "-C", str(CHECKOUT), "--no-print-directory", "deb")
    return max((CHECKOUT / "dist").glob("nova-decom_*.deb"), key=lambda p: p.stat().st_mtime)


@pytest.fixture
def older(package, tmp_path):
    """The same as an older version, with a module that the new one no longer has."""
    tree, made = tmp_path / "tree", tmp_path / "older.deb"
    called("dpkg-deb", "--raw-extract", str(package), str(tree))
    control = tree / "DEBIAN" / "control"
    version = next(x for x in control.read_text().splitlines() if x.startswith("Version: "))
    control.write_text(control.read_text().replace(version, "Version: 0.0.0~older"))
    (tree / "opt/nova-decom/lib/nova_decom/gone.py").touch()
    called("dpkg-deb", "--build", "--root-owner-group", "-Znone", str(tree), str(made))
    return made


@pytest.mark.timeout(280)
def test_the_package_from_a_bare_machine_to_a_clean_one(cloud, machine, package, older):
    """It begins a removal; journals and settings outlive an upgrade, the journals also a purge."""
    bare = machine.files()
    assert "nova-decom doctor" in machine.install(older)
    assert "Undo a run" in machine.run("man", "nova-decom-restore")
    assert machine.run("bash", "-c", COMPLETE).split() == ["remove"]

    clouds = json.loads((cloud.site.directory / "clouds.yaml").read_text())
    clouds["nova-decom"] = {"api_db_url": cloud.site.server.url("nova_api")}
    machine.write("/etc/openstack/clouds.yaml", json.dumps(clouds))
    machine.write("/etc/default/nova-decom", "OS_CLOUD=scripted\n")
    said = machine.run("nova-decom", "--os-cloud", "scripted", "drain", HOST, "--yes")
    assert f"nova-decom enable {HOST}" in said
    assert cloud.writes

    machine.install(package)
    assert machine.run("cat", "/etc/default/nova-decom") == "OS_CLOUD=scripted\n"
    assert not [path for path in machine.files() if path.endswith("/gone.py")]
    assert HOST in machine.run("nova-decom", "runs", "last")

    said = machine.run("dpkg", "--purge", "nova-decom")
    left = machine.files() - bare - {"etc/openstack", "etc/openstack/clouds.yaml"}
    assert "the journals in /var/lib/nova-decom are kept" in said
    assert left
    assert [path for path in left if not f"{path}/".startswith((KEPT, CACHED))] == []
