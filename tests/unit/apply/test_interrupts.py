# SPDX-License-Identifier: Apache-2.0
"""Signals that ask a run to stop."""

from __future__ import annotations

import signal

import pytest

from nova_decom.apply.interrupts import obeyed, signals
from nova_decom.errors import RunInterruptedError
from nova_decom.exit_codes import ExitCode


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.TERMINATED),
    ],
)
def test_a_signal_is_noted_and_obeyed_at_the_next_safe_point(number, code):
    """Nothing is cut off; the former handlers are back afterwards."""
    before = signal.getsignal(number)
    names = []
    with signals() as interrupts:
        interrupts.announce = names.append
        signal.raise_signal(number)
        assert interrupts.asked is code
        with pytest.raises(RunInterruptedError):
            interrupts.check()
    assert signal.getsignal(number) == before
    assert names == [signal.Signals(number).name]


def test_a_run_under_nohup_ignores_a_lost_terminal():
    """That is what nohup is for."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals() as interrupts:
            signal.raise_signal(signal.SIGHUP)
            assert interrupts.asked is None
            assert signal.SIGTERM in set(obeyed())
    finally:
        signal.signal(signal.SIGHUP, before)
