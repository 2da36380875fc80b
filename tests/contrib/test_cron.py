# SPDX-License-Identifier: Apache-2.0
"""The crontab line, as cron runs it: no terminal, no profile, five variables."""

import fcntl
import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.cli.run import PROGRAM
from tests.cli.snapshot import Snapshot
from tests.lab import Lab

pytestmark = pytest.mark.lab

CHECKOUT = Path(__file__).parents[2]
CRONTAB = CHECKOUT / "contrib" / "cron" / "nova-decom-audit"
ASSIGNMENT = re.compile(r"^([A-Z_]+)=(.*)$")
SCHEDULE = re.compile(r"^17 4 \* \* \* root (.*)$")


@dataclass(frozen=True)
class Cron:
    """What cron does with a line: its output, if there is any, is a mail."""

    root: Path
    environment: dict[str, str]
    line: str

    def __call__(self) -> str:
        """The mail; empty when none is sent."""
        done = subprocess.run(
            [
                *("env", "-i", *(f"{k}={v}" for k, v in self.environment.items())),
                *(self.environment["SHELL"], "-c", self.line),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.root,
            timeout=120,
            check=False,
            start_new_session=True,
        )
        return done.stdout

    @property
    def lock(self) -> Path:
        return self.root / "lock"


@pytest.fixture
def cron(lab: Lab, tmp_path: Path) -> Cron:
    """The crontab of ``contrib/`` on a machine that has what the documentation says it needs."""
    home, programs = tmp_path / "home", tmp_path / "bin"
    programs.mkdir()
    (programs / "nova-decom").symlink_to(PROGRAM)
    clouds = yaml.safe_load(lab.clouds_yaml.read_text("utf-8"))
    clouds["clouds"]["production"] = clouds["clouds"].pop(lab.cloud)
    clouds["nova-decom"]["state_dir"] = str(tmp_path / "state")
    config = home / ".config" / "openstack" / "clouds.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(yaml.safe_dump(clouds))
    user = pwd.getpwuid(os.getuid()).pw_name
    environment = {"LOGNAME": user, "USER": user, "HOME": str(home)}
    line = ""
    for text in CRONTAB.read_text("utf-8").splitlines():
        if found := ASSIGNMENT.match(text):
            environment[found[1]] = found[2].replace("/usr/local/bin", str(programs))
        if found := SCHEDULE.match(text):
            line = found[1].replace("/run/lock/nova-decom-audit", str(tmp_path / "lock"))
    assert line
    return Cron(tmp_path, environment, line)


@pytest.fixture
def ghost(lab: Lab) -> Iterator[str]:
    """A host mapping without a host."""
    with lab.sql("nova_api") as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO host_mappings (created_at, cell_id, host) "
            "SELECT UTC_TIMESTAMP(), cell_id, 'ghost-cron' FROM host_mappings LIMIT 1"
        )
    yield "ghost-cron"
    lab.purge_host("ghost-cron")


def test_the_documentation_shows_this_crontab() -> None:
    """Line by line, but for the comments."""
    lines = [x for x in CRONTAB.read_text("utf-8").splitlines() if not x.startswith("#")]
    shown = (CHECKOUT / "docs" / "unattended.md").read_text("utf-8")

    assert "```text\n" + "\n".join(lines) + "\n```" in shown


def test_a_cloud_in_order_is_no_mail(cron: Cron, snapshot: Snapshot) -> None:
    """Nothing is said, and nothing is changed."""
    before = snapshot.checksums()

    assert cron() == ""
    assert snapshot.checksums() == before


def test_what_is_left_is_a_mail_with_its_cure(cron: Cron, ghost: str) -> None:
    """A table that a mail can carry: no colour, no line too long for SMTP."""
    mail = cron()

    head, line = mail.splitlines()
    assert head.split() == ["host", "kind", "target", "detail", "remedy"]
    assert line.split()[:3] == [ghost, "host-mapping", ghost]
    assert line.rstrip().endswith(f"nova-decom remove {ghost}")
    assert "\x1b" not in mail
    assert max(map(len, mail.splitlines())) < 998


def test_two_nights_never_overlap(cron: Cron, ghost: str) -> None:
    """While last night's holds the lock nothing runs, and nothing is said."""
    with cron.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert cron() == ""

    assert ghost in cron()


def test_a_wrong_cloud_is_a_mail_that_says_what_to_do(cron: Cron) -> None:
    """Silence means that all is well, never that nothing was looked at."""
    cron.environment["OS_CLOUD"] = "nowhere"

    assert_helpful(cron(), "nowhere")


def test_a_cloud_that_does_not_answer_is_a_mail(cron: Cron) -> None:
    """It names what was tried."""
    config = Path(cron.environment["HOME"]) / ".config" / "openstack" / "clouds.yaml"
    clouds = yaml.safe_load(config.read_text("utf-8"))
    clouds["clouds"]["production"]["auth"]["auth_url"] = "http://127.0.0.1:9/v3"
    config.write_text(yaml.safe_dump(clouds))

    assert_helpful(cron(), "127.0.0.1:9")


def assert_helpful(mail: str, says: str) -> None:
    assert mail.startswith("error: ")
    assert says in mail
    assert "→" in mail
    assert "Traceback" not in mail
