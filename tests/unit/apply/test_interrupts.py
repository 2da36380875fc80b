# SPDX-License-Identifier: Apache-2.0
"""Signals that ask a run to stop."""

from __future__ import annotations

import signal

import pytest

from nova_decom.apply.interrupts import signals
from nova_decom.errors import RunInterruptedError
from nova_decom.exit_codes import ExitCode


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)],
)
def test_a_signal_is_noted_and_obeyed_at_the_next_safe_point(number, code):
    """Nothing is cut off; the former handlers are back afterwards."""
    before = signal.getsignal(number)
    with signals() as interrupts:
        signal.raise_signal(number)
        assert interrupts.asked is code
        with pytest.raises(RunInterruptedError):
            interrupts.check()
    assert signal.getsignal(number) == before
