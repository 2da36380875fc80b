# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks need of the program: they run seldom, and must not be found broken then."""

from __future__ import annotations

from tests.bench import counted
from tests.bench.targets import Targets
from tests.unit.build import facts
from tests.unit.world import World


def test_seconds_in_which_all_hosts_sleep_are_waited(monkeypatch, run):
    """By the names that the program has today."""
    waits = counted.Waits()
    for owner, name in ((counted.WorkerSlots, "slot"), (counted.Interrupts, "clock")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    counted.watch(waits)
    begun = []
    monkeypatch.setattr(waits, "change", lambda **what: begun.append(what))

    run(World(facts())).go()

    assert begun.count({"begun": 1}) == begun.count({"begun": -1}) == 1


def test_a_target_that_is_missed_is_named(capsys):
    """In the table at once, and at the end."""
    targets = Targets()

    targets.most("list", 0.5, 0.5)
    targets.most("plan", 0.51, 0.5)
    targets.least("drain", 2.9, 3)

    assert targets.missed == [
        "missed: plan: 0.51 (target: at most 0.5)",
        "missed: drain: 2.9 (target: at least 3)",
    ]
    assert capsys.readouterr().out.count(": missed") == 2
