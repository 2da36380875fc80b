# SPDX-License-Identifier: Apache-2.0
"""The message queues of a host, and the step delete-queues."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from nova_decom.errors import (
    ChangeFailedError,
    TransientError,
    UnavailableError,
    UnsupportedError,
)
from nova_decom.model.plan import Met
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.registrars import with_registrars
from nova_decom.registrars.message_queue import DeleteQueues, MessageQueue
from nova_decom.registrars.queue_records import NAME, SETTLED, Queue, Queues, delete_queue
from tests.unit.build import absent, facts, request
from tests.unit.world import Time

BROKER = "https://rabbit:15671/%2F"
STEP, REGISTRAR = DeleteQueues(), MessageQueue()
DISCARD = request(discard_messages=True)


def queue(name="compute.node1", **what):
    """A classic queue without messages and consumers, read twice."""
    known = {"messages": 0, "consumers": 0, "is_settled": True}
    return Queue(name, "/", BROKER, **known | what)


def entry(name="compute.node1", **what):
    """A queue as RabbitMQ lists it."""
    known = {"name": name, "vhost": "/", "type": "classic", "arguments": {}}
    return known | {"messages": 0, "consumers": 0} | what


def state(*queues, of=absent, unread=(), given=True, **what):
    """A host with these queues."""
    return of(registrars={NAME: Queues(queues, unread, given)}, **what)


class Broker:
    """A broker that lists these entries; another list at each reading, the last one for ever."""

    vhost, label = "/", BROKER

    def __init__(self, *lists, cell="cell1"):
        """None is a broker that cannot be read."""
        self.lists, self.cell, self.readings = list(lists), cell, 0

    def queues(self):
        """The next list."""
        self.readings += 1
        found = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if found is None:
            raise UnavailableError(f"{self.label}: HTTP 401", "check the user")
        return found


class Access:
    """Brokers, cells and a clock."""

    def __init__(self, *brokers, cells=("cell1",)):
        """In this order."""
        self.time, self._brokers, self._cells = Time(), brokers, cells
        self.clock = self.time.clock

    def brokers(self):
        """Those given."""
        return self._brokers

    def cells(self):
        """Those given."""
        return self._cells


class Cloud:
    """Reads one host again, and sends what it is asked to."""

    def __init__(self, found):
        """``found`` are the facts at the next reading."""
        self.found, self.sent = found, []

    def refresh(self, host, parts):
        """Only the queues."""
        assert (host, parts) == ("node1", {NAME})
        return self.found

    def send(self, call):
        """Keep it."""
        self.sent.append(call.text)
        return "sent"


@pytest.mark.parametrize(
    ("found", "asked", "targets"),
    [
        ([queue()], {}, ["compute.node1"]),
        ([queue(), queue("compute-alt.node1")], {}, ["compute.node1", "compute-alt.node1"]),
        ([queue(messages=3)], {}, []),
        ([queue(messages=3)], {"request": DISCARD}, ["compute.node1"]),
        ([queue(messages=3, consumers=1)], {}, ["compute.node1"]),
        ([queue(messages=None, consumers=None)], {}, ["compute.node1"]),
        ([queue(type="quorum")], {}, ["compute.node1"]),
        ([queue(type="quorum", is_settled=False)], {}, ["compute.node1"]),
        ([queue(type="quorum", messages=None)], {"request": DISCARD}, []),
        ([queue(type="quorum", messages=3)], {"request": DISCARD}, ["compute.node1"]),
        ([queue(refused=True)], {}, []),
        ([queue()], {"of": facts}, []),
    ],
    ids=[
        "empty",
        "both topics",
        "orders",
        "orders to discard",
        "orders that are being read",
        "RabbitMQ decides on counts that are not told",
        "quorum",
        "quorum, read once",
        "quorum, not told",
        "quorum, orders to discard",
        "refused",
        "a host that nova knows",
    ],
)
def test_queues_are_deleted_once_the_service_is_gone(found, asked, targets):
    """Orders only as asked; what nobody can tell is never taken for none."""
    changes = list(STEP.changes(state(*found, **asked)))

    assert [c.target for c in changes] == [f"{name} of {BROKER}" for name in targets]
    assert all(c.call.place == BROKER for c in changes)


@pytest.mark.parametrize(
    ("kind", "discard", "query"),
    [
        ("classic", False, "?if-empty=true&if-unused=true"),
        ("classic", True, "?if-unused=true"),
        ("quorum", False, ""),
        ("quorum", True, ""),
    ],
)
def test_rabbitmq_itself_refuses_a_classic_queue_that_is_used(kind, discard, query):
    """It knows these conditions of classic queues only."""
    call = delete_queue(queue("compute.a/b", type=kind), discard=discard)

    assert call.text == f"DELETE /api/queues/%2F/compute.a%2Fb{query}"
    assert call.is_optional


@pytest.mark.parametrize(
    ("now", "asked", "why"),
    [
        (queue(type="quorum", consumers=1), DISCARD, "nova-compute still reads it"),
        (queue(messages=1), request(), "1 message in it"),
        (queue(type="quorum", consumers=None), DISCARD, "are not known"),
        (queue(type="quorum", is_settled=False), request(), "read once only"),
    ],
)
def test_what_a_new_reading_shows_stops_the_delete(now, asked, why):
    """The run goes on, and the report names the queue."""
    before = state(queue(), request=asked)
    (change,) = STEP.changes(before)
    cloud = Cloud(state(now, request=asked))

    with pytest.raises(UnsupportedError, match=why):
        STEP.apply(change, cloud, before)

    assert cloud.sent == []


def test_rabbitmq_decides_about_the_consumers_of_a_classic_queue():
    """Its statistics still show nova-compute for seconds after it has ended."""
    found = state(queue(consumers=1))
    (change,) = STEP.changes(found)
    cloud = Cloud(found)

    assert STEP.apply(change, cloud, found) == "sent"
    (sent,) = cloud.sent
    assert "if-unused=true" in sent


def test_a_queue_is_deleted_by_one_call_and_one_that_is_gone_by_none():
    """404 would be done too."""
    before = state(queue(), queue("compute-alt.node1"))
    first, second = STEP.changes(before)
    left = STEP.after(first, before)
    cloud = Cloud(before)

    assert STEP.apply(first, cloud, before) == "sent"
    cloud.found = left
    assert STEP.apply(first, cloud, before) is None
    assert cloud.sent == [first.call.text]
    assert list(STEP.changes(left)) == [second]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ChangeFailedError("HTTP 401"), UnsupportedError),
        (TransientError("HTTP 503"), TransientError),
    ],
)
def test_a_right_that_is_missing_ends_no_run(error, kind):
    """The queue is named; what may pass is tried again by the engine."""
    found = state(queue())
    (change,) = STEP.changes(found)
    cloud = Cloud(found)

    def refuse(_call):
        raise error

    cloud.send = refuse
    with pytest.raises(kind, match="HTTP"):
        STEP.apply(change, cloud, found)


def sliced(reading, host="node1", **what):
    """The facts of one host, cut out of a reading."""
    view = CloudSnapshot(registrars={NAME: reading}, **what)
    return with_registrars(absent(host), view).registrars[NAME]


def test_only_queues_of_exactly_this_host_are_the_hosts():
    """Not by prefix, not by case; hosts have dots, and other queues are nobody's."""
    names = ["compute.node1", "compute.node10", "compute.NODE1", "compute.node1.example.org"]
    others = ["compute", "compute_fanout_1", "conductor.node1", "reply_1"]
    broker = Broker([entry(n, consumers=1) for n in (*names, "compute-alt.node1", *others)])
    reading = REGISTRAR.read(Access(broker), None, None)

    assert [q.name for q in sliced(reading).queues] == ["compute.node1", "compute-alt.node1"]
    (dotted,) = sliced(reading, "node1.example.org").queues
    assert dotted.name == "compute.node1.example.org"
    assert len(reading.queues) == 5


@pytest.mark.parametrize("hosts", [1, 1000])
def test_one_request_for_each_broker_whatever_the_number_of_hosts(hosts):
    """Queues that are read need no second look."""
    brokers = [Broker([entry(f"compute.n{n}", consumers=1) for n in range(hosts)])] * 2
    REGISTRAR.read(Access(*brokers), None, None)

    assert brokers[0].readings == 2


def test_a_queue_is_empty_when_it_was_so_in_two_readings():
    """A quorum queue tells its messages five seconds late."""
    broker = Broker([entry(type="quorum")], [entry(type="quorum", messages=1)])
    access = Access(broker)
    begun = access.time.now()
    reading = REGISTRAR.read(access, {"node1"}, None)

    assert access.time.now() - begun == SETTLED
    assert [q.messages for q in reading.queues] == [1]


def test_an_idle_queue_that_stays_so_is_settled_and_costs_no_second_wait():
    """The time of the first reading is kept."""
    access = Access(Broker([entry(), entry("compute.other")]))
    first = REGISTRAR.read(access, {"node1"}, None)
    begun = access.time.now()
    REGISTRAR.read(access, {"node1"}, first)

    assert all(q.is_settled for q in first.queues)
    assert access.time.now() == begun


@pytest.mark.parametrize(("names", "known", "waits"), [
    (None, False, False),
    (None, True, True),
    ({"node2"}, False, False),
    ({"node1"}, False, True),
])  # fmt: skip
def test_the_first_look_at_many_hosts_does_not_wait(names, known, waits):
    """It is for an overview; and a queue of another host is not waited for."""
    access = Access(Broker([entry(consumers=1)], [entry()]))
    before = REGISTRAR.read(access, None, None)
    begun = access.time.now()
    REGISTRAR.read(access, names, before if known else None)

    assert (access.time.now() > begun) is waits


@pytest.mark.parametrize(
    ("found", "met", "words"),
    [
        (state(), Met.MET, "no message waits"),
        (state(queue()), Met.MET, "no message waits"),
        (state(given=False), Met.UNKNOWN, "compute.node1 and compute-alt.node1 were not read"),
        (state(unread=("cell2: HTTP 401",)), Met.UNKNOWN, "cell2: HTTP 401"),
        (state(queue(messages=None)), Met.UNKNOWN, "not known how many"),
        (state(queue(is_settled=False)), Met.UNKNOWN, "was read once"),
        (state(queue(messages=2)), Met.NOT_MET, "2 messages in compute.node1"),
    ],
)
def test_whether_orders_wait_for_a_new_host(found, met, words):
    """Unknown says by which commands it is known."""
    (condition,) = REGISTRAR.conditions(found)

    assert (condition.name, condition.met) == (NAME, met)
    assert words in condition.detail
    if met is Met.UNKNOWN:
        assert "rabbitmqctl list_queues" in condition.remedy
    if met is Met.NOT_MET:
        assert condition.remedy == "nova-decom remove node1 --discard-messages"


@pytest.mark.parametrize(
    ("found", "detail", "remedy"),
    [
        (queue(), "0 messages in compute.node1", "nova-decom remove node1"),
        (queue(messages=1), "orders that a re-added host", "remove node1 --discard-messages"),
        (queue(consumers=1), "0 messages", "stop nova-compute on node1, then: nova-decom remove"),
        (queue(refused=True), "0 messages", "rabbitmqctl delete_queue -p / compute.node1"),
        (queue(messages=None), "not known how many", "rabbitmqctl delete_queue"),
    ],
)
def test_a_queue_is_left_over_with_its_cure(found, detail, remedy):
    """Its messages are called what they are."""
    (trace,) = REGISTRAR.leftovers(state(found))

    assert (trace.kind, trace.target) == (NAME, "compute.node1")
    assert detail in trace.detail
    assert remedy in trace.remedy


def test_a_refusal_of_rabbitmq_is_noted():
    """It is not asked for again in this run."""
    last = delete_queue(queue(), discard=False).path.rpartition("/")[2]
    reading = REGISTRAR.read(Access(Broker([entry()])), {"node1"}, None)

    assert [q.refused for q in sliced(reading, refused=frozenset({last})).queues] == [True]


def test_a_broker_that_cannot_be_read_is_named_and_a_cell_without_one_too():
    """By doctor with an error, by facts as unknown."""
    access = Access(Broker(None), Broker([], cell="cell2"), cells=("cell1", "cell2", "cell3"))
    reading = REGISTRAR.read(access, None, None)

    assert reading.unread == (
        "cell cell3 has no --rabbitmq-api-url",
        f"{BROKER}: HTTP 401",
    )
    with pytest.raises(UnavailableError, match="HTTP 401"):
        REGISTRAR.check(access)


def test_doctor_tells_what_is_read_and_what_it_costs_if_nothing_is():
    """The places stand there without passwords."""
    read, not_read = Access(Broker([entry(), entry("other")])), Access()

    assert REGISTRAR.check(read).detail == f"1 queue of compute hosts at {BROKER}"
    assert "old orders" in REGISTRAR.check(not_read).detail
    assert "--rabbitmq-api-url" in REGISTRAR.check(not_read).remedy
    assert REGISTRAR.read(not_read, None, None).unread == ()


def test_queues_are_ghosts_of_hosts_that_nova_does_not_know():
    """One that is read by somebody is not."""
    broker = Broker(
        [entry(), entry("compute.on", consumers=1), entry("compute.x", consumers=None)]
    )
    reading = REGISTRAR.read(Access(broker), None, None)

    assert list(REGISTRAR.hosts(reading)) == ["node1", "x"]
    (ghost,) = REGISTRAR.ghosts(reading, {"node1", "on"})
    assert (ghost.name, ghost.target) == ("node1", "compute.node1")
    assert ghost.alone == "rabbitmqctl delete_queue -p / compute.node1"


@pytest.mark.parametrize(("messages", "words"), [(0, None), (2, "its 2 messages are gone")])
def test_a_restore_says_what_does_not_come_back(messages, words):
    """Nova-compute declares the queue; nobody has its messages."""
    past = queue(messages=messages)
    (saved,) = map(asdict, REGISTRAR.records(state(past)))
    (line,) = REGISTRAR.lost([saved], {past.target}, state())

    assert "queue compute.node1 is declared again by nova-compute" in line
    assert words is None or words in line
    assert list(REGISTRAR.lost([saved], set(), state())) == []
    assert list(REGISTRAR.lost([saved], {past.target}, state(past))) == []
