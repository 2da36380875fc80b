# SPDX-License-Identifier: Apache-2.0
"""Hooks of real runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nova_decom.clients.host import hook_runner as client
from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot

TELL = 'echo "$NOVA_DECOM_HOOK $NOVA_DECOM_HOST $NOVA_DECOM_STEP $NOVA_DECOM_STATUS" >>'


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory of hooks that all write one line; those of on-step fail as well."""
    path = tmp_path / "hooks.d"
    path.mkdir(mode=0o755)
    for name in ("on-start", "on-step", "on-success", "on-failure"):
        fails = "exit 1" if name == "on-step" else ""
        (path / name).write_text(f"#!/bin/sh\n{TELL}{tmp_path}/told\n{fails}\n")
        (path / name).chmod(0o755)
    return path


def test_hooks_are_told_what_goes_on_and_change_nothing(
    decom: NovaDecom, hosts: Hosts, directory: Path, tmp_path: Path
) -> None:
    """Start, each change, the end; that one of them fails is a warning."""
    hosts.start("hook1")

    ran = decom.remove("hook1", "--hooks", str(directory))

    assert (ran.code, ran.host["result"]) == (0, "removed"), ran.err
    assert (tmp_path / "told").read_text().splitlines() == [
        "on-start hook1  ",
        "on-step hook1 disable-service done",
        "on-step hook1 stop-service done",
        "on-step hook1 stop-service done",
        "on-step hook1 delete-service done",
        "on-step hook1 purge-rows done",
        "on-success hook1  removed",
    ]
    assert ran.err.count("the hook on-step failed: ") == 5


def test_on_start_may_refuse(
    decom: NovaDecom, hosts: Hosts, directory: Path, snapshot: Snapshot, tmp_path: Path
) -> None:
    """Exit 4 with what it said; nothing is changed, and nobody is told of an end."""
    hosts.start("hook2")
    (directory / "on-start").write_text("#!/bin/sh\necho 'not on a friday'\nexit 1\n")
    before = snapshot.rows_of("hook2")

    ran = decom.remove("hook2", "--hooks", str(directory))

    assert (ran.code, ran.host["result"], ran.json["changed"]) == (4, "refused", False)
    assert "not on a friday" in ran.host["error"]["message"]
    assert snapshot.rows_of("hook2") == before
    assert not (tmp_path / "told").exists()


def test_hooks_that_others_could_change_are_refused(decom: NovaDecom, directory: Path) -> None:
    """Before anything is done; a dry run calls none and asks for none."""
    directory.chmod(0o777)

    ran = decom.remove("node2", "--hooks", str(directory))

    assert ran.code == 2
    assert "can be written by others" in ran.err + ran.out
    assert decom("plan", "node2").code == 0
    assert Path("/etc/nova-decom/hooks.d") == client.USUAL
