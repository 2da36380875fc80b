# SPDX-License-Identifier: Apache-2.0
"""Readings of heartbeats: which witness moved, when, and whether it could be seen to move."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nova_decom.clients.heartbeats import NEIGHBOURS, Heartbeats
from nova_decom.clients.host_history import HostHistory
from nova_decom.model.host_slice import host_facts
from nova_decom.model.snapshot import CloudSnapshot
from tests.unit.build import database, neighbour, request, service
from tests.unit.world import Time

HERE = service(id="here", state="down", updated_at="2026-11-28T10:00:00.000000")
LIVING = neighbour(updated_at="2026-11-28T10:00:00.000000")
DEAD = neighbour("node3", state="down")


class Databases:
    """The counters of one cell; a reading takes ``slow`` seconds."""

    def __init__(self, time, counts, slow=0.0):
        """Counters by service."""
        self.time, self.counts, self.slow = time, counts, slow
        self.asked = []

    def report_counts(self, hosts, services):
        """Those that were asked for and are there."""
        self.asked.append((set(hosts), set(services)))
        self.time.sleep(self.slow)
        return {s: c for s, c in self.counts.items() if s in services}


class Site:
    """A cloud of these services, read as often as is wanted."""

    def __init__(self, *services, counts=None, leaving=frozenset(), slow=0.0):
        """Without counts there are no databases."""
        self.time = Time()
        self.databases = None if counts is None else Databases(self.time, counts, slow)
        self.history = HostHistory(lambda _host: None)
        self.heartbeats = Heartbeats(self.history, self.databases, leaving, self.time.clock)
        rows = None if counts is None else {"node1": database()}
        self.view = CloudSnapshot(services=services, databases=rows)

    def read(self, *services, takes=0.0):
        """Read the services, these as they are now, and the counters."""
        begun, before = self.time.now(), self.view.services
        self.time.sleep(takes)
        changed = {s.id: s for s in services}
        now = tuple(changed.get(s.id, s) for s in before)
        self.heartbeats.services_read(None, begun, before, now)
        self.view = replace(self.view, services=now)
        self.heartbeats.listen(["node1"], self.view)

    def poll(self, times, beats=None, every=1.0):
        """Read so many times; ``beats`` moves counters or rows, each time."""
        for number in range(times):
            self.time.sleep(every)
            self.read(*((beats(number) or ()) if beats else ()))

    @property
    def is_silent(self):
        """Whether the host is proved silent."""
        facts = host_facts(self.view, "node1", request(), self.history.of("node1"))
        return facts.is_silent(facts.service)

    @property
    def heartbeat(self):
        """The heartbeat of the host."""
        return self.history.of("node1").heartbeats["here"]


def beat(site, of):
    """Move the counter of a service."""

    def next_beat(_number):
        site.databases.counts[of] += 1

    return next_beat


def test_silence_where_another_counter_moves():
    """The connection shows new rows, and none of this host."""
    site = Site(HERE, LIVING, counts={"here": 7, LIVING.id: 1})
    site.read()
    site.poll(19, beat(site, LIVING.id))
    assert not site.is_silent
    site.poll(1, beat(site, LIVING.id))

    assert site.is_silent


def test_no_silence_over_a_connection_that_shows_the_first_reading_again():
    """Every counter stands still: with autocommit off that is what a session sees."""
    site = Site(HERE, LIVING, counts={"here": 7, LIVING.id: 1})
    site.read()
    site.poll(60)
    assert not site.is_silent
    site.poll(1, beat(site, LIVING.id))

    assert site.is_silent


def test_a_new_row_from_before_the_heartbeat_stood_still_proves_nothing():
    """The last one that was seen may have been seen before the session froze."""
    site = Site(HERE, LIVING, counts={"here": 7, LIVING.id: 1})
    site.read()
    site.poll(2, beat(site, LIVING.id))
    site.poll(1, beat(site, "here"))
    site.poll(30)

    assert not site.is_silent


@pytest.mark.parametrize(
    "site",
    [
        Site(HERE, counts={"here": 7}),
        Site(HERE, DEAD, counts={"here": 7, DEAD.id: 1}),
        Site(HERE, LIVING, counts={"here": 7}),
        Site(HERE, LIVING, counts={"here": 7, LIVING.id: 1}, leaving=frozenset({"node2"})),
        Site(HERE, LIVING),
    ],
    ids=["alone", "only dead ones", "in another cell", "leaves too", "without databases"],
)
def test_silence_where_no_other_counter_could_move(site):
    """A cloud's last host can be proved silent too."""
    site.read()
    site.poll(20)

    assert site.is_silent


def test_a_few_neighbours_are_read_and_those_of_the_cell_first():
    """Twenty thousand counters would cost more than they tell."""
    others = [neighbour(f"node{n}") for n in range(100, 200)]
    site = Site(HERE, *others, neighbour("of-the-cell"), counts={"here": 7})
    site.view = replace(
        site.view, databases={"node1": database(cell_hosts=frozenset({"of-the-cell"}))}
    )
    site.read()

    ((hosts, services),) = site.databases.asked
    assert len(services) == NEIGHBOURS + 1
    assert {"node1", "of-the-cell", "node100"} <= hosts


def test_the_api_tells_of_heartbeats_that_no_counter_counts():
    """Nova's memcache driver never moves report_count."""
    site = Site(HERE, counts={"here": 7})

    def written(number):
        return [replace(HERE, updated_at=f"2026-11-28T10:00:{number + 1:02}.000000")]

    site.read()
    site.poll(30, written)

    assert not site.is_silent
    assert site.heartbeat.moved


def test_our_own_write_is_no_heartbeat():
    """It moves updated_at; silence is counted anew from there."""
    site = Site(HERE, counts={"here": 7})
    site.read()
    site.poll(15)
    with site.heartbeats.writing("here"):
        site.read(replace(HERE, updated_at="2026-11-28T10:00:15.000000"))
    site.poll(19)
    assert not site.is_silent
    site.poll(1)

    assert site.is_silent
    assert not site.heartbeat.moved


def test_a_heartbeat_beside_our_own_write_is_one():
    """The counter does not move by our write."""
    site = Site(HERE, counts={"here": 7})
    site.read()
    with site.heartbeats.writing("here"):
        site.poll(1, beat(site, "here"))

    assert site.heartbeat.moved


def test_a_write_counts_once():
    """What moves later is a heartbeat again."""
    site = Site(HERE)
    site.read()
    with site.heartbeats.writing("here"):
        pass
    site.poll(2)
    site.poll(1, lambda _number: [replace(HERE, updated_at="2026-11-28T10:00:09.000000")])

    assert site.heartbeat.moved


def test_a_long_gap_between_the_beats_of_another_host_is_waited_for():
    """Two intervals of the controller's configuration are nothing to hosts with a longer one."""
    site = Site(HERE, LIVING)
    site.read()
    site.poll(1, lambda _number: [replace(LIVING, updated_at="2026-11-28T10:02:00.000000")])
    site.poll(100)
    assert not site.is_silent
    assert site.heartbeat.gap == pytest.approx(119.0)
    site.poll(40)

    assert site.is_silent


@pytest.mark.parametrize(
    "changed",
    [
        {"updated_at": "2026-11-28T10:00:10.000000"},
        {"updated_at": "2026-11-28T13:00:00.000000"},
        {"updated_at": None},
        {"updated_at": "soon"},
        {"updated_at": "2026-11-28T10:02:00.000000", "state": "down"},
    ],
    ids=["no longer than between the readings", "a restart", "none", "no date", "of a dead one"],
)
def test_what_is_no_gap_between_beats_is_not_waited_for(changed):
    """Else one host that comes back would make every proof last for hours."""
    site = Site(HERE, LIVING)
    site.read()
    site.poll(1, lambda _number: [replace(LIVING, **changed)], every=10.0)

    assert site.heartbeat.gap == 0.0


def test_a_reading_counts_by_when_it_began_and_ended():
    """A list of a large cloud takes seconds, and so may a query."""
    site = Site(HERE, counts={"here": 7}, slow=3.0)
    site.read(takes=4.0)
    assert (site.heartbeat.since, site.time.now()) == (1007.0, 1007.0)
    site.read(takes=20.0)

    # It was heard 23 s later; but it began as the first one ended.
    assert site.heartbeat.still_for == 0.0
    site.read()
    assert site.heartbeat.still_for == 23.0


def test_a_new_run_hears_by_its_own_connections():
    """What the connections of the plan showed proves nothing of those that write."""
    site = Site(HERE, LIVING, counts={"here": 7, LIVING.id: 1})
    site.read()
    site.poll(20, beat(site, LIVING.id))
    other = Site(HERE, LIVING, counts=dict(site.databases.counts))
    other.history.continue_from(site.history)
    other.heartbeats.continue_from(site.heartbeats)
    other.time.sleep(20)
    other.read()
    assert not other.is_silent
    other.poll(1, beat(other, LIVING.id))

    assert other.is_silent


def test_a_host_whose_services_were_never_read_has_no_heartbeat():
    """There is no date for it."""
    site = Site(HERE)
    site.heartbeats.hear("node1", site.view, {}, None)

    assert site.history.of("node1").heartbeats == {}
