# SPDX-License-Identifier: Apache-2.0
"""At a terminal: a signal while nova takes its time for a change."""

import os
import signal

import pexpect
import pytest

from tests.chaos.shapes import HOST
from tests.cli.run import PROGRAM
from tests.faults import proxy
from tests.faults.proxy import Rule
from tests.faults.test_removal import WRITES

#: Seconds that nova takes; what is printed at once comes long before.
SLOW = 8.0


@pytest.fixture
def terminal(cloud):
    """A removal at a terminal, which waits for nova to disable the service."""
    cloud.proxy.play(Rule(WRITES["disable"], proxy.late(SLOW)))
    options = ["--yes", "--settle", "0", "--report-interval", "1", "--stop-with", "none"]
    environment = dict(os.environ) | {
        "TERM": "xterm-256color",
        "NOVA_DECOM_STATE_DIR": str(cloud.site.state_dir),
    }
    child = pexpect.spawn(
        str(PROGRAM),
        ["remove", HOST, *options],
        env=environment,
        encoding="utf-8",
        timeout=30,
        dimensions=(50, 100),
    )
    child.expect("disable-service disable  [1-9] s")
    return child


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_a_signal_says_at_once_what_is_waited_for(cloud, terminal, number, code):
    """The change in hand is finished; the lines stay on the screen above the display."""
    terminal.kill(number)
    name = signal.Signals(number).name
    terminal.expect(f"{name}: no further change begins; the run waits for", timeout=SLOW / 2)
    terminal.expect(f"{HOST}: disable-service disable", timeout=SLOW / 2)
    assert cloud.writes == []

    terminal.expect("interrupted by ")
    terminal.expect(pexpect.EOF)
    terminal.close()

    assert terminal.exitstatus == code
    assert len(cloud.writes) == 1


def test_a_terminal_that_is_lost_ends_the_run_at_the_next_safe_point(cloud, terminal):
    """As SIGTERM does: the journal has the end and the exit code."""
    os.close(terminal.child_fd)
    _, status = os.waitpid(terminal.pid, 0)

    assert os.waitstatus_to_exitcode(status) == 143
    assert (cloud.events[-1]["event"], cloud.events[-1]["exit_code"]) == ("exit", 143)
    assert len(cloud.writes) == 1
