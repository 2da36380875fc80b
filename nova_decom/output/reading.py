# SPDX-License-Identifier: Apache-2.0
"""The line on a terminal that shows what a command is reading, and for how long."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.live import Live
from rich.text import Text

from nova_decom.output.escape import safe

#: Seconds after which the line is shown.
DELAY = 0.5
#: The part of a request that is shown: the service and the path, or the database and the table.
LONGEST = 60
#: The logger of everything that is sent.
SENDERS = "nova_decom.clients"


class Reading(logging.Handler):
    """The latest request of the clients, from their log, and the seconds since the first."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._what, self._since = "the cloud", time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the request."""
        text = " ".join(record.getMessage().split())
        self._what = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

    def line(self) -> Text:
        """The line to show."""
        seconds = time.monotonic() - self._since
        return Text(f"reading {safe(self._what)}  {seconds:.0f} s", "dim", no_wrap=True)


@contextmanager
def reading(err: Console, *, quiet: bool) -> Iterator[None]:
    """Show on a terminal what is read within, from half a second on; elsewhere nothing."""
    log = logging.getLogger(SENDERS)
    if quiet or not (err.is_terminal and err.is_interactive) or log.isEnabledFor(logging.DEBUG):
        yield
        return
    shown = Reading()
    live = Live(
        console=err,
        transient=True,
        # What is written to stderr meanwhile is printed above the line.
        redirect_stdout=False,
        get_renderable=shown.line,
    )
    later, level = Timer(DELAY, live.start), log.level
    later.daemon = True
    log.addHandler(shown)
    log.setLevel(logging.DEBUG)
    later.start()
    try:
        yield
    finally:
        later.cancel()
        # A display that is just starting must have started before it can be stopped.
        later.join()
        live.stop()
        log.setLevel(level)
        log.removeHandler(shown)
