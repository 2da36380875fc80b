# SPDX-License-Identifier: Apache-2.0
"""Registrar message-queue."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from nova_decom.errors import (
    ChangeFailedError,
    TransientError,
    UnavailableError,
    UnsupportedError,
)
from nova_decom.model.change import Change
from nova_decom.model.host import HostFacts
from nova_decom.model.names import removal
from nova_decom.model.plan import Condition, Leftover, Met, counted
from nova_decom.model.registrar import Access, Checked, Ghost, Registrar
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.model.step import Cloud, Step
from nova_decom.registrars.queue_records import (
    NAME,
    SETTLED,
    TOPICS,
    Queue,
    QueueReading,
    Queues,
    delete_queue,
    queues_of,
    read_queues,
)


class DeleteQueues(Step):
    """Delete the message queues of the host, which RabbitMQ keeps for ever.

    The messages in them have no expiry: a new nova-compute of the name would carry them out. The
    queues are read again before each delete: one with messages stays without
    ``--discard-messages``. RabbitMQ itself keeps a classic queue that has a consumer. It deletes a
    quorum queue whatever is in it, so its messages and consumers are read twice with a pause.
    """

    name: ClassVar[str] = "delete-queues"
    reads: ClassVar[frozenset[str]] = frozenset({NAME})

    def changes(self, facts: HostFacts) -> Iterator[Change]:
        """One change for each queue of exactly this host, once nova does not know it any more.

        The messages of a queue that is still read may be gone when its reader has stopped.
        """
        discard = facts.request.discard_messages
        if facts.service is not None:
            return
        for queue in queues_of(facts).queues:
            obstacle = queue.obstacle(discard=discard)
            will_settle = queue.consumers or (queue.is_idle and not queue.is_settled)
            if not queue.refused and (obstacle is None or will_settle):
                call = delete_queue(queue, discard=discard)
                detail = f"{call.text} ({queue.text}, at {queue.broker})"
                yield Change(self.name, "delete", queue.target, detail, call=call)

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts without the queue."""
        known = queues_of(facts)
        left = tuple(q for q in known.queues if q.target != change.target)
        return replace(facts, registrars={**facts.registrars, NAME: replace(known, queues=left)})

    def apply(self, change: Change, cloud: Cloud, facts: HostFacts) -> str | None:
        """Read the queue again, and delete it if nothing forbids it.

        :raises UnsupportedError: it has messages or a consumer, that is not known, or RabbitMQ
            refuses.
        """
        discard = facts.request.discard_messages
        found = queues_of(cloud.refresh(facts.host, self.reads)).queues
        queue = next((q for q in found if q.target == change.target), None)
        if queue is None:
            return None
        obstacle = queue.obstacle(discard=discard)
        if obstacle is not None:
            raise UnsupportedError(f"{queue.target}: {obstacle}", _cure(queue, facts))
        try:
            return cloud.send(delete_queue(queue, discard=discard))
        except TransientError:
            raise
        except ChangeFailedError as error:
            # It is the last thing of the host, and other steps do not need it.
            raise UnsupportedError(str(error), _cure(queue, facts)) from error


class MessageQueue(Registrar[QueueReading, Queues]):
    """RabbitMQ has the queues `compute.HOST` and `compute-alt.HOST` of a host, for ever.

    Messages in them are orders without expiry: when a new nova-compute of the name starts, it
    builds, reboots or stops servers that live elsewhere or were given up long ago. The queues are
    read by the management API of the broker of each cell (`--rabbitmq-api-url`), by one request
    for each virtual host however many hosts there are. Its user, password and virtual host are
    those of the cell mapping's `transport_url`, unless the URL has its own.

    RabbitMQ may not tell the counts of a queue that is idle since before the management plugin
    was started, and those of a quorum queue some 5 seconds late. So a count that is absent is
    *unknown*, and a queue is called empty only when it was so in two readings.
    """

    name: ClassVar[str] = NAME
    check_name: ClassVar[str] = "message queues"
    rights: ClassVar[str] = (
        "the tag `management`, and on the virtual host of each cell "
        r"`configure` for `^compute(-alt)?\..*` (to delete queues)"
    )
    after_delete: ClassVar[tuple[Step, ...]] = (DeleteQueues(),)
    kinds: ClassVar[Mapping[str, str]] = {
        NAME: "A queue of the host is left in RabbitMQ. A new nova-compute of the name carries "
        "out the orders in it."
    }
    journal = ("queues", NAME, ("name", "broker", "messages"))

    def read(
        self, access: Access, names: Collection[str] | None, before: QueueReading | None
    ) -> QueueReading:
        """Read the queues of all hosts; again, after a pause, where one has just become idle.

        The first reading of many hosts is not repeated: it is for an overview.
        """
        found = read_queues(access, before)
        new = [q for q in found.queues if q.is_idle and not q.is_settled]
        if names is not None:
            new = [q for q in new if q.host in names]
        if new and (names is not None or before is not None):
            access.clock.sleep(SETTLED)
            found = read_queues(access, found)
        return found

    def facts(self, reading: QueueReading | None, facts: HostFacts, view: CloudSnapshot) -> Queues:
        """The queues of exactly this host."""
        reading = reading or QueueReading()
        discard = facts.request.discard_messages
        own = [q for topic in TOPICS for q in reading.of.get(f"{topic}.{facts.host}", ())]
        refused = {
            q.target
            for q in own
            if delete_queue(q, discard=discard).path.rpartition("/")[2] in view.refused
        }
        marked = (replace(q, refused=q.target in refused) for q in own)
        return Queues(tuple(marked), reading.unread, reading.is_given)

    def check(self, access: Access) -> Checked:
        """Read the queues of each broker.

        :raises UnavailableError: one of them cannot be read.
        """
        found = read_queues(access, None)
        if found.unread:
            raise UnavailableError(
                "; ".join(found.unread), "nova-decom remove cannot delete these queues"
            )
        if not found.is_given:
            return Checked(
                "not read: a re-added host may carry out old orders",
                "give --rabbitmq-api-url for each cell",
            )
        places = ", ".join(broker.label for broker in access.brokers())
        return Checked(f"{counted(len(found.queues), 'queue')} of compute hosts at {places}")

    def leftovers(self, facts: HostFacts) -> Iterator[Leftover]:
        """Every queue of the host."""
        for queue in queues_of(facts).queues:
            orders = ": orders that a re-added host would carry out" if queue.messages else ""
            detail = f"{queue.text} in {queue.target}{orders}"
            yield Leftover("message-queue", queue.name, detail, _cure(queue, facts))

    def conditions(self, facts: HostFacts) -> Iterator[Condition]:
        """No order waits for a new nova-compute of the name."""
        known, host = queues_of(facts), facts.host
        orders = [q for q in known.queues if q.messages]
        unread = list(known.unread)
        if not known.is_given:
            names = " and ".join(f"{topic}.{host}" for topic in TOPICS)
            unread = [f"the queues {names} were not read"]
        unread += [f"{q.target}: {q.text}" for q in known.queues if q.is_unknown]
        unread += [
            f"{q.target} was read once" for q in known.queues if q.is_idle and not q.is_settled
        ]
        if orders:
            detail = "; ".join(f"{q.text} in {q.target}" for q in orders)
            detail += ": a new nova-compute carries out these orders"
            yield Condition(NAME, Met.NOT_MET, detail, _cure(orders[0], facts))
        elif unread:
            detail = f"{'; '.join(unread)}: a new nova-compute carries out the orders in them"
            yield Condition(NAME, Met.UNKNOWN, detail, _by_hand(host))
        else:
            yield Condition(NAME, Met.MET, "no message waits in a queue of the host")

    def records(self, facts: HostFacts) -> tuple[Queue, ...]:
        """The queues of the host."""
        return queues_of(facts).queues

    def lost(
        self, saved: Sequence[Mapping[str, Any]], begun: Collection[str], facts: HostFacts
    ) -> Iterator[str]:
        """The queues that were deleted, and their messages."""
        known = {q.target for q in queues_of(facts).queues}
        for record in saved:
            queue = Queue(**record)
            if queue.target in begun and queue.target not in known:
                gone = f"; its {queue.text} are gone" if queue.messages else ""
                yield f"queue {queue.name} is declared again by nova-compute{gone}"

    def hosts(self, reading: QueueReading) -> Iterator[str]:
        """The hosts of queues that nobody reads."""
        yield from (q.host for q in reading.queues if not q.consumers)

    def ghosts(self, reading: QueueReading, gone: Collection[str]) -> Iterator[Ghost]:
        """The queues of these hosts."""
        for queue in reading.queues:
            if queue.host in gone and not queue.consumers:
                detail = f"{queue.text} in {queue.target}, of a host that nova does not know"
                yield Ghost(queue.host, NAME, queue.name, detail, queue.by_hand)


def _cure(queue: Queue, facts: HostFacts) -> str:
    """The command that deletes the queue."""
    remove = removal(facts.host)
    if queue.consumers:
        return f"stop nova-compute on {facts.host}, then: {remove}"
    if queue.messages:
        return removal(facts.host, "--discard-messages")
    return queue.by_hand if queue.refused or queue.is_unknown else remove


def _by_hand(host: str) -> str:
    """The commands that look and delete."""
    names = [shlex.quote(f"{topic}.{host}") for topic in TOPICS]
    return (
        f"rabbitmqctl list_queues -p VHOST name messages consumers | grep -wF -e {names[0]} "
        f"-e {names[1]}; "
        + "; ".join(f"rabbitmqctl delete_queue -p VHOST {name}" for name in names)
    )
