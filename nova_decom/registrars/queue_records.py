# SPDX-License-Identifier: Apache-2.0
"""The message queues of compute hosts, as the brokers tell them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from nova_decom.errors import UnavailableError
from nova_decom.model.api_call import ApiCall
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import counted
from nova_decom.model.registrar import Access
from nova_decom.model.snapshot import grouped

NAME = "message-queue"
#: The queues of a compute host begin with these words; compute-alt exists from nova 33 on.
TOPICS = ("compute", "compute-alt")
#: Seconds between two readings of a queue without messages: a quorum queue tells them 5 s late.
SETTLED = 6.0
CLASSIC = "classic"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of a host; counts are None where RabbitMQ does not tell them."""

    name: str
    vhost: str
    broker: str
    type: str = CLASSIC
    arguments: Mapping[str, Any] = field(default_factory=dict)
    messages: int | None = field(default=None, compare=False)
    consumers: int | None = field(default=None, compare=False)
    #: It had no message and no consumer in two readings.
    is_settled: bool = field(default=False, compare=False)
    #: RabbitMQ would not delete it.
    refused: bool = field(default=False, compare=False)

    @property
    def host(self) -> str:
        """The host of a queue of a compute host."""
        return self.name.partition(".")[2]

    @property
    def target(self) -> str:
        """The queue among those of all brokers."""
        return f"{self.name} of {self.broker}"

    @property
    def is_idle(self) -> bool:
        """True when it has neither message nor consumer."""
        return self.messages == 0 and self.consumers == 0

    @property
    def is_unknown(self) -> bool:
        """True when a count is not told: so it is of queues that are idle since long."""
        return self.messages is None or self.consumers is None

    @property
    def text(self) -> str:
        """The number of its messages, in words."""
        if self.messages is None:
            return "it is not known how many messages it has"
        return counted(self.messages, "message")

    @property
    def by_hand(self) -> str:
        """The command that deletes it."""
        vhost, name = shlex.quote(self.vhost), shlex.quote(self.name)
        return f"rabbitmqctl delete_queue -p {vhost} {name}"

    def obstacle(self, *, discard: bool) -> str | None:
        """The reason why it must not be deleted, also where RabbitMQ would."""
        if self.messages and not discard:
            return f"{self.text} in it"
        if self.type == CLASSIC:
            # RabbitMQ itself refuses to delete one with consumers, or with messages. It shows a
            # consumer for seconds after nova-compute has ended.
            return None
        if self.consumers:
            return f"{counted(self.consumers, 'consumer')}: nova-compute still reads it"
        if self.is_unknown:
            return "its messages and consumers are not known"
        return None if self.messages or self.is_settled else "it was read once only"


@dataclass(frozen=True)
class QueueReading:
    """The queues of compute hosts; ``is_given`` when any broker is."""

    queues: tuple[Queue, ...] = ()
    unread: tuple[str, ...] = ()
    is_given: bool = False
    #: Queue -> when it was first read without message and consumer, and ever since.
    idle_since: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def of(self) -> Mapping[str, tuple[Queue, ...]]:
        """Name -> the queues that have it."""
        return grouped((q.name, q) for q in self.queues)


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of exactly one host."""

    queues: tuple[Queue, ...] = ()
    unread: tuple[str, ...] = field(default=(), compare=False)
    is_given: bool = field(default=False, compare=False)


def queues_of(facts: HostFacts) -> Queues:
    """The queues among the facts of a host."""
    found: Queues = facts.registrars.get(NAME, Queues())
    return found


def delete_queue(queue: Queue, *, discard: bool) -> ApiCall:
    """Delete a queue with its binding; RabbitMQ takes the conditions for classic queues only."""
    conditions = ["if-unused=true"] if discard else ["if-empty=true", "if-unused=true"]
    query = f"?{'&'.join(conditions)}" if queue.type == CLASSIC else ""
    path = f"/api/queues/{quote(queue.vhost, safe='')}/{quote(queue.name, safe='')}{query}"
    return ApiCall(NAME, "DELETE", path, is_optional=True, place=queue.broker)


def read_queues(access: Access, before: QueueReading | None) -> QueueReading:
    """One reading of all brokers; it knows since when each queue is idle."""
    now, since = access.clock.now(), {} if before is None else before.idle_since
    brokers = access.brokers()
    found: list[Queue] = []
    cells = {broker.cell for broker in brokers}
    unread = [f"cell {c} has no --rabbitmq-api-url" for c in access.cells() if c not in cells]
    for broker in brokers:
        try:
            found += [
                _queue(entry, broker.label, broker.vhost)
                for entry in broker.queues()
                if entry["name"].partition(".")[0] in TOPICS and "." in entry["name"]
            ]
        except UnavailableError as error:
            unread.append(str(error))
    idle = {q.target: since.get(q.target, now) for q in found if q.is_idle}
    settled = {target for target, begun in idle.items() if now - begun >= SETTLED}
    marked = (replace(q, is_settled=q.target in settled) for q in found)
    given = bool(brokers)
    return QueueReading(tuple(marked), tuple(unread) if given else (), given, idle)


def _queue(entry: Mapping[str, Any], broker: str, vhost: str) -> Queue:
    return Queue(
        name=entry["name"],
        vhost=vhost,
        broker=broker,
        type=entry.get("type", CLASSIC),
        arguments=entry.get("arguments") or {},
        messages=entry.get("messages"),
        consumers=entry.get("consumers"),
    )
