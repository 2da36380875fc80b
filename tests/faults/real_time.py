# SPDX-License-Identifier: Apache-2.0
"""Removals in real time, in processes of their own, of hosts whose neighbours are alive."""

import json
import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nova_decom.cli.main import main
from tests.chaos.process import NEIGHBOURS
from tests.faults.conftest import Cloud

FORK = multiprocessing.get_context("fork")
OPTIONS = ("--yes", "-f", "json", "--stop-with", "none")
BEAT = "UPDATE nova.services SET report_count = report_count + 1 WHERE host IN %s"


class Run:
    """A removal in a process of its own, which ends as Python ends one."""

    def __init__(self, cloud: Cloud, host: str, *options: str, **environment: str) -> None:
        self.host = host
        self.out = cloud.site.directory / f"{host}.stdout"
        self.err = cloud.site.directory / f"{host}.stderr"
        arguments = ["remove", host, *OPTIONS, *options, "--state-dir", str(cloud.site.state_dir)]
        # Forked, as all is imported here already; its end waits for threads as any other.
        self.process = FORK.Process(target=self._live, args=(arguments, environment))
        self.process.start()

    def _live(self, arguments: list[str], environment: dict[str, str]) -> None:
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", category)  # as Python's own filters do
        os.environ.update(environment)
        sys.stdout, sys.stderr = self.out.open("w"), self.err.open("w")
        main(arguments)

    def end(self, within: float) -> tuple[int | None, dict[str, Any], str]:
        """The exit code, the document, and stderr."""
        self.process.join(within)
        return self.process.exitcode, json.loads(self.out.read_text()), self.err.read_text()


@contextmanager
def beating(cloud: Cloud) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        with cloud.site.server.connect() as connection, connection.cursor() as cursor:
            while not ended.wait(0.5):
                cursor.execute(BEAT, (NEIGHBOURS,))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
