# SPDX-License-Identifier: Apache-2.0
"""The line that shows what is read."""

from __future__ import annotations

import io
import logging

import pytest

from nova_decom.output import reading
from nova_decom.output.console import console

CALLS = logging.getLogger("nova_decom.clients.openstack.api")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Yes."""
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A terminal, and log records that reach it only when they are errors."""
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_the_request_and_the_seconds_are_shown_when_reading_takes_long(terminal, monkeypatch):
    """A long request is cut, and a control character in it is text."""
    monkeypatch.setattr(reading, "DELAY", 0.0)
    before = CALLS.getEffectiveLevel()

    with reading.reading(console(terminal, "auto"), quiet=False):
        CALLS.debug("%s %s %s", "compute", "GET", "/servers\x1b[2J/" + "x" * 100)
        (handler,) = logging.getLogger(reading.SENDERS).handlers
        text = handler.line().plain

    assert text.startswith("reading compute GET /servers\\x1b[2J/xxx")
    assert text.endswith("…  0 s")
    assert "reading" in terminal.getvalue()
    assert logging.getLogger(reading.SENDERS).handlers == []
    assert CALLS.getEffectiveLevel() == before


def test_what_is_read_at_once_shows_nothing(terminal):
    """A line that comes and goes would only flicker."""
    with reading.reading(console(terminal, "auto"), quiet=False):
        CALLS.debug("%s %s %s", "compute", "GET", "/os-services")

    assert terminal.getvalue() == ""


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO(), False), (Terminal(), True)])
def test_a_pipe_and_quiet_see_nothing(monkeypatch, stream, quiet):
    """However long it takes."""
    monkeypatch.setattr(reading, "DELAY", 0.0)

    with reading.reading(console(stream, "auto"), quiet=quiet):
        assert logging.getLogger(reading.SENDERS).handlers == []

    assert stream.getvalue() == ""


def test_the_display_ends_with_an_error(terminal, monkeypatch):
    """The message of the error stands alone."""
    monkeypatch.setattr(reading, "DELAY", 0.0)

    with (
        pytest.raises(ValueError, match="broken"),
        reading.reading(console(terminal, "auto"), quiet=False),
    ):
        raise ValueError("broken")

    assert logging.getLogger(reading.SENDERS).handlers == []
