# SPDX-License-Identifier: Apache-2.0
"""At a terminal: the plan, the prompt, live progress, Ctrl-C."""

import os
import signal
from collections.abc import Callable
from typing import TypeAlias

import pexpect
import pytest

from tests.cli.conftest import Hosts
from tests.cli.run import PROGRAM, NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab

Terminal: TypeAlias = Callable[..., pexpect.spawn]
PROMPT = "type the host name to remove: "


@pytest.fixture
def terminal(lab: Lab, decom: NovaDecom) -> Terminal:
    """Starts the program at a terminal of 100 columns."""

    def start(*arguments: str) -> pexpect.spawn:
        environment = dict(os.environ) | lab.env() | {"TERM": "xterm-256color"}
        environment |= {"NOVA_DECOM_STATE_DIR": str(decom.state_dir)}
        return pexpect.spawn(
            str(PROGRAM),
            list(arguments),
            env=environment,
            encoding="utf-8",
            timeout=60,
            dimensions=(50, 100),
        )

    return start


def _end(child: pexpect.spawn) -> int:
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus)


def test_the_plan_is_shown_and_the_name_must_be_typed(
    terminal: Terminal, snapshot: Snapshot
) -> None:
    """Anything but the host's name changes nothing: exit 13."""
    before = snapshot.checksums()
    for answer in ("y", "node1", ""):
        child = terminal("remove", "node2")
        child.expect("DELETE FROM services WHERE id IN")
        child.expect_exact(PROMPT)
        child.sendline(answer)
        assert _end(child) == 13
    child = terminal("remove", "node2")
    child.expect_exact(PROMPT)
    child.sendintr()
    assert _end(child) == 13
    assert snapshot.checksums() == before


def test_a_typed_name_removes_with_live_progress(
    terminal: Terminal, hosts: Hosts, snapshot: Snapshot
) -> None:
    """Each change is ticked off; the wait shows what is waited for."""
    hosts.start("typed1")
    (hosts.directory("typed1") / "no_pgrep").touch()
    child = terminal("remove", "typed1", "--settle", "2")
    child.expect_exact(PROMPT)
    child.sendline("typed1")
    child.expect("✓ .*disable-service")
    child.expect("must not change")
    child.expect("✓ .*purge-rows")
    child.expect("typed1.*removed")
    assert _end(child) == 0
    assert snapshot.traces_of("typed1") == set()


def test_an_audit_that_finds_nothing_says_so(terminal: Terminal) -> None:
    """Somebody who looks must not wonder whether it looked."""
    child = terminal("audit")
    child.expect_exact("no leftovers found")
    assert _end(child) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_at_the_next_safe_point(
    terminal: Terminal, hosts: Hosts, snapshot: Snapshot, number: int, code: int
) -> None:
    """What was begun is told, nothing further is deleted, and running again goes on."""
    name = f"halted{code}"
    hosts.start(name)
    (hosts.directory(name) / "no_pgrep").touch()
    child = terminal("remove", name, "--yes", "--report-interval", "30")
    child.expect("must not change")
    child.kill(number)
    child.expect("interrupted")
    assert _end(child) == code
    assert snapshot.hosts_in("services").count(name) == 1

    child = terminal("remove", name, "--yes", "--settle", "0")
    assert _end(child) == 0
    assert snapshot.traces_of(name) == set()
