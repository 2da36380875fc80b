# SPDX-License-Identifier: Apache-2.0
"""The prompt: a line is read when there is one, and a signal is obeyed before."""

import os
import pty
import signal
import sys

import pytest

from nova_decom.cli.confirm import ask


@pytest.fixture
def terminal(monkeypatch):
    """A terminal as standard input; what is written to its other end is typed."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours
    os.close(ours)


def test_the_line_that_is_typed_is_the_answer(terminal, capsys):
    """The question stands on stderr, where the plan does."""
    os.write(terminal, b"node1\n")

    assert ask("Type the host name to remove") == "node1"
    assert capsys.readouterr().err == "Type the host name to remove: "


@pytest.mark.usefixtures("terminal")
def test_ctrl_c_just_after_the_prompt_is_obeyed(monkeypatch):
    """Nothing is typed afterwards: a read that had begun would wait for ever."""
    looks = []

    def select(*_):
        # It comes when nobody waits in a system call that it would end.
        if not looks:
            signal.raise_signal(signal.SIGINT)
        looks.append(1)
        return [], [], []

    monkeypatch.setattr("nova_decom.cli.confirm.select.select", select)

    with pytest.raises(KeyboardInterrupt):
        ask("Type the host name to remove")
