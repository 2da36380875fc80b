# SPDX-License-Identifier: Apache-2.0
"""What the unit tests share."""

from __future__ import annotations

import logging
import os
import signal
import sys
from dataclasses import replace

import pytest
from hypothesis import settings

from nova_decom.apply.executor import Executor
from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.move_limits import MoveLimits
from nova_decom.clock import LONG_AGO
from nova_decom.plan.jobs import REMOVE
from nova_decom.plan.planner import make_plan
from tests.unit.fake import FakeCloud, FakeJournal

PACING = MoveLimits()
#: Examples are the same in every run; the profile ``random`` draws others,
#: and ``quick``, of the fast loop, only the first ones.
settings.register_profile("fixed", derandomize=True, database=None)
settings.register_profile("quick", derandomize=True, database=None, max_examples=10)
settings.register_profile("random", derandomize=False, database=None, print_blob=True)
settings.load_profile("fixed")
FOREIGN = ("OS_", "NOVA_DECOM_", "STATE_DIRECTORY", "SUDO_USER")


class Run:
    """One process that plans and carries out: what ``nova-decom remove --yes`` does."""

    def __init__(
        self,
        world,
        *,
        was_known=False,
        settle=60.0,
        timeout=300.0,
        job=REMOVE,
        pacing=PACING,
        goes_on=False,
    ):
        """Read the world and make the plan that is reviewed.

        With ``goes_on`` the execution is shown what the plan was made of.
        """
        read, begun = FakeCloud(world, was_known=was_known), world.time.now()
        seen = read.facts(world.truth.host)
        self.reviewed = make_plan(seen, job)
        self.journal = FakeJournal()
        self.interrupts = Interrupts()
        self.told = []
        self.shown = []
        self.execution = Executor(
            read if goes_on else FakeCloud(world, was_known=was_known),
            self.journal,
            job,
            self,
            self.interrupts,
            world.time.clock,
            timeout=timeout,
            settle=settle,
            limits=pacing,
            planned=begun if goes_on else LONG_AGO,
        )

    def go(self, reviewed=None):
        """Carry out the plan that was reviewed, or another one."""
        return self.execution.run(reviewed or self.reviewed)

    def change(self, _host, change, status, _note=""):
        """Progress: a change began or ended."""
        self.told.append((change.step, change.action, status))

    def waiting(self, _host, what, seconds):
        """Progress: something is waited for."""
        self.told.append(("waiting", what, seconds))

    def moves(self, moves):
        """Progress: how the moves of servers stand."""
        self.shown.append(replace(moves, flights=tuple(map(replace, moves.flights))))


@pytest.fixture
def run():
    """Make one process: ``run(world).go()``."""
    return Run


@pytest.fixture
def clean_environment(monkeypatch, tmp_path):
    """No setting of whoever runs the tests; no clouds.yaml but the one a test writes."""
    for name in [n for n in os.environ if n.startswith(FOREIGN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("NOVA_DECOM_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield tmp_path
    if loader := sys.modules.get("openstack.config.loader"):
        # Older SDKs read each file again that OS_CLIENT_CONFIG_FILE has ever named.
        loader.CONFIG_FILES[:] = [f for f in loader.CONFIG_FILES if str(tmp_path) not in f]
    for number, handler in former.items():
        signal.signal(number, handler)
    root.handlers[:], root.level = handlers, level
