# SPDX-License-Identifier: Apache-2.0
"""Programs of another Debian suite, unpacked with all their libraries into a directory.

apt downloads them from the machine's own mirror and verifies them by Debian's archive keys. It
works on lists, cache and status of its own, so that the machine's packages stay as they are.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.template import locked

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MINUTES = 10
#: Hooks of the machine's configuration are for the machine's own lists and packages.
CONFIGURATION = """\
Dir::State "{0}";
Dir::State::status "{0}/status";
Dir::State::extended_states "{0}/extended_states";
Dir::Cache "{0}";
Dir::Etc::SourceList "{0}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"""


@dataclass(frozen=True)
class Packages:
    """Packages of one source, in one version of a suite; ``series`` begins all its versions."""

    suite: str
    names: tuple[str, ...]
    version: str
    series: str
    #: Packages beside them, in whichever version the suite has.
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        """All that decides what is unpacked."""
        return " ".join(
            (self.suite, *(f"{name}={self.version}" for name in self.names), *self.more)
        )


@dataclass(frozen=True)
class Programs:
    """The programs below ``root``, which run with the libraries from there."""

    root: Path = Path("/")

    @property
    def are_installed(self) -> bool:
        """True for the machine's own."""
        return self.root == Path("/")

    def path(self, path: str) -> Path:
        """Where a file of a package is."""
        return self.root / path

    def argv(self, program: str) -> tuple[str, ...]:
        """The beginning of a command line."""
        if self.are_installed:
            return (f"/{program}",)
        libraries = _only(self.root, "usr/lib/*-linux-gnu*")
        loader = _only(libraries, "ld-linux*.so.*")
        return (
            *(str(loader), "--inhibit-cache", "--library-path", str(libraries)),
            str(self.root / program),
        )


def unpack(packages: Packages, directory: Path) -> Programs:
    """Download and unpack the packages below ``directory``, once."""
    root, done = directory / "root", directory / ".packages"
    with locked(directory, "root"):
        if not (done.exists() and done.read_text() == str(packages)):
            done.unlink(missing_ok=True)
            _Apt(directory / "apt", packages.suite).unpack(packages, root)
            done.write_text(str(packages))
    return Programs(root)


class _Apt:
    """apt with a directory of its own, which knows one suite, and of no installed package."""

    def __init__(self, directory: Path, suite: str) -> None:
        self._directory = directory
        self._suite = suite
        self._configuration = directory / "apt.conf"

    def unpack(self, packages: Packages, root: Path) -> None:
        self._prepare()
        try:
            self._run("apt-get", "-qq", "update")
            version = self._version(packages)
            wanted = [f"{name}={version}" for name in packages.names]
            download = ("install", "--download-only", "--yes")
            self._run("apt-get", "-qq", *download, *wanted, *packages.more)
            shutil.rmtree(root, ignore_errors=True)
            for archive in sorted((self._directory / "archives").glob("*.deb")):
                _run(["dpkg-deb", "--extract", str(archive), str(root)])
        finally:
            shutil.rmtree(self._directory)

    def _prepare(self) -> None:
        if not KEYRING.exists():
            raise LabError(f"{KEYRING} is missing: apt-get install debian-archive-keyring")
        shutil.rmtree(self._directory, ignore_errors=True)
        for name in ("lists/partial", "archives/partial"):
            (self._directory / name).mkdir(parents=True)
        (self._directory / "status").touch()
        self._configuration.write_text(CONFIGURATION.format(self._directory))
        source = f"deb [signed-by={KEYRING}] {mirror()} {self._suite} main\n"
        (self._directory / "sources.list").write_text(source)

    def _version(self, packages: Packages) -> str:
        # PACKAGE | VERSION | SOURCE, the newest first.
        lines = self._run("apt-cache", "madison", packages.names[0]).splitlines()
        return choose_version(packages, [line.split("|")[1].strip() for line in lines])

    def _run(self, program: str, *arguments: str) -> str:
        return _run([program, "-c", str(self._configuration), *arguments])


def choose_version(packages: Packages, available: Sequence[str]) -> str:
    """The pinned version, or the newest of its series, which stderr is then told of.

    ``available`` has the newest first.
    """
    if packages.version in available:
        return packages.version
    what = f"{packages.names[0]} {packages.version}"
    newest = next((v for v in available if v.startswith(packages.series)), None)
    if newest is None:
        raise LabError(
            f"Debian {packages.suite} has neither {what} nor another {packages.series}*; "
            f"it has: {', '.join(available) or 'none'}"
        )
    print(
        f"Debian {packages.suite} no longer has {what}: "
        f"{newest}, the newest of {packages.series}*, is used",
        file=sys.stderr,
    )
    return newest


def mirror() -> str:
    """The mirror from which the machine's own apt has the suite that the machine runs."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    uris = _run(["apt-get", "update", "--print-uris"])
    found = re.search(rf"^'(\S+)/dists/{suite}/InRelease'", uris, re.MULTILINE)
    if found is None:
        raise LabError(f"apt's sources name no mirror of Debian {suite}:\n{uris}")
    return found[1]


def _run(argv: Sequence[str]) -> str:
    done = subprocess.run(
        argv,
        env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=MINUTES * 60,
    )
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def _only(directory: Path, pattern: str) -> Path:
    found = list(directory.glob(pattern))
    if len(found) != 1:
        raise LabError(f"{directory} has {len(found)} of {pattern}, not one")
    return found[0]
