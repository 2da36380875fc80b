# SPDX-License-Identifier: Apache-2.0
"""The protocol of a step, and of the cloud that a step changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Protocol

from nova_decom.model.change import Change
from nova_decom.model.cloud import Action, MoveSnapshot
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.sql import Transaction


class Cloud(Protocol):
    """The cloud: two ways to read it, and one method for each kind of change."""

    def refresh(self, host: str, parts: frozenset[Part]) -> HostFacts:
        """The facts of the host with only these parts read anew."""

    def disable_service(self, service: str, reason: str) -> str | None:
        """Disable a compute service; the request id, if there is one."""

    def enable_service(self, service: str) -> str | None:
        """Enable a compute service."""

    def stop_unit(self, host: str) -> None:
        """Stop and disable nova-compute on the host, by the way that the request names."""

    def delete_service(self, service: str) -> str | None:
        """Delete a service; nova deletes with it what it knows of the host."""

    def release_allocations(self, consumer: str, providers: frozenset[str]) -> str | None:
        """Take these providers out of the consumer's allocations, and nothing else."""

    def create_provider(self, uuid: str, name: str) -> str | None:
        """Create a bare resource provider."""

    def delete_provider(self, uuid: str) -> str | None:
        """Delete a resource provider."""

    def delete_agent(self, agent: str) -> str | None:
        """Delete a network agent, or learn that neutron does not do that."""

    def act(self, server: str, action: Action, target: str | None) -> str | None:
        """Ask nova to do something with a server, at once answered and done later."""

    def watch(self, host: str, look: str) -> MoveSnapshot:
        """The newest migrations of the host, and the servers of exactly the host ``look``."""

    def run(self, transaction: Transaction) -> None:
        """Run one guarded database transaction, its before-images saved first."""


class Step(ABC):
    """One step of the procedure: the changes still to be made, and how one is made.

    The first sentence of the docstring is printed by plan, progress and documentation.
    ``reads`` are the parts of the facts that :meth:`changes` depends on, ``guarded`` those that
    the guards need besides, as they are just before a change.
    """

    name: ClassVar[str]
    reversible: ClassVar[bool] = False
    reads: ClassVar[frozenset[Part]]
    guarded: ClassVar[frozenset[Part]] = frozenset()
    #: The changes are moves of servers: several at once, also of servers that arrive later.
    moves_servers: ClassVar[bool] = False
    #: The change writes the claim of the run into the compute service.
    writes_claim: ClassVar[bool] = False
    #: The change deletes the compute service, so that its absence is this run's doing.
    deletes_service: ClassVar[bool] = False

    @abstractmethod
    def changes(self, facts: HostFacts) -> Iterable[Change]:
        """The changes still to be made on this host. Pure; none means done."""

    @abstractmethod
    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts as this change leaves them. Pure."""

    def apply(self, change: Change, cloud: Cloud, facts: HostFacts) -> str | None:
        """Make one change; safe to repeat. Returns the request id, if the service gives one."""
        if change.transaction is not None:
            cloud.run(change.transaction)
        return None
