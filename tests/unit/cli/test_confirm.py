# SPDX-License-Identifier: Apache-2.0
"""The prompt: a line is read when there is one, and a signal is obeyed before."""

import os
import pty
import signal
import sys
import threading

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
    typing = threading.Timer(0.3, os.write, (terminal, b"node1\n"))
    typing.start()

    assert ask("Type the host name to remove") == "node1"
    assert capsys.readouterr().err == "Type the host name to remove: "


@pytest.mark.parametrize("early", [b"node1\n", b"node1\nnode1\n", b"node"])
def test_what_was_typed_before_the_question_confirms_nothing(terminal, capsys, early):
    """Nobody had read the plan then; a whole line is named, and half a line is dropped too."""
    os.write(terminal, early)
    typing = threading.Timer(0.3, os.write, (terminal, b"no\n"))
    typing.start()

    assert ask("Type the host name to remove") == "no"
    dropped = "Input from before the question is dropped.\n" if b"\n" in early else ""
    assert capsys.readouterr().err == f"{dropped}Type the host name to remove: "


@pytest.mark.usefixtures("terminal")
def test_ctrl_c_just_after_the_prompt_is_obeyed(monkeypatch):
    """Nothing is typed afterwards: a read that had begun would wait for ever."""
    looks = []

    def select(*_):
        # It comes when nobody waits in a system call that it would end, the second time: at the
        # first, input from before the question is dropped.
        looks.append(1)
        if len(looks) == 2:
            signal.raise_signal(signal.SIGINT)
        return [], [], []

    monkeypatch.setattr("nova_decom.cli.confirm.select.select", select)

    with pytest.raises(KeyboardInterrupt):
        ask("Type the host name to remove")
