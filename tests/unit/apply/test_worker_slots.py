# SPDX-License-Identifier: Apache-2.0
"""Hosts that leave together: slots, shared waits, shared readings, one that fails."""

from __future__ import annotations

import threading
import time

import pytest

from nova_decom.apply.interrupts import Interrupts
from nova_decom.apply.move_limits import MoveLimits, RunMoveLimit
from nova_decom.apply.worker_slots import WorkerSlots, run_in_threads
from nova_decom.clients.read_batching import LEAST, MOST, BatchedReads
from nova_decom.errors import RunHaltedError, RunInterruptedError, UnavailableError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.change import Status
from nova_decom.model.cloud import HostCapacity
from nova_decom.model.report import Result
from nova_decom.model.request import Part
from nova_decom.moves.capacity import reserve_capacity
from tests.unit.build import allocation, facts, fleet, neighbour, request, server, service
from tests.unit.world import World

PATIENCE = 10.0


def at_once(together, hosts, work):
    """The most hosts that were at work at the same time."""
    now, most, lock = set(), [0], threading.Lock()

    def one(host):
        with together.slot():
            with lock:
                now.add(host)
                most[0] = max(most[0], len(now))
            work(together)
            with lock:
                now.discard(host)

    run_in_threads(one, hosts, in_threads=together.jobs > 1)
    return most[0]


def test_no_more_hosts_work_at_once_than_there_are_jobs():
    """Each holds a slot while it works."""
    assert at_once(WorkerSlots(jobs=2, hosts=6), range(6), lambda _: time.sleep(0.02)) == 2


def test_all_hosts_wait_at_the_same_time_whatever_the_number_of_jobs():
    """Who only waits gives its slot to the next: five waits take no longer than one."""
    meeting = threading.Barrier(5, timeout=PATIENCE)

    def work(together):
        with together.slot_released():
            meeting.wait()

    at_once(WorkerSlots(jobs=2, hosts=5), range(5), work)

    assert not meeting.broken


def test_one_job_works_in_order_in_the_calling_thread():
    """As one host after the other."""
    seen = []

    def one(host):
        seen.append((host, threading.current_thread() is threading.main_thread()))
        return host * 2

    assert run_in_threads(one, [3, 1, 2], in_threads=False) == [6, 2, 4]
    assert seen == [(3, True), (1, True), (2, True)]


def test_results_keep_the_order_of_the_hosts():
    """Whoever is done first."""
    assert run_in_threads(lambda n: time.sleep(n / 50) or n, [3, 1, 2], in_threads=True) == [
        3,
        1,
        2,
    ]


def test_a_run_that_was_halted_begins_nothing_more():
    """Neither a host that has a slot nor one that waits for it."""
    together = WorkerSlots(jobs=1, hosts=2)
    with together.slot():
        together.halt()
        with pytest.raises(RunHaltedError, match="another host"):
            together.raise_if_halted()
        with pytest.raises(RunHaltedError), together.slot():
            pytest.fail("it began")
    with pytest.raises(RunHaltedError), together.slot():
        pytest.fail("it began")


def test_who_waits_for_a_slot_can_be_interrupted():
    """A host that has not begun ends at once."""
    interrupts = Interrupts()
    together = WorkerSlots(jobs=1, hosts=2, interrupts=interrupts)
    with together.slot():
        interrupts.ask(ExitCode.INTERRUPTED)
        with pytest.raises(RunInterruptedError), together.slot():
            pytest.fail("it began")


@pytest.mark.parametrize("jobs", [1, 3])
def test_servers_move_only_when_every_host_is_disabled_or_has_ended(jobs):
    """The last one lets all go on; one slot is enough, as who waits gives it back."""
    together = WorkerSlots(jobs=jobs, hosts=3)
    order = []

    def one(host):
        with together.slot():
            time.sleep(host / 50)
            order.append(("disabled", host))
            together.mark_disabled(host)
            together.wait_for_all()
            order.append(("moves", host))

    run_in_threads(one, [0, 1, 2], in_threads=True)

    assert [what for what, _ in order] == ["disabled"] * 3 + ["moves"] * 3


def test_one_host_alone_waits_for_nobody():
    """And needs no slot of its own."""
    WorkerSlots().wait_for_all()


def test_a_host_of_a_halted_run_ends_as_interrupted_with_nothing_changed(run):
    """It can be run again."""
    world = World(facts())
    process = run(world)
    process.execution.slots.halt()

    report = process.go()

    assert (report.result, report.exit_code) == (Result.INTERRUPTED, ExitCode.FAILED)
    assert {o.status for o in report.outcomes} == {Status.PENDING}
    assert world.writes == []


def test_readings_that_are_wanted_at_the_same_time_are_made_once():
    """Whoever asks while one goes on is served by the next, together with all others."""
    rounds, begun, go = [], threading.Event(), threading.Event()

    def read(wanted):
        rounds.append(dict(wanted))
        begun.set()
        go.wait(PATIENCE)

    reads = BatchedReads(read)
    first = threading.Thread(target=reads, args=("a", frozenset({Part.SERVICES})))
    first.start()
    assert begun.wait(PATIENCE)
    others = [
        threading.Thread(target=reads, args=(host, frozenset({part})))
        for host, part in [("b", Part.SERVERS), ("c", Part.DATABASE), ("b", Part.DATABASE)]
    ]
    for thread in others:
        thread.start()
    end = time.monotonic() + PATIENCE
    while len(reads._next.wanted) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    go.set()
    for thread in (first, *others):
        thread.join(PATIENCE)

    assert rounds[0] == {"a": {Part.SERVICES}}
    assert sum(len(r) for r in rounds[1:]) <= 3
    assert {host for r in rounds for host in r} == {"a", "b", "c"}


def test_hosts_that_work_gather_for_one_reading():
    """The first to ask waits until every host has asked, or ended: all are served at once."""
    together = WorkerSlots(jobs=2, hosts=6, interrupts=Interrupts())
    rounds = []
    reads = BatchedReads(
        lambda wanted: rounds.append(set(wanted)), lambda _: together.wait_for_peers(PATIENCE)
    )

    def one(host):
        if host == "f":
            time.sleep(0.05)
        else:
            with together.slot():
                time.sleep(0.02)
                with together.slot_released():
                    reads(host, frozenset({Part.SERVICES}))
                with together.slot_kept():
                    reads(host, frozenset({Part.SERVERS}))
        together.ended(host)

    run_in_threads(one, "abcdef", in_threads=True)

    # With its slot in hand a host waits for no more than those that have one.
    assert rounds[0] == set("abcde")


def test_nobody_gathers_for_long():
    """A reading does not wait for a host whose change takes minutes; nor for a second kind."""
    waits, takes = [], iter([0.3, 0.0, 2.0, 0.0])
    reads = BatchedReads(lambda _: time.sleep(min(next(takes), 1.1)), waits.append)
    for part in (Part.SERVICES, Part.SERVERS, Part.SERVICES, Part.SERVICES):
        reads("a", frozenset({part}))

    assert waits[:2] == [LEAST, LEAST]
    assert waits[2] == pytest.approx(0.3, abs=0.1)
    assert waits[3] == MOST
    begun = time.monotonic()
    WorkerSlots(jobs=1, hosts=2).wait_for_peers(0.05)
    assert 0.04 < time.monotonic() - begun < PATIENCE
    WorkerSlots().ended("a")


def test_a_reading_that_fails_fails_for_all_that_shared_it():
    """And the next one is tried anew."""
    answers = iter([UnavailableError("no answer"), None])

    def read(_wanted):
        if error := next(answers):
            raise error

    reads = BatchedReads(read)
    with pytest.raises(UnavailableError):
        reads("a", frozenset({Part.SERVICES}))
    reads("a", frozenset({Part.SERVICES}))


def test_a_reading_that_ends_by_a_bug_is_a_reading_for_nobody():
    """Who shared it must not take what was read before for new."""
    begun, go, ends = threading.Event(), threading.Event(), []

    def read(wanted):
        if "b" in wanted:
            raise KeyError("a bug")
        begun.set()
        go.wait(PATIENCE)

    reads = BatchedReads(read)

    def ask(host):
        try:
            reads(host, frozenset({Part.SERVICES}))
        except (KeyError, RuntimeError) as error:
            ends.append(type(error))

    threads = [threading.Thread(target=ask, args=("a",))]
    threads[0].start()
    assert begun.wait(PATIENCE)
    threads += [threading.Thread(target=ask, args=(host,)) for host in ("b", "c")]
    for thread in threads[1:]:
        thread.start()
    end = time.monotonic() + PATIENCE
    while len(reads._next.wanted) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    go.set()
    for thread in threads:
        thread.join(PATIENCE)

    assert sorted(kind.__name__ for kind in ends) == ["KeyError", "RuntimeError"]


def test_hosts_that_leave_together_share_the_room_that_there_is():
    """What the servers of the first take, the second does not find."""
    rooms = (HostCapacity("node3", (("MEMORY_MB", 100),)),)
    asked = request(servers="auto", leaving=frozenset({"node1", "node2"}))
    services = fleet(service(), neighbour(), neighbour("node3"))
    hosts = [
        facts(
            name,
            servers=(server("web", host=name),),
            allocations=(allocation(consumer="id-of-web", resources=(("MEMORY_MB", 60),)),),
            rooms=rooms,
            fleet=services,
            request=asked,
        )
        for name in ("node1", "node2")
    ]

    first, second = reserve_capacity(hosts)

    assert first.rooms == rooms
    assert second.rooms == (HostCapacity("node3", (("MEMORY_MB", 40),)),)
    assert reserve_capacity([facts()]) == (facts(),)


def test_the_moves_of_all_hosts_share_one_limit():
    """What one host has in progress the other cannot begin."""
    pacing = MoveLimits(at_once=4, total=RunMoveLimit(5))

    assert pacing.free_slots("node1", moving=0, wanted=9) == 4
    assert pacing.free_slots("node2", moving=0, wanted=9) == 1
    assert pacing.free_slots("node1", moving=0, wanted=0) == 0
    assert pacing.free_slots("node2", moving=1, wanted=9) == 3
    assert MoveLimits(at_once=4).free_slots("node1", moving=3, wanted=9) == 1


def test_a_host_that_has_ended_leaves_its_moves_to_the_others():
    """Whatever it ended with; without a bound over all hosts there is nothing to leave."""
    pacing = MoveLimits(at_once=4, total=RunMoveLimit(5))
    assert (pacing.free_slots("node1", 0, 4), pacing.free_slots("node2", 0, 4)) == (4, 1)

    pacing.give_back("node1")

    assert pacing.free_slots("node2", 1, 4) == 3
    MoveLimits().give_back("node1")


def test_threads_that_take_long_are_waited_for(monkeypatch):
    """The main thread wakes up meanwhile, so that Python can run its signal handlers."""
    monkeypatch.setattr("nova_decom.apply.worker_slots.POLL_SECONDS", 0.001)
    woken = threading.Event()

    def work(number):
        if number:
            woken.wait(10)
        else:
            threading.Timer(0.05, woken.set).start()
        return number

    assert run_in_threads(work, [0, 1], in_threads=True) == [0, 1]


def test_a_host_that_waits_for_the_slot_it_gave_back_keeps_its_claim():
    """The other host has the slot for hours while its servers move; a failure ends no wait."""
    together = WorkerSlots(jobs=1, hosts=2)
    given_back, moves, kept = threading.Event(), threading.Event(), threading.Event()

    def keep():
        kept.set()
        raise UnavailableError("no answer")

    def host():
        with together.slot(keep), together.slot_released():
            given_back.set()
            moves.wait(10)

    waiting = threading.Thread(target=host)
    waiting.start()
    assert given_back.wait(10)
    with together.slot():
        moves.set()
        assert kept.wait(10)
    waiting.join(10)

    assert not waiting.is_alive()
    assert together._slots._value == 1


def test_from_the_end_of_the_window_on_no_host_begins():
    """One that has begun goes on, also after it gave its slot back."""
    late = [False]
    together = WorkerSlots(is_late=lambda: late[0])

    with together.slot():
        late[0] = True
        with together.slot_released():
            pass

    with pytest.raises(RunHaltedError, match="later than --until"), together.slot():
        pass
