# SPDX-License-Identifier: Apache-2.0
"""The service and the timer, as systemd judges them; no systemd runs here."""

import configparser
import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot

UNITS = Path(__file__).parents[2] / "contrib" / "systemd"
#: From 0 (good) to 10; a service of root that may use the network cannot have 0.
EXPOSURE = 2.0
PR_SET_MDWE = 65


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is here."""
    for unit in UNITS.iterdir():
        text = unit.read_text("utf-8").replace("/usr/bin/nova-decom", sys.executable)
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    if shutil.which("systemd-analyze") is None:
        pytest.fail("systemd-analyze is missing: make packages")
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_systemd_takes_the_units_as_they_are(units: Path) -> None:
    """No unknown key, no value out of place, no missing unit."""
    names = [str(units / f"nova-decom-audit.{kind}") for kind in ("service", "timer")]

    done = analyze("verify", "--man=no", *names)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_service_can_do_little_harm(units: Path) -> None:
    """systemd's own measure of exposure stays low."""
    unit = str(units / "nova-decom-audit.service")
    threshold = f"--threshold={EXPOSURE * 10:.0f}"

    done = analyze("security", "--offline=true", "--no-pager", threshold, unit)

    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overall exposure level" in done.stdout + done.stderr


def test_the_service_runs_what_exists() -> None:
    """Its command line is one that the program takes."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / "nova-decom-audit.service")
    program, *words = parser["Service"]["ExecStart"].split()
    assert program == "/usr/bin/nova-decom"

    here = [sys.executable, "-m", "nova_decom", *words, "--help"]
    assert subprocess.run(here, capture_output=True, check=False).returncode == 0


@pytest.mark.lab
def test_root_without_its_powers_can_audit(
    decom: NovaDecom, snapshot: Snapshot, tmp_path: Path
) -> None:
    """No capability, no new privilege, no memory both writable and executable: as in the unit."""
    before = snapshot.checksums()
    decom.state_dir.mkdir(mode=0o700)
    program = [sys.executable, "-m", "nova_decom", "audit", "--quiet", "--detailed-exitcode"]
    lessen = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
    environment = decom.lab.env() | {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "STATE_DIRECTORY": str(decom.state_dir),
    }

    done = subprocess.run(
        [*lessen, *program],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=_no_executable_memory,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert snapshot.checksums() == before


def _no_executable_memory() -> None:
    """What MemoryDenyWriteExecute= asks of the kernel, where it can (Linux 6.3)."""
    ctypes.CDLL(None).prctl(PR_SET_MDWE, 1, 0, 0, 0)
