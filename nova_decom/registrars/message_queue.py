# SPDX-License-Identifier: Apache-2.0
"""Registrar message-queue."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from typing import ClassVar

from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Condition, Met
from nova_decom.model.registrar import Access, Checked, Registrar
from nova_decom.model.snapshot import CloudSnapshot


class MessageQueue(Registrar[bool, bool]):
    """RabbitMQ has the queues of a host, in which messages without expiry wait for ever."""

    name: ClassVar[str] = "message-queue"
    check_name: ClassVar[str] = "message queues"
    rights: ClassVar[str] = "none: it is not read"

    def read(self, access: Access, names: Collection[str] | None, before: bool | None) -> bool:  # noqa: FBT001
        """Read no queue."""
        return False

    def facts(self, reading: bool | None, facts: HostFacts, view: CloudSnapshot) -> bool:  # noqa: FBT001
        """No queue was read."""
        return False

    def check(self, access: Access) -> Checked:
        """Tell what is not read."""
        return Checked("not read: a re-added host may carry out old orders")

    def conditions(self, facts: HostFacts) -> Iterator[Condition]:
        """No order waits for a new nova-compute of the name."""
        host = facts.host
        queues = [shlex.quote(f"{topic}.{host}") for topic in ("compute", "compute-alt")]
        yield Condition(
            "message-queue",
            Met.UNKNOWN,
            f"the queues compute.{host} and compute-alt.{host} were not read: a new nova-compute "
            "carries out the orders in them",
            "rabbitmqctl list_queues -p VHOST name messages consumers | "
            f"grep -wF -e {queues[0]} -e {queues[1]}; "
            + "; ".join(f"rabbitmqctl delete_queue -p VHOST {queue}" for queue in queues),
        )
